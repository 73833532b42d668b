/*
 * test_tcp_syn_received.c - SYN-RECEIVED: RFC 9293, 3.10.7.4
 */
#include "tests/tcp/wire.h"

static uint32_t begin(struct wire *w)
{
	uint32_t l = call_listen(w, 80);

	in(w, SYN, .seq = 0, .win = 1000, .mss = 1000);
	out(w, SYN | ACK, .seq = 0, .ack = 1, .win = 65535, .mss = OUR_MSS);
	state_is(w, TCP_SYN_RECEIVED);
	return l;
}

/* First step: outside of the window, an ACK. */
static void outside_of_the_window_an_ack_answers(struct wire *w)
{
	begin(w);
	in(w, ACK, .seq = 70000, .ack = 1);
	out(w, ACK, .seq = 1, .ack = 1);
	in(w, ACK, .seq = 70000, .ack = 1, .len = 1);
	out(w, ACK, .seq = 1, .ack = 1);
	counted(w, CNT_TCP_AHEAD, 2);
	in(w, RST, .seq = 70000);
	none(w);
	counted(w, CNT_TCP_BAD_RST, 1);
	state_is(w, TCP_SYN_RECEIVED);
}

/* Second: a reset leads back to LISTEN; "the user need not be informed". */
static void a_reset_leads_back_to_listen(struct wire *w)
{
	uint32_t l = begin(w);

	in(w, RST, .seq = 1);
	none(w);
	state_is(w, TCP_CLOSED);
	must(w, !wire_can_accept(w, l));
	on(w, 1);
	in(w, SYN, .seq = 0, .mss = 1000);
	out(w, SYN | ACK, .seq = 0, .ack = 1, .mss = OUR_MSS);
}

/* RFC 5961, 3.2: only the exact number resets. */
static void a_reset_in_the_window_is_challenged(struct wire *w)
{
	begin(w);
	in(w, RST, .seq = 2);
	out(w, ACK, .seq = 1, .ack = 1);
	state_is(w, TCP_SYN_RECEIVED);
	counted(w, CNT_TCP_RST_CHALLENGED, 1);
}

/* The SYN again: our answer was lost (3.4: SHOULD be acknowledged again). */
static void the_same_syn_is_answered_again(struct wire *w)
{
	begin(w);
	in(w, SYN, .seq = 0, .win = 1000, .mss = 1000);
	out(w, SYN | ACK, .seq = 0, .ack = 1, .mss = OUR_MSS);
	counted(w, CNT_TCP_SYN_AGAIN, 1);
	in(w, ACK, .seq = 1, .ack = 1);
	none(w);
	state_is(w, TCP_ESTABLISHED);
}

/* Fourth: a SYN in the window; "If the connection was ... passive OPEN". */
static void another_syn_leads_back_to_listen(struct wire *w)
{
	begin(w);
	in(w, SYN, .seq = 500, .win = 1000, .mss = 1000);
	counted(w, CNT_TCP_SYN_CHALLENGED, 1);
	wire_drain(w);
	state_is(w, TCP_CLOSED);
	in(w, SYN, .seq = 500, .win = 1000, .mss = 1000);
	out(w, SYN | ACK, .seq = 0, .ack = 501, .mss = OUR_MSS);
}

/* Fifth: "If the ACK bit is off, drop the segment and return." */
static void without_an_ack_it_is_dropped(struct wire *w)
{
	begin(w);
	in(w, 0, .seq = 1, .len = 10);
	in(w, FIN, .seq = 1);
	none(w);
	counted(w, CNT_TCP_NO_ACK, 2);
	state_is(w, TCP_SYN_RECEIVED);
}

/* Fifth: "<SEQ=SEG.ACK><CTL=RST>" to what does not acknowledge our SYN. */
static void a_wrong_ack_is_answered_with_a_reset(struct wire *w)
{
	begin(w);
	in(w, ACK, .seq = 1, .ack = 0);
	out(w, RST, .seq = 0, .win = ZERO);
	in(w, ACK, .seq = 1, .ack = 2);
	out(w, RST, .seq = 2, .win = ZERO);
	state_is(w, TCP_SYN_RECEIVED);
	counted(w, CNT_TCP_BAD_ACK_SYN_RECEIVED, 2);
	in(w, ACK, .seq = 1, .ack = 1);
	state_is(w, TCP_ESTABLISHED);
}

/* Fifth: SND.WND <- SEG.WND; then all further steps. */
static void the_ack_opens_and_the_window_counts(struct wire *w)
{
	uint32_t l = begin(w);
	uint32_t s;

	in(w, ACK, .seq = 1, .ack = 1, .win = 500);
	none(w);
	s = call_accept(w, l);
	call_write(w, s, 800);
	/* Half of the largest window that was offered is worth sending. */
	out(w, ACK, .seq = 1, .ack = 1, .len = 500);
	in(w, ACK, .seq = 1, .ack = 501, .win = 1000);
	out(w, ACK, .seq = 501, .ack = 1, .len = 300);
}

/* Eighth: a FIN with the handshake's last ACK. */
static void a_fin_may_come_at_once(struct wire *w)
{
	uint32_t l = begin(w);
	uint32_t s;

	in(w, FIN | ACK, .seq = 1, .ack = 1, .len = 5);
	out(w, ACK, .seq = 1, .ack = 7);
	state_is(w, TCP_CLOSE_WAIT);
	s = call_accept(w, l);
	call_read(w, s, 5);
	must(w, wire_at_end(w, s));
}

/* RFC 6298 for the SYN-ACK: 1 s, doubled; then it is forgotten. */
static void how_often_we_answer(struct wire *w)
{
	static const int64_t at[] = { 1000, 2000, 4000, 8000, 16000 };

	begin(w);
	for (int i = 0; i < 5; i++) {
		after(w, at[i]);
		out(w, SYN | ACK, .seq = 0, .ack = 1, .mss = OUR_MSS);
	}
	quiet(w, 31000);
	state_is(w, TCP_SYN_RECEIVED);
	quiet(w, 2000);
	state_is(w, TCP_CLOSED);
}

/* Text that comes before the handshake's end has come is kept or comes again.
 */
static void data_out_of_order_before_the_ack(struct wire *w)
{
	uint32_t l = begin(w);
	uint32_t s;

	/* The handshake's ACK was lost; the data behind it has it too. */
	in(w, ACK, .seq = 101, .ack = 1, .len = 100);
	out(w, ACK, .seq = 1, .ack = 1);
	state_is(w, TCP_ESTABLISHED);
	in(w, ACK, .seq = 1, .ack = 1, .len = 100);
	out(w, ACK, .seq = 1, .ack = 201);
	s = call_accept(w, l);
	call_read(w, s, 200);
}

static const struct script scripts[] = {
	SCRIPT(outside_of_the_window_an_ack_answers),
	SCRIPT(a_reset_leads_back_to_listen),
	SCRIPT(a_reset_in_the_window_is_challenged),
	SCRIPT(the_same_syn_is_answered_again),
	SCRIPT(another_syn_leads_back_to_listen),
	SCRIPT(without_an_ack_it_is_dropped),
	SCRIPT(a_wrong_ack_is_answered_with_a_reset),
	SCRIPT(the_ack_opens_and_the_window_counts),
	SCRIPT(a_fin_may_come_at_once),
	SCRIPT(how_often_we_answer),
	SCRIPT(data_out_of_order_before_the_ack),
};

WIRE_MAIN(scripts)
