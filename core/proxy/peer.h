/* SPDX-License-Identifier: MIT */
/*
 * Who is at the other end of a client's connection, and whether it may say who the user is.  An address of
 * trusted_proxies may; on this machine, where every account can connect from such an address, only a process of one
 * of trusted_local_users, and the same at a Unix socket.  Proxy.
 */
#ifndef T3OPS_PROXY_PEER_H
#define T3OPS_PROXY_PEER_H

#include <stdbool.h>
#include <sys/socket.h>
#include <sys/types.h>

struct proxy_conf;
struct peers;

enum peer_trust {
	PEER_UNTRUSTED,     /* not an address of trusted_proxies */
	PEER_OTHER_ACCOUNT, /* one, but held by a process of an account that is not trusted: peer.uid */
	PEER_UNKNOWN,       /* one of this machine, but whose process it is cannot be told */
	PEER_TRUSTED,
};

/* Of a Unix socket: what Forwarded (RFC 7239) calls an address that is not known. */
#define PEER_LOCAL "unknown"

struct peer {
	char address[48]; /* without port; PEER_LOCAL if it has none */
	enum peer_trust trust;
	uid_t uid;    /* of PEER_OTHER_ACCOUNT */
	bool proxied; /* a PROXY header named it */
	bool asked;   /* its process was found by peers_find: peer_read confirms it */
};

#define ARRIVALS_AT_ONCE 64

/* A connection, just accepted. */
struct arrival {
	int fd;
	struct sockaddr_storage address; /* of its peer */
	struct peer peer;
};

/* worker->peers; before the sandbox.  conf must live as long.  NULL with errno. */
struct peers *peers_new(const struct proxy_conf *conf);
void peers_free(struct peers *all);

/* Who that is, as long as the connection lasts: it was there after the question. */
void peer_find(struct peers *all, int fd, const struct sockaddr *address, struct peer *out);
/* The same of many at once, at half the system calls: whether the connection was there after the question, only its
 * first peer_read tells.  at: where each of them has its own end; NULL: it differs.  n: ARRIVALS_AT_ONCE at most. */
void peers_find(struct peers *all, const struct sockaddr *at, struct arrival *arrivals, size_t n);
/* The first recv(2) from a peer of peers_find: if the connection had broken by then nobody is known to have sent what
 * is read.  Bytes, 0 at the end, or -errno. */
ssize_t peer_read(struct peer *p, int fd, void *bytes, size_t size);

/* One that a PROXY header of a trusted proxy named; address at NULL: it named none, which is nobody to trust.  Whose
 * process connected from an address of this machine cannot be asked then. */
void peer_find_named(struct peers *all, const struct sockaddr *address, struct peer *out);

/* Why its identity does not count, and what the operator can do; "" for PEER_TRUSTED. */
void peer_hint(const struct peer *p, char *out, size_t size);

#endif
