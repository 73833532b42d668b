/*
 * ss.h - between the files of `strata ss`
 *
 *	ss.c         arguments, which sockets
 *	ss_text.c    lines like those of ss(8)
 *	ss_json.c    the same for programs
 *	ss_filter.c  which sockets, in words
 *	ss_sum.c     how many there are
 */
#ifndef API_COMMAND_SS_H
#define API_COMMAND_SS_H

#include <jansson.h>
#include <stdio.h>

#include "api/command/ask_daemon.h"
#include "api/command/ss_filter.h"
#include "shm/ask_socket.h"

enum ss_row {
	SS_RAW,
	SS_ICMP,
	SS_UDP,
	SS_TCP,
	SS_NPROTOCOLS,
};

struct ss_options {
	bool tcp, udp; /* neither: both */
	bool listening, all;
	bool v4, v6; /* neither: both */
	bool numeric, info, timers, memory, processes, no_header, summary;
	struct ss_filter filter; /* its states, if any, instead of all above */
};

/* tcp, udp, icmp (ping sockets), raw. */
const char *ss_protocol(const struct ask_socket *k);

bool ss_wanted(const struct ss_options *o, const struct ask_socket *k);
const char *ss_state(const struct ask_socket *k);

/*
 * The record at @at of @len bytes, copied into *@ret with zeros for what it
 * does not have; 0, or -EPROTO if it is none.
 */
int ss_read(struct ask_socket *ret, const uint8_t *at, size_t len);

void ss_print_header(FILE *to, const struct ss_options *o);
void ss_print(FILE *to, const struct ss_options *o, const struct ask_file *f,
    const struct ask_socket *k);

json_t *ss_json(const struct ask_file *f, const struct ask_socket *k);

/* {"counts": {"tcp ESTAB": n, ...}, "rows": the first @rows}. */
json_t *ss_summary(const struct answer *a, size_t rows);

/* How many there are of each kind that is wanted. */
struct ss_sum {
	uint32_t all;
	uint32_t estab, closed, orphaned, timewait; /* of TCP */
	uint32_t v4[SS_NPROTOCOLS], v6[SS_NPROTOCOLS];
};

void ss_sum_add(struct ss_sum *s, const struct ask_socket *k);
void ss_sum_print(FILE *to, const struct ss_sum *s);
json_t *ss_sum_json(const struct ss_sum *s);

/* "curl", or "" if there is none any more. */
void ss_program(uint32_t pid, char name[32]);

#endif /* API_COMMAND_SS_H */
