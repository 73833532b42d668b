/*
 * fuzz_mld.c - what mld_query_parse() takes, mld_query_emit() writes so that
 * parsing and writing it again changes no byte
 *
 * The input: source, destination, hop limit, router alert, then the message.
 */
#include <stdlib.h>
#include <string.h>

#include "ipd/mld.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
	IP_LEN = 34,
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct mld_query q, back;
	struct mld_ip ip;
	uint8_t once[MLD_QUERY_LEN], twice[MLD_QUERY_LEN];
	size_t len;

	if (size < IP_LEN)
		return 0;
	ip.src = ip_from_v6(data);
	ip.dst = ip_from_v6(data + 16);
	ip.hop_limit = data[32];
	ip.router_alert = data[33] & 1;

	if (mld_query_parse(&q, data + IP_LEN, size - IP_LEN, &ip) != MLD_OK)
		return 0;
	len = mld_query_emit(once, &q, &ip);
	if (!mld_checksum_ok(once, len, &ip))
		abort();
	if (mld_query_parse(&back, once, len, &ip) != MLD_OK)
		abort();
	if (back.max_resp_ms != q.max_resp_ms ||
	    back.interval_s != q.interval_s)
		abort();
	if (mld_query_emit(twice, &back, &ip) != len ||
	    memcmp(once, twice, len) != 0)
		abort();
	return 0;
}
