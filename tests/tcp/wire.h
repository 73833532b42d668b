/*
 * wire.h - TCP as a conversation: what the peer sends, what we must answer
 *
 *	   app          s = call_listen(w, 80); call_write(w, s, 100); ...
 *	 a2s | s2a      real rings, in the script's own memory
 *	   tcpd         real, moved by its own tcpd_turn() in virtual time
 *	rings with ipd
 *	   peer         in(w, SYN, .seq = 0, .win = 65535, .mss = 1000);
 *	                out(w, SYN | ACK, .seq = 0, .ack = 1, .mss = OUR_MSS);
 *
 * A script is such a list of steps, in the order in which they happen.  in()
 * puts a segment on the wire and gives tcpd as many turns as it wants; out()
 * takes the next segment that tcpd has sent and compares it with what it must
 * be.  Whatever is sent must be expected: a step that finds a segment nobody
 * asked for fails.  Sequence numbers count from the ISNs: 0 is the SYN.
 *
 * Time stands still but for after(), quiet() and pass().
 *
 * Each script runs four times: over IPv4 and IPv6, and both again with a tcpd
 * that dies at every step - within the turn, if a segment waits, else between
 * two - and is attached again to the memory it left.
 *
 * Checked without being asked for: every byte of data both ways, checksums,
 * addresses, that timestamps tick with the clock, that neither our window
 * shrinks nor theirs is overrun, that all slots come home, and wire_check()
 * after each step.
 */
#ifndef TESTS_TCP_WIRE_H
#define TESTS_TCP_WIRE_H

#include "tcpd/tcpd.h"
#include "tests/harness/rig.h"

enum {
	FIN = TCP_FIN,
	SYN = TCP_SYN,
	RST = TCP_RST,
	PSH = TCP_PSH,
	ACK = TCP_ACK,
	URG = TCP_URG,
	ECE = TCP_ECE,
	CWR = TCP_CWR,
	AE = TCP_AE,
};

enum {
	WIRE_CONNS = 4096, /* connections of one script */
	WIRE_QUEUE = 4096, /* segments sent and not yet expected */
	WIRE_APP = 0,
	WIRE_SOCKETS = 200,     /* of our app, at a time */
	WIRE_PEER_PORT = 20000, /* of connection 0 */

	PEER_MSS = 1000, /* what established() announces */

	/* In out(): present, and as our side chooses it. */
	OUR_MSS = 0xffff,
	OUR_WS = 0xff,
	/* A window, or anything else, that is there and 0. */
	ZERO = -1,
};

/* Window scale @n: so that 0 means no option. */
#define WS(n) ((n) + 1)
/* .ts: the peer's clock, and ours as it echoes it: ms since our first. */
#define TS(v, e)                                   \
	{                                          \
		.on = true, .val = (v), .ecr = (e) \
	}
/* In out(): TSval is looked at anyway. */
#define ECR(e)                         \
	{                              \
		.on = true, .ecr = (e) \
	}

struct seg {
	uint16_t flags; /* out() ignores PSH unless .psh */
	uint32_t seq, ack;
	uint32_t len;
	int32_t win; /* as in the header; 0: in() as before, out() any */
	uint16_t urg;
	uint16_t mss;
	uint8_t ws;
	bool sack_ok;
	bool psh;
	bool bare; /* in(): without a timestamp, although agreed on */
	bool held; /* in(): tcpd has no turn until the next step */
	struct {
		bool on;
		uint32_t val, ecr;
	} ts;
	struct {
		uint32_t left, right;
	} sack[TCP_MAX_SACK];
	uint8_t ecn;  /* of the IP header: 0, 1 ECT(1), 2 ECT(0), 3 CE */
	uint16_t gso; /* in(): several segments of this size, merged */
	uint8_t hops; /* out(): TTL as asked for; 0: any */
	uint8_t tos;  /* out(): without ECN; 0: any */
};

/* One conversation. */
struct conversation {
	uint16_t peer_port, our_port;
	uint32_t irs, iss; /* theirs, ours */
	bool iss_known;
	bool ts; /* timestamps agreed on */
	bool ts_known;
	uint32_t ts_base; /* our TSval at ... */
	struct mono ts_at;
	uint32_t ts_theirs; /* the last that in() sent, for those without */
	uint32_t ts_ours;   /* our last */
	int32_t win;        /* the last that in() sent */
	uint8_t our_ws;     /* as our SYN said; 0: none */
	uint8_t peer_ws;    /* as theirs did */
	bool ws;            /* both did */
	bool edge_known, peer_edge_known;
	uint32_t edge;      /* the farthest we have announced; relative */
	uint32_t peer_edge; /* and they have */
};

struct sent {
	struct tcp_hdr h;
	uint32_t len;
	struct mono at;
	uint32_t who; /* connection */
	uint8_t ecn;
	uint8_t tos;
	uint8_t hops;
	bool data_ok;
};

