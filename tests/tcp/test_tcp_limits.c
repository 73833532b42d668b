/*
 * test_tcp_limits.c - where something runs out, or wraps around
 */
#include <errno.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "shm/app.h"
#include "tests/tcp/wire.h"

/* ---- Room: ipd takes nothing for a while (3.10.7: "queued for processing") */

enum {
	MANY = 150,
	MANY_CALLS = 700,
	FEW = 20,
};

/* All in one connection's order, each byte once. */
static void take_everything(struct wire *w, uint32_t *next)
{
	const struct sent *is;

	while ((is = wire_next(w)) != NULL) {
		must(w, is->data_ok);
		must(w,
		    is->h.seq.n - w->c[is->who].iss == next[is->who] ||
			is->len == 0);
		next[is->who] += is->len;
	}
}

static void nothing_is_lost_for_want_of_room(struct wire *w)
{
	uint32_t s[MANY], next[MANY];

	for (uint32_t i = 0; i < MANY; i++) {
		on(w, i);
		s[i] = established(w, .rtt = 0);
		call_setopt(w, s[i], IPPROTO_TCP, TCP_NODELAY, 1);
		next[i] = 1;
	}
	jam(w, true);
	for (uint32_t k = 0; k < 9; k++)
		for (uint32_t i = 0; i < MANY; i++)
			call_write(w, s[i], 100);
	jam(w, false);
	for (int i = 0; i < 10; i++) {
		take_everything(w, next);
		pass(w, 1);
	}
	for (uint32_t i = 0; i < MANY; i++) {
		on(w, i);
		must(w, next[i] == 901);
		in(w, ACK, .seq = 1, .ack = 901);
		must(w, wire_unacked(w, s[i]) == 0);
	}
}

/* ipd takes nothing, and answers to somebody else have filled its ring. */
static void jam_wholly(struct wire *w)
{
	jam(w, true);
	on(w, 1);
	while (!w->t->n.starving)
		in(w, ACK, .seq = 1, .ack = 1);
	on(w, 0);
}

static void unjam(struct wire *w)
{
	jam(w, false);
	while (w->queued > 0 && w->queue[w->first].who == 1)
		wire_next(w);
}

/*
 * A tail loss probe finds no room, and when there is some, all has arrived: it
 * is for nothing then, and so would be its timer.
 */
static void a_loss_probe_that_came_too_late(struct wire *w)
{
	uint32_t s = established(w, .rtt = 100, .sack = true);

	call_write(w, s, 500);
	out(w, ACK, .seq = 1, .ack = 1, .len = 500);
	jam_wholly(w);
	pass(w, 1000);
	in(w, ACK, .seq = 1, .ack = 501, .held = true);
	unjam(w);
	quiet(w, 1000000);
	counted(w, CNT_TCP_LOSS_PROBES, 0);
	counted(w, CNT_TCP_TIMEOUTS, 0);
	state_is(w, TCP_ESTABLISHED);
}

/* The same with a closed window: it has opened meanwhile. */
static void a_window_probe_that_came_too_late(struct wire *w)
{
	uint32_t s = established(w, .rtt = 100);

	in(w, ACK, .seq = 1, .ack = 1, .win = ZERO);
	call_write(w, s, 1);
	jam_wholly(w);
	pass(w, 1000);
	in(w, ACK, .seq = 1, .ack = 1, .win = 1000, .held = true);
	unjam(w);
	out(w, ACK, .seq = 1, .ack = 1, .len = 1);
	counted(w, CNT_TCP_WINDOW_PROBES, 0);
	after(w, 300);
	out(w, ACK, .seq = 1, .ack = 1, .len = 1);
	in(w, ACK, .seq = 1, .ack = 2);
}

/* More than one turn can change: they end one after the other. */
static void a_listener_ends_with_many_calls_under_way(struct wire *w)
{
	uint32_t l = call_listen_with(w, 80, 1000, 16);

	for (uint32_t i = 0; i < MANY_CALLS; i++) {
		on(w, i);
		in(w, SYN, .seq = 0, .mss = 1000);
		must(w, wire_drain(w) == 1);
	}
	must(w, w->t->conns.half_open == MANY_CALLS);
	call_close(w, l);
	must(w, w->t->conns.half_open == 0);
	must(w, w->t->conns.nfree == MAX_CONNS);
	wire_drain(w);
	in(w, ACK, .seq = 1, .ack = 1);
	out(w, RST, .seq = 1);
}

