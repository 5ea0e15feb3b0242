/* SPDX-License-Identifier: MIT */
/* Counting by name; see quota.h. */
#include "proxy/quota.h"

#include <arpa/inet.h>
#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tbl/hash.h"

struct holder {
	LIST_ENTRY(holder) link;
	size_t n;
	char who[];
};

/* Names are those of the table, addresses are as many as there are connections. */
static size_t bucket_of(const char *who)
{
	return hash_text(HASH_START, who) % QUOTA_BUCKETS;
}

static struct holder *holder_find(const struct quota *q, const char *who)
{
	struct holder *h;

	LIST_FOREACH (h, &q->buckets[bucket_of(who)], link)
		if (strcmp(h->who, who) == 0)
			return h;
	return NULL;
}

size_t quota_of(const struct quota *q, const char *who)
{
	const struct holder *h = holder_find(q, who);

	return h ? h->n : 0;
}

bool quota_take(struct quota *q, const char *who)
{
	struct holder *h = holder_find(q, who);
	size_t size = strlen(who) + 1;

	if (!h) {
		h = calloc(1, sizeof *h + size);
		if (!h)
			return false;
		memcpy(h->who, who, size);
		LIST_INSERT_HEAD(&q->buckets[bucket_of(who)], h, link);
	}
	h->n++;
	return true;
}

void quota_give(struct quota *q, const char *who)
{
	struct holder *h = holder_find(q, who);

	assert(h && h->n > 0);
	if (--h->n > 0)
		return;
	LIST_REMOVE(h, link);
	free(h);
}

void quota_network(const char *address, char out[QUOTA_NETWORK_BYTES])
{
	unsigned char v6[16];

	snprintf(out, QUOTA_NETWORK_BYTES, "%s", strncmp(address, "127.", 4) == 0 ? "127.0.0.1" : address);
	if (inet_pton(AF_INET6, address, v6) != 1)
		return;
	memset(v6 + 8, 0, 8);
	inet_ntop(AF_INET6, v6, out, QUOTA_NETWORK_BYTES);
}

void quota_fini(struct quota *q)
{
	struct holder *h;

	for (size_t i = 0; i < QUOTA_BUCKETS; i++)
		while ((h = LIST_FIRST(&q->buckets[i]))) {
			LIST_REMOVE(h, link);
			free(h);
		}
}
