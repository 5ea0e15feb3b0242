/* SPDX-License-Identifier: MIT */
/*
 * Open tunnels whose session has died (option recheck_tunnels).  t3 looks at a session when a WebSocket
 * opens, and never again.  Here each tunnel's cookie is asked about from time to time, by whoever provides
 * pairing; one that is definitely dead ends its tunnel with 1008.  A tunnel opened with a ticket or a bearer
 * token has no cookie, and one taken over from a proxy that died has lost it: they are not asked about.
 * Proxy.
 */
#ifndef T3OPS_PROXY_RECHECK_H
#define T3OPS_PROXY_RECHECK_H

#include <stddef.h>
#include <stdint.h>

struct exchange;
struct proxy;

#define RECHECK_SESSION_MAX (4u << 10)

/* After the plugins.  0, or -ENOENT after a log line: it is asked for, and nobody provides pairing. */
int recheck_start(struct proxy *f);
void recheck_stop(struct proxy *f);
/* What to ask with later: the Cookie header as the instance gets it.  To be freed; NULL: there is none, or
 * nobody will ask. */
char *recheck_session(const struct exchange *x);
/* The same, of a tunnel that moves here; NULL likewise. */
char *recheck_session_adopt(const struct proxy *f, const char *bytes, size_t n);
/* Frees one; NULL is fine. */
void recheck_session_forget(char *session);

#endif