/* Who binds any port gets none, until the last of those has ended. */
static void the_only_port_is_in_time_wait(struct wire *w)
{
	for (uint32_t i = 0; i < FEW; i++) {
		uint32_t s;

		on(w, i);
		s = call_connect(w);
		must(w, wire_drain(w) == 1);
		in(w, SYN | ACK, .seq = 0, .ack = 1, .mss = 1000);
		out(w, ACK, .seq = 1, .ack = 1);
		call_close(w, s);
		out(w, FIN | ACK, .seq = 1, .ack = 1);
		in(w, FIN | ACK, .seq = 1, .ack = 2);
		out(w, ACK, .seq = 2, .ack = 2);
		state_is(w, TCP_TIME_WAIT);
	}
	must(w, call_bind(w, call_socket(w), 0) == -EADDRINUSE);
	pass(w, 61000);
	must(w, call_bind(w, call_socket(w), 0) == 0);
}

/* ---- The largest segments: those of a loopback link */

static void the_largest_mtu_there_is(struct wire *w)
{
	struct fib *f = (void *)rig_node(w->r, "ipd")->table;
	uint32_t most, s;

	w->r->topo.links[0].mtu = TOPO_MTU_MAX;
	publish_begin(&f->p);
	fib_build(f, &w->r->topo);
	publish_end(&f->p);
	wire_step(w);
	w->mss = TOPO_MTU_MAX - (w->v6 ? 60 : 40);
	s = established(w, .rtt = 0, .mss = (uint16_t)w->mss);
	most = wire_tcb(w)->mss;
	call_write(w, s, 100);
	out(w, ACK, .seq = 1, .ack = 1, .len = 100);
	in(w, ACK, .seq = 1, .ack = 101);
	call_write(w, s, most);
	out(w, ACK, .seq = 101, .ack = 1, .len = most);
	in(w, ACK, .seq = 1, .ack = 101 + most);
	must(w, wire_unacked(w, s) == 0);
}

/* ---- Numbers that wrap around */

/* Our ISN follows the clock: wait until it is nearly at the end. */
static void our_numbers_wrap_around(struct wire *w)
{
	uint32_t l = call_listen(w, 80);
	uint32_t s, next = 1;

	in(w, SYN, .seq = 0, .mss = 1000);
	out(w, SYN | ACK, .seq = 0, .ack = 1, .mss = OUR_MSS);
	in(w, RST, .seq = 1);
	quiet(w, (int64_t)(0xffffffff - w->c[0].iss) / 250 - 40);
	in(w, SYN, .seq = 1000, .mss = 1000, .sack_ok = true);
	out(w, SYN | ACK, .seq = 0, .ack = 1001, .mss = OUR_MSS,
	    .sack_ok = true);
	must(w, w->c[0].iss > 0xffff8000);
	in(w, ACK, .seq = 1001, .ack = 1);
	s = call_accept(w, l);
	for (int i = 0; i < 40; i++, next += 2000) {
		call_write(w, s, 2000);
		wire_drain(w);
		/* Just at the end one is lost. */
		if (next + w->c[0].iss > 0xfffff000)
			in(w, ACK, .seq = 1001, .ack = next,
			    .sack = { { next + 1000, next + 2000 } });
		while (wire_unacked(w, s) > 0) {
			pass(w, 10);
			wire_drain(w);
			in(w, ACK, .seq = 1001,
			    .ack = sb_end(&wire_tcb(w)->sb).n - w->c[0].iss);
		}
	}
	must(w, sb_end(&wire_tcb(w)->sb).n < 0x80000000);
	must(w, wire_unacked(w, s) == 0);
}

