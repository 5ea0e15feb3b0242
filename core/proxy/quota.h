/* SPDX-License-Identifier: MIT */
/* How many of something each one has: connections of a peer, tunnels of a user.  Proxy. */
#ifndef T3OPS_PROXY_QUOTA_H
#define T3OPS_PROXY_QUOTA_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/queue.h>

#define QUOTA_BUCKETS       256
#define QUOTA_NETWORK_BYTES 48

/* Zeroed is empty and valid.  Memory is used for those who have some only. */
struct quota {
	LIST_HEAD(, holder) buckets[QUOTA_BUCKETS];
};

size_t quota_of(const struct quota *q, const char *who);
/* One more; false: there is no memory to count it, nothing changed. */
bool quota_take(struct quota *q, const char *who);
/* One less of those that quota_take counted. */
void quota_give(struct quota *q, const char *who);
void quota_fini(struct quota *q);

/* Of an address the network from which one peer can choose: all of 127.0.0.0/8 on this machine, of IPv6 a /64; else
 * itself. */
void quota_network(const char *address, char out[QUOTA_NETWORK_BYTES]);

/* Whether one more would be too many; most 0: there is no limit. */
static inline bool quota_is_used_up(const struct quota *q, const char *who, size_t most)
{
	return most > 0 && quota_of(q, who) >= most;
}

#endif
