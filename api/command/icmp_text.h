/*
 * icmp_text.h - what ICMP says, in words
 */
#ifndef API_COMMAND_ICMP_TEXT_H
#define API_COMMAND_ICMP_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

/* An error that came back, as MSG_ERRQUEUE tells it. */
struct icmp_told {
	bool v6;
	bool local; /* the stack itself refuses to send */
	int err;    /* errno */
	uint8_t type, code;
	uint32_t info;                /* MTU */
	struct sockaddr_storage from; /* who says so */
	socklen_t from_len;
	struct sockaddr_storage to; /* where the packet went */
	uint8_t data[64];           /* it, from what the program had sent on */
	size_t len;
};

/* The oldest error of the socket; false: there is none. */
bool icmp_next_error(int fd, struct icmp_told *ret);

/* "Destination Host Unreachable" and so on. */
const char *icmp_sentence(const struct icmp_told *t);

/* As traceroute marks it: " !H", " !N", ...; "" for what is as it should be. */
const char *icmp_mark(const struct icmp_told *t);

/* Hop limit used up on the way; nobody at that port. */
bool icmp_is_hop(const struct icmp_told *t);
bool icmp_is_port(const struct icmp_told *t);

#endif /* API_COMMAND_ICMP_TEXT_H */
