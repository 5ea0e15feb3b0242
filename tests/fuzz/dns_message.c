/* SPDX-License-Identifier: MIT */
/* Answers of a resolver that may say anything; and names, whose question must be readable as one. */
#include <string.h>

#include "fuzz.h"
#include "probe_cloudflare/dns_message.h"

static void answer_check(const uint8_t *data, size_t size, enum dns_type type)
{
	struct dns_answer a;
	int r = dns_answer_read(data, size, type, &a);

	PROMISE(a.n <= DNS_ADDRESSES_MAX && a.rcode < 16);
	for (unsigned i = 0; i < a.n; i++)
		PROMISE(memchr(a.addresses[i], '\0', sizeof a.addresses[i]) && strlen(a.addresses[i]) >= 2);
	PROMISE(r == 0 || r < 0);
}

static void query_check(const uint8_t *data, size_t size)
{
	uint8_t query[DNS_QUERY_MAX];
	struct dns_answer a;
	char name[512];
	int len;

	if (size >= sizeof name)
		return;
	memcpy(name, data, size);
	name[size] = '\0';
	len = dns_query_make(name, DNS_A, query);
	PROMISE(len < (int)sizeof query);
	if (len < 0)
		return;
	query[2] |= 0x80; /* as a resolver that has nothing to say sends it back */
	PROMISE(dns_answer_read(query, (size_t)len, DNS_A, &a) == 0 && a.n == 0);
	PROMISE(dns_answer_read(query, (size_t)len - 1, DNS_A, &a) < 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	answer_check(data, size, DNS_A);
	answer_check(data, size, DNS_AAAA);
	query_check(data, size);
	return 0;
}