struct wire {
	struct rig *r;
	struct tcpd *t;
	bool v6, kill;
	bool jammed; /* ipd takes nothing: rings and slots run out */
	uint32_t deaths;
	struct ip_addr us, peer;
	uint32_t mss; /* of the link */
	struct mono began;
	uint32_t cur; /* the connection that in() and out() mean */
	struct conversation c[WIRE_CONNS];

	struct sent queue[WIRE_QUEUE];
	uint32_t first, queued;

	uint8_t *a2s, *s2a;
	uint8_t family[WIRE_SOCKETS]; /* 0: no such socket */
	bool hung_up[WIRE_SOCKETS];
	bool woken[WIRE_SOCKETS]; /* by a byte; see call_woken() */
	uint64_t tx_base[WIRE_SOCKETS], rx_base[WIRE_SOCKETS];

	char *trace; /* what has happened, as tcpdump would tell it */
	size_t trace_len;
	const char *file; /* of the step */
	int line;
};

struct script {
	const char *name;
	void (*run)(struct wire *w);
	const char *config; /* what stands in "tcp": {...}; NULL: defaults */
	bool once;          /* long: only IPv4, and nobody dies */
};

#define SCRIPT(f)                    \
	{                            \
#f, (f), NULL, false \
	}
#define SCRIPT_WITH(f, config)           \
	{                                \
#f, (f), (config), false \
	}

/* Runs each in its variants; what main() returns. */
int wire_run(const char *name, const struct script *s, size_t n);
#define WIRE_MAIN(scripts)                                   \
	int main(void)                                       \
	{                                                    \
		return wire_run(__FILE__, (scripts),         \
		    sizeof(scripts) / sizeof((scripts)[0])); \
	}

/* ---- The wire */

#define WIRE_AT(w) ((w)->file = __FILE__, (w)->line = __LINE__)

#define in(w, ...) \
	(WIRE_AT(w), wire_in(w, &(struct seg){ .flags = __VA_ARGS__ }))
#define out(w, ...) \
	(WIRE_AT(w), wire_out(w, &(struct seg){ .flags = __VA_ARGS__ }))
void wire_in(struct wire *w, const struct seg *s);
void wire_out(struct wire *w, const struct seg *s);

/* @n full segments of our data, the first at @from, and no more. */
#define segments(w, from, n) (WIRE_AT(w), wire_segments(w, from, n))
void wire_segments(struct wire *w, uint32_t from, uint32_t n);

/* The bytes of @s, sealed, at @buf; their number.  And bytes, as they are. */
size_t wire_build(struct wire *w, const struct seg *s, uint8_t *buf);
#define in_raw(w, p, len) (WIRE_AT(w), wire_raw(w, p, len, 0))
void wire_raw(struct wire *w, const uint8_t *p, size_t len, uint16_t flags);

/* An ICMP error about the segment of ours that began at @seq. */
#define in_icmp(w, type, code, info, seq) \
	(WIRE_AT(w), wire_icmp(w, type, code, info, seq))
void wire_icmp(
    struct wire *w, uint8_t type, uint8_t code, uint32_t info, uint32_t seq);

/* ipd takes nothing any more; and again. */
#define jam(w, on) (WIRE_AT(w), wire_jam(w, on))
void wire_jam(struct wire *w, bool on);

/* Nothing is sent that was not expected. */
#define none(w) (WIRE_AT(w), wire_none(w))
void wire_none(struct wire *w);

/* Take and forget what was sent; how many segments. */
uint32_t wire_drain(struct wire *w);
/* Take the next, whatever it is; NULL: none. */
const struct sent *wire_next(struct wire *w);

/* Talk about connection @c from now on; peer's port WIRE_PEER_PORT + @c. */
void on(struct wire *w, uint32_t c);

/* ---- Time */

/* @ms pass in which nothing is sent; at their end, within 1 ms, something is.
 */
#define after(w, ms) (WIRE_AT(w), wire_after(w, ms))
/* @ms pass, and nothing is sent. */
#define quiet(w, ms) (WIRE_AT(w), wire_quiet(w, ms))
/* @ms pass; what is sent meanwhile waits for out(). */
#define pass(w, ms) (WIRE_AT(w), wire_pass(w, ms))
void wire_after(struct wire *w, int64_t ms);
void wire_quiet(struct wire *w, int64_t ms);
void wire_pass(struct wire *w, int64_t ms);

/* Milliseconds since the script began. */
int64_t wire_ms(const struct wire *w);

/* ---- The app */

#define call_socket(w)        (WIRE_AT(w), wire_socket(w))
#define call_bind(w, s, port) (WIRE_AT(w), wire_bind(w, s, port))
#define call_listen(w, port)  (WIRE_AT(w), wire_listen(w, port, 100, 16))
#define call_listen_with(w, port, backlog, spares) \
	(WIRE_AT(w), wire_listen(w, port, backlog, spares))
