/*
 * fuzz_igmp.c - what igmp_query_parse() takes, igmp_query_emit() writes so that
 * parsing and writing it again changes no byte
 *
 * The input: destination, router alert, then the message.  Its checksum is made
 * right first, or next to nothing would get past it.
 */
#include <stdlib.h>
#include <string.h>

#include "ipd/igmp.h"
#include "shm/bytes.h"
#include "shm/checksum.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
	IP_LEN = 5,
};

static void check(const uint8_t *msg, size_t size, const struct igmp_ip *ip)
{
	struct igmp_query q, back;
	uint8_t once[IGMP_QUERY_LEN], twice[IGMP_QUERY_LEN];
	size_t len;

	if (igmp_query_parse(&q, msg, size, ip) != IGMP_OK)
		return;
	len = igmp_query_emit(once, &q);
	if (igmp_query_parse(&back, once, len, ip) != IGMP_OK)
		abort();
	if (back.max_resp_ms != q.max_resp_ms ||
	    back.interval_s != q.interval_s)
		abort();
	if (igmp_query_emit(twice, &back) != len ||
	    memcmp(once, twice, len) != 0)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct igmp_ip ip;
	uint8_t *msg;

	if (size < IP_LEN + 4)
		return 0;
	ip.dst = ip_from_v4(data);
	ip.router_alert = data[4] & 1;
	size -= IP_LEN;
	msg = malloc(size);
	if (!msg)
		abort();
	memcpy(msg, data + IP_LEN, size);
	be16_put(msg + 2, 0);
	be16_put(msg + 2, csum_fold(csum_add(0, msg, size)));
	check(msg, size, &ip);
	free(msg);
	return 0;
}
