/*
 * ss.h - between the files of `strata ss`
 *
 *	ss.c       arguments, which sockets
 *	ss_text.c  lines like those of ss(8)
 *	ss_json.c  the same for programs
 */
#ifndef API_COMMAND_SS_H
#define API_COMMAND_SS_H

#include <jansson.h>
#include <stdio.h>

#include "api/command/ask_daemon.h"
#include "shm/ask_socket.h"

struct ss_options {
	bool tcp, udp; /* neither: both */
	bool listening, all;
	bool v4, v6; /* neither: both */
	bool numeric, info, timers, processes, no_header;
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

/* "curl", or "" if there is none any more. */
void ss_program(uint32_t pid, char name[32]);

#endif /* API_COMMAND_SS_H */