/* And so does our clock of timestamps, after 49 days at the latest. */
static void our_timestamps_wrap_around(struct wire *w)
{
	uint32_t s = established(w, .rtt = 100, .ts = true);
	int64_t left = (int64_t)(0xffffffff - w->c[0].ts_base) - 150;

	quiet(w, left);
	for (uint32_t i = 0; i < 6; i++) {
		call_write(w, s, 500);
		out(w, ACK, .seq = 1 + i * 500, .ack = 1, .len = 500);
		quiet(w, 100);
		in(w, ACK, .seq = 1, .ack = 501 + i * 500,
		    .ts =
			TS(2000 + i * 100, w->c[0].ts_ours - w->c[0].ts_base));
		must(w, wire_tcb(w)->rtt.rto_ns <= (int64_t)400 * NS_PER_MS);
	}
	must(w, w->c[0].ts_ours < 0x80000000);
}

/* ---- Between the handshake and accept() */

static void a_connection_that_ends_before_accept(struct wire *w)
{
	uint32_t l = call_listen(w, 80);
	uint32_t s;

	in(w, SYN, .seq = 0, .mss = 1000);
	out(w, SYN | ACK, .seq = 0, .ack = 1, .mss = OUR_MSS);
	in(w, ACK, .seq = 1, .ack = 1, .len = 20);
	wire_drain(w);
	in(w, FIN | ACK, .seq = 21, .ack = 1);
	wire_drain(w);
	s = call_accept(w, l);
	call_read(w, s, 20);
	must(w, wire_at_end(w, s));
	on(w, 1);
	in(w, SYN, .seq = 0, .mss = 1000);
	out(w, SYN | ACK, .seq = 0, .ack = 1, .mss = OUR_MSS);
	in(w, ACK, .seq = 1, .ack = 1);
	in(w, RST, .seq = 1);
	s = call_accept(w, l);
	must(w, call_error(w, s) == ECONNRESET);
	must(w, wire_at_end(w, s));
}

/* TCP_DEFER_ACCEPT: nobody is wanted who says nothing. */
static void who_says_nothing_is_not_accepted(struct wire *w)
{
	uint32_t l = call_listen(w, 80);
	uint32_t s;

	call_setopt(w, l, IPPROTO_TCP, TCP_DEFER_ACCEPT, 5);
	in(w, SYN, .seq = 0, .mss = 1000);
	out(w, SYN | ACK, .seq = 0, .ack = 1, .mss = OUR_MSS);
	in(w, ACK, .seq = 1, .ack = 1);
	none(w);
	must(w, !wire_can_accept(w, l));
	in(w, ACK, .seq = 1, .ack = 1, .len = 10);
	out(w, ACK, .seq = 1, .ack = 11);
	s = call_accept(w, l);
	call_read(w, s, 10);
}

/* ---- What the socket allows */

/* TCP_MAXSEG: no larger either way. */
static void segments_as_small_as_wanted(struct wire *w)
{
	uint32_t l = call_listen(w, 80);
	uint32_t s;

	call_setopt(w, l, IPPROTO_TCP, TCP_MAXSEG, 300);
	in(w, SYN, .seq = 0, .mss = 1000);
	out(w, SYN | ACK, .seq = 0, .ack = 1, .mss = 300);
	in(w, ACK, .seq = 1, .ack = 1);
	s = call_accept(w, l);
	call_write(w, s, 700);
	out(w, ACK, .seq = 1, .ack = 1, .len = 300);
	out(w, ACK, .seq = 301, .ack = 1, .len = 300);
	out(w, ACK, .seq = 601, .ack = 1, .len = 100);
}

/* SO_RCVBUF: what the peer may send is bounded by it. */
static void the_window_is_no_larger_than_the_buffer(struct wire *w)
{
	uint32_t l = call_listen(w, 80);

	call_setopt(w, l, SOL_SOCKET, SO_RCVBUF, 4000);
	in(w, SYN, .seq = 0, .mss = 1000);
	must(w, w->queued == 1);
	must(w, w->queue[w->first].h.window <= 8000);
	must(w, w->queue[w->first].h.window >= 3000);
	wire_drain(w);
}

/* TCP_LINGER2: an orphan in FIN-WAIT-2 waits no longer. */
static void fin_wait_2_as_short_as_wanted(struct wire *w)
{
	uint32_t s = established(w, .rtt = 0);

	call_setopt(w, s, IPPROTO_TCP, TCP_LINGER2, 5);
	call_close(w, s);
	out(w, FIN | ACK, .seq = 1, .ack = 1);
	in(w, ACK, .seq = 1, .ack = 2);
	state_ends(w, TCP_FIN_WAIT_2, 5000);
}

