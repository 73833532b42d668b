/*
 * test_dump.c - packets as text, and cut at every length
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "api/command/dump.h"

#define ETH                \
	"\x02\0\0\0\0\x02" \
	"\x02\0\0\0\0\x01"
#define IPV4(proto, len)                                 \
	"\x45\0\0" len "\x12\x34\x40\0\x40" proto "\0\0" \
	"\xc0\0\x02\x01"                                 \
	"\xc0\0\x02\x02"
#define QUOTED4(proto)                              \
	"\x45\0\0\x1c\x12\x34\0\0\x40" proto "\0\0" \
	"\xc0\0\x02\x02"                            \
	"\xcb\0\x71\x09"
#define IPV6(next, len)                              \
	"\x60\0\0\0\0" len next "\x40"               \
	"\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01" \
	"\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x02"

struct sample {
	const char *bytes;
	size_t len;
	const char *line;
};

#define SAMPLE(b, line)                \
	{                              \
		b, sizeof(b) - 1, line \
	}

static const struct sample packets[] = {
	SAMPLE(IPV4("\x01", "\x1c") "\x08\0\0\0\0\x26\0\x01",
	    "IP 192.0.2.1 > 192.0.2.2: ICMP echo request, id 38, seq 1, "
	    "length 8"),
	SAMPLE(IPV4("\x01", "\x1c") "\x03\x04\0\0\0\0\x05\x78",
	    "IP 192.0.2.1 > 192.0.2.2: ICMP unreachable - need to frag "
	    "(mtu 1400), length 8"),
	SAMPLE(IPV4("\x11", "\x1e") "\0\x35\0\x09\0\x0a\0\0hi",
	    "IP 192.0.2.1.53 > 192.0.2.2.9: UDP, length 2"),
	SAMPLE(IPV4("\x2f", "\x18") "abcd",
	    "IP 192.0.2.1 > 192.0.2.2: ip-proto-47 4"),
	/* Padding of a short frame is none of it. */
	SAMPLE(IPV4("\x11", "\x1d") "\0\x35\0\x09\0\x09\0\0hpadding",
	    "IP 192.0.2.1.53 > 192.0.2.2.9: UDP, length 1"),
	SAMPLE(IPV4("\x06", "\x3c") "\xd3\x42\0\x07\0\0\0\x0a\0\0\0\0\xa0\x02"
				    "\xfa\xf0\0\0\0\0"
				    "\x02\x04\x05\xb4\x04\x02\x08\x0a\0\0\0\x01"
				    "\0\0\0\x02\x01\x03\x03"
				    "\x0a",
	    "IP 192.0.2.1.54082 > 192.0.2.2.7: Flags [S], seq 10, win 64240, "
	    "options [mss 1460,sackOK,TS val 1 ecr 2,nop,wscale 10], length "
	    "0"),
	SAMPLE(IPV4("\x06", "\x37") "\xd3\x42\0\x07\0\0\0\x0a\0\0\0\x0b\x80\x18"
				    "\0\x40\0\0\0\0"
				    "\x01\x01\x05\x0a\0\0\0\x01\0\0\0\x05"
				    "abc",
	    "IP 192.0.2.1.54082 > 192.0.2.2.7: Flags [P.], seq 10:13, ack 11, "
	    "win 64, options [nop,nop,sack 1 {1:5}], length 3"),
	/* An option that says it is longer than all. */
	SAMPLE(
	    IPV4("\x06",
		"\x2c") "\0\x01\0\x02\0\0\0\x0a\0\0\0\x0b\x60\x10\0\x40\0\0\0\0"
			"\x01\x04\x05\xb4",
	    "IP 192.0.2.1.1 > 192.0.2.2.2: Flags [.], ack 11, win 64, "
	    "options [nop,bad], length 0"),
	SAMPLE(IPV6("\x3a", "\x08") "\x80\0\0\0\0\x27\0\x02",
	    "IP6 2001:db8::1 > 2001:db8::2: ICMP6, echo request, id 39, "
	    "seq 2, length 8"),
	SAMPLE(IPV6("\x2c", "\x0c") "\x11\0\0\x09\0\0\0\x07"
				    "abcd",
	    "IP6 2001:db8::1 > 2001:db8::2: ip-proto-17 (frag "
	    "0x00000007:4@8+)"),
	SAMPLE("\x75", "IP version 7, length 1"),
	/* Whose packet an error is about; as far as that is quoted. */
	SAMPLE(IPV4("\x01", "\x38") "\x03\x03\0\0\0\0\0\0" QUOTED4(
		   "\x11") "\x80\0\0\x63\0\x08\0\0",
	    "IP 192.0.2.1 > 192.0.2.2: ICMP 203.0.113.9 udp port 99 "
	    "unreachable, length 36"),
	SAMPLE(IPV4("\x01", "\x38") "\x03\x02\0\0\0\0\0\0" QUOTED4(
		   "\x2f") "\x80\0\0\x63\0\x08\0\0",
	    "IP 192.0.2.1 > 192.0.2.2: ICMP 203.0.113.9 protocol 47 "
	    "unreachable, length 36"),
	SAMPLE(IPV4("\x01", "\x38") "\x03\x0d\0\0\0\0\0\0" QUOTED4(
		   "\x06") "\x80\0\0\x50\0\0\0\0",
	    "IP 192.0.2.1 > 192.0.2.2: ICMP host 203.0.113.9 unreachable - "
	    "admin prohibited filter, length 36"),
	SAMPLE(IPV4("\x01", "\x30") "\x03\x03\0\0\0\0\0\0" QUOTED4("\x11"),
	    "IP 192.0.2.1 > 192.0.2.2: ICMP 203.0.113.9 udp port "
	    "unreachable, length 28"),
	SAMPLE(IPV4("\x01", "\x1c") "\x03\x03\0\0\0\0\0\0",
	    "IP 192.0.2.1 > 192.0.2.2: ICMP port unreachable, length 8"),
	SAMPLE(IPV4("\x01", "\x38") "\x05\x01\0\0\xc0\0\x02\x09" QUOTED4(
		   "\x01") "\x08\0\0\0\0\0\0\0",
	    "IP 192.0.2.1 > 192.0.2.2: ICMP redirect 203.0.113.9 to host "
	    "192.0.2.9, length 36"),
	SAMPLE(IPV6("\x3a", "\x38") "\x01\x04\0\0\0\0\0\0" IPV6(
		   "\x06", "\x08") "\x80\0\0\x50\0\0\0\0",
	    "IP6 2001:db8::1 > 2001:db8::2: ICMP6, destination 2001:db8::2 "
	    "tcp port 80 unreachable, length 56"),
};