#define call_spares(w, s, n) (WIRE_AT(w), wire_spares(w, s, n))
#define call_connect(w)      (WIRE_AT(w), wire_connect(w))
/* Somebody who slept on @s was woken since this was asked last. */
#define call_woken(w, s)         (WIRE_AT(w), wire_woken(w, s))
#define call_accept(w, l)        (WIRE_AT(w), wire_accept(w, l))
#define call_write(w, s, n)      (WIRE_AT(w), wire_write(w, s, n, false))
#define call_write_more(w, s, n) (WIRE_AT(w), wire_write(w, s, n, true))
#define call_read(w, s, n)       (WIRE_AT(w), wire_read(w, s, n))
#define call_shutdown(w, s, how) (WIRE_AT(w), wire_shutdown(w, s, how))
#define call_close(w, s)         (WIRE_AT(w), wire_close(w, s))
#define call_setopt(w, s, level, name, v) \
	(WIRE_AT(w), wire_setopt(w, s, level, name, v))
#define call_error(w, s)       (WIRE_AT(w), wire_error(w, s))
#define call_linger(w, s, sec) (WIRE_AT(w), wire_linger(w, s, sec))
uint32_t wire_socket(struct wire *w);
int wire_bind(struct wire *w, uint32_t s, uint16_t port);
uint32_t wire_listen(
    struct wire *w, uint16_t port, uint32_t backlog, uint32_t spares);
void wire_spares(struct wire *w, uint32_t l, uint32_t n);
/* A socket that calls the peer of the connection on(). */
uint32_t wire_connect(struct wire *w);
int wire_connect_with(struct wire *w, uint32_t s);
/* The next accepted socket; fails if there is none. */
void wire_woken(struct wire *w, uint32_t s);
uint32_t wire_accept(struct wire *w, uint32_t l);
bool wire_can_accept(struct wire *w, uint32_t l);
void wire_write(struct wire *w, uint32_t s, uint32_t n, bool more);
/* @n bytes are there, and right. */
void wire_read(struct wire *w, uint32_t s, uint32_t n);
uint32_t wire_readable(struct wire *w, uint32_t s);
uint32_t wire_unacked(struct wire *w, uint32_t s); /* in the tx ring, bytes */
bool wire_at_end(struct wire *w, uint32_t s);      /* read returns 0 */
uint64_t wire_stream(struct wire *w, uint32_t s);
int wire_shutdown(struct wire *w, uint32_t s, int how); /* SHUT_* */
void wire_close(struct wire *w, uint32_t s);
void wire_setopt(struct wire *w, uint32_t s, int level, int name, int v);
int wire_command(struct wire *w, uint32_t s, uint32_t op, uint32_t arg0,
    uint32_t arg1, const void *data, uint32_t len);
int wire_error(struct wire *w, uint32_t s); /* SO_ERROR, taken */
void wire_linger(struct wire *w, uint32_t s, int seconds);

/* ---- What must be so */

#define state_is(w, s) (WIRE_AT(w), wire_state_is(w, s))
void wire_state_is(struct wire *w, enum tcp_state s);
/* It is so still just before @ms have passed, in silence, and ends then. */
#define state_ends(w, s, ms) (WIRE_AT(w), wire_state_ends(w, s, ms))
void wire_state_ends(struct wire *w, enum tcp_state s, int64_t ms);
enum tcp_state wire_state(struct wire *w);  /* CLOSED: there is none */
const struct tcb *wire_tcb(struct wire *w); /* NULL: none */
uint64_t wire_count(struct wire *w, uint32_t counter);
/* So often since the script began. */
#define counted(w, counter, n) (WIRE_AT(w), wire_counted(w, counter, n))
void wire_counted(struct wire *w, uint32_t counter, uint64_t n);
/* An expression that must be true. */
#define must(w, e) (WIRE_AT(w), wire_must(w, (e), #e))
void wire_must(struct wire *w, bool ok, const char *what);
void wire_fail(struct wire *w, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
void wire_check(struct wire *w);

/* ---- Beginnings */

/* The peer calls us, on connection on(); all acknowledged; the socket. */
struct how {
	int rtt; /* ms */
	bool ts, sack;
	uint8_t ws;    /* WS() */
	int32_t win;   /* 0: 65535 */
	uint16_t mss;  /* 0: PEER_MSS */
	uint16_t port; /* 0: 80 */
};
#define established(w, ...) \
	(WIRE_AT(w), wire_established(w, &(struct how){ __VA_ARGS__ }))
uint32_t wire_established(struct wire *w, const struct how *how);

/* A connection in this state, after established() if that leads there. */
#define reach(w, s) (WIRE_AT(w), wire_reach(w, s))
uint32_t wire_reach(struct wire *w, enum tcp_state s);

/* ---- Between the files of this folder */

void wire_step(struct wire *w); /* tcpd's turns, perhaps after a death */
void wire_collect(struct wire *w);
void wire_say(struct wire *w, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
uint8_t wire_theirs(uint64_t at); /* byte @at of the peer's stream */
uint8_t wire_ours(uint64_t at);
struct a2s_socket *wire_a2s(struct wire *w, uint32_t s);
const struct s2a_socket *wire_s2a(struct wire *w, uint32_t s);
void wire_tell_apps(struct wire *w);

#endif /* TESTS_TCP_WIRE_H */