/* Below 0: it is not waited for at all, as with Linux. */
static void no_fin_wait_2_if_not_wanted(struct wire *w)
{
	uint32_t s = established(w, .rtt = 0);

	call_setopt(w, s, IPPROTO_TCP, TCP_LINGER2, -1);
	call_close(w, s);
	out(w, FIN | ACK, .seq = 1, .ack = 1);
	in(w, ACK, .seq = 1, .ack = 2);
	out(w, RST | ACK, .seq = 2, .ack = 1, .win = ZERO);
	state_is(w, TCP_CLOSED);
}

/* More orphans than may be: the next is reset. */
static void too_many_orphans(struct wire *w)
{
	for (uint32_t i = 0; i < 3; i++) {
		uint32_t s;

		on(w, i);
		s = established(w, .rtt = 0);
		call_close(w, s);
		if (i < 2)
			out(w, FIN | ACK, .seq = 1, .ack = 1);
		else
			out(w, RST | ACK, .seq = 1, .ack = 1, .win = ZERO);
	}
	counted(w, CNT_TCP_ORPHANS_FULL, 1);
}

/* More in TIME-WAIT than may be: the last ACK is sent, and that was it. */
static void too_many_in_time_wait(struct wire *w)
{
	for (uint32_t i = 0; i < 3; i++) {
		on(w, i);
		if (i < 2) {
			reach(w, TCP_TIME_WAIT);
			continue;
		}
		reach(w, TCP_FIN_WAIT_2);
		in(w, FIN | ACK, .seq = 1, .ack = 2);
		out(w, ACK, .seq = 2, .ack = 2);
		state_is(w, TCP_CLOSED);
	}
	counted(w, CNT_TCP_LINGERS_FULL, 1);
}

/* More gaps than are kept in mind: what is beyond comes again. */
static void too_many_gaps(struct wire *w)
{
	uint32_t s = established(w, .rtt = 0, .sack = true);
	uint32_t gaps = 600;

	for (uint32_t i = 0; i < gaps; i++) {
		in(w, ACK, .seq = 11 + i * 20, .ack = 1, .len = 10);
		must(w, wire_drain(w) == 1);
	}
	must(w, wire_count(w, CNT_TCP_OUT_OF_ORDER_FULL) > 0);
	/* All of it, in order, at last. */
	for (uint32_t at = 1; at <= gaps * 20; at += 1000) {
		in(w, ACK, .seq = at, .ack = 1, .len = 1000);
		wire_drain(w);
	}
	must(w, wire_readable(w, s) >= gaps * 20);
	call_read(w, s, gaps * 20);
	wire_drain(w);
}

static const struct script scripts[] = {
	SCRIPT(nothing_is_lost_for_want_of_room),
	SCRIPT(a_loss_probe_that_came_too_late),
	SCRIPT(a_window_probe_that_came_too_late),
	{ "a_listener_ends_with_many_calls_under_way",
	    a_listener_ends_with_many_calls_under_way, NULL, true },
	{ "the_only_port_is_in_time_wait", the_only_port_is_in_time_wait,
	    "\"port_min\":60000,\"port_max\":60000", true },
	SCRIPT(the_largest_mtu_there_is),
	SCRIPT(our_numbers_wrap_around),
	SCRIPT(our_timestamps_wrap_around),
	SCRIPT(a_connection_that_ends_before_accept),
	SCRIPT(who_says_nothing_is_not_accepted),
	SCRIPT(segments_as_small_as_wanted),
	SCRIPT(the_window_is_no_larger_than_the_buffer),
	SCRIPT(fin_wait_2_as_short_as_wanted),
	SCRIPT(no_fin_wait_2_if_not_wanted),
	SCRIPT_WITH(too_many_orphans, "\"max_orphans\":2"),
	SCRIPT_WITH(too_many_in_time_wait, "\"time_wait_max\":2"),
	SCRIPT(too_many_gaps),
};

WIRE_MAIN(scripts)