static const struct sample frames[] = {
	SAMPLE(ETH "\x08\x06\0\x01\x08\0\x06\x04\0\x01\x02\0\0\0\0\x01"
		   "\xc0\0\x02\x01\0\0\0\0\0\0\xc0\0\x02\x02",
	    "ARP, Request who-has 192.0.2.2 tell 192.0.2.1, length 28"),
	SAMPLE(ETH "\x08\x06\0\x01\x08\0\x06\x04\0\x02\x02\0\0\0\0\x01"
		   "\xc0\0\x02\x01\0\0\0\0\0\0\xc0\0\x02\x02",
	    "ARP, Reply 192.0.2.1 is-at 02:00:00:00:00:01, length 28"),
	SAMPLE(ETH "\x88\xcc"
		   "lldp",
	    "02:00:00:00:00:01 > 02:00:00:00:00:02, ethertype 0x88cc, length "
	    "18"),
	SAMPLE(ETH "\x88\xa8\x20\x07\x81\0\0\x2a\x08\0" IPV4(
		   "\x11", "\x1e") "\0\x35\0\x09\0\x0a\0\0hi",
	    "vlan 7, p 1, vlan 42, p 0, IP 192.0.2.1.53 > 192.0.2.2.9: UDP, "
	    "length 2"),
	SAMPLE(ETH "\x08\0" IPV4("\x11", "\x1e") "\0\x35\0\x09\0\x0a\0\0hi",
	    "IP 192.0.2.1.53 > 192.0.2.2.9: UDP, length 2"),
};

typedef void decoder(struct dump *d, struct dump_bytes b);

static void check(const struct sample *s, decoder *decode)
{
	static struct dump d;

	dump_begin(&d, true);
	decode(&d,
	    (struct dump_bytes){ (const uint8_t *)s->bytes, (uint32_t)s->len,
		(uint32_t)s->len });
	assert_string_equal(d.line.p, s->line);
	/* Cut anywhere: nothing beyond is read (ASan), and it is said. */
	for (uint32_t len = 0; len < s->len; len++) {
		uint8_t *copy = malloc(len + 1);

		assert_non_null(copy);
		memcpy(copy, s->bytes, len);
		dump_begin(&d, true);
		decode(&d,
		    (struct dump_bytes){
			copy + 1, len > 0 ? len - 1 : 0, (uint32_t)s->len });
		dump_begin(&d, true);
		decode(&d, (struct dump_bytes){ copy, len, (uint32_t)s->len });
		free(copy);
	}
}

static void packets_as_lines(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(packets) / sizeof(*packets); i++)
		check(&packets[i], dump_packet);
}

static void frames_as_lines(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(frames) / sizeof(*frames); i++)
		check(&frames[i], dump_frame);
}

static void what_was_not_captured_is_not_guessed(void **state)
{
	static struct dump d;
	const struct sample *tcp = &packets[5];

	(void)state;
	dump_begin(&d, false);
	dump_packet(&d,
	    (struct dump_bytes){
		(const uint8_t *)tcp->bytes, 30, (uint32_t)tcp->len });
	assert_string_equal(
	    d.line.p, "IP 192.0.2.1 > 192.0.2.2: ports 54082 > 7 [|tcp]");
	assert_string_equal(d.fields.p, "");
}

static void every_field_with_v(void **state)
{
	static struct dump d;
	const struct sample *udp = &packets[2];

	(void)state;
	dump_begin(&d, true);
	dump_packet(&d,
	    (struct dump_bytes){ (const uint8_t *)udp->bytes,
		(uint32_t)udp->len, (uint32_t)udp->len });
	assert_string_equal(d.fields.p,
	    "\n\tIPv4 header=20 tos=0x00 length=30 id=4660 DF offset=0 ttl=64 "
	    "protocol=17 checksum=0x0000"
	    "\n\tUDP src_port=53 dst_port=9 length=10 checksum=0x0000");
}

static void a_line_that_is_too_long_is_cut(void **state)
{
	static struct dump d;

	(void)state;
	dump_begin(&d, true);
	for (int i = 0; i < 3000; i++) {
		dump_add(&d, "0123456789");
		dump_field(&d, "\t0123456789");
	}
	assert_int_equal(strlen(d.line.p), DUMP_LINE - 1);
	assert_int_equal(strlen(d.fields.p), DUMP_FIELDS - 1);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(packets_as_lines),
		cmocka_unit_test(frames_as_lines),
		cmocka_unit_test(what_was_not_captured_is_not_guessed),
		cmocka_unit_test(every_field_with_v),
		cmocka_unit_test(a_line_that_is_too_long_is_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
