/* SPDX-License-Identifier: MIT */
/*
 * Sessions of open tunnels that have died (option recheck_tunnels).  t3 looks at a session when a WebSocket
 * opens, and never again.  Here the cookie of each is asked about from time to time, by whoever provides
 * pairing.  For one that is definitely dead a new session is made first, for the same browser, which is given it when
 * it reconnects; then the id is reported to its owner.  Where no new session can be made the tunnel stays: it works,
 * and its page could not come back.  A tunnel opened with a ticket or a bearer token has no cookie, and one taken
 * over from a proxy that died has lost it: they are not asked about. Proxy.
 */
#ifndef T3OPS_PROXY_RECHECK_H
#define T3OPS_PROXY_RECHECK_H

#include <stddef.h>
#include <stdint.h>

#include "plugin.h"

struct worker;
struct recheck;
struct recheck_entry;

#define RECHECK_SESSION_MAX (4u << 10)

/* worker->recheck.  on_dead: the session that was added with that id has died, and the next one is ready; its entry
 * may be removed by it.
 * NULL without memory. */
struct recheck *recheck_new(struct worker *worker, void (*on_dead)(struct worker *worker, uint64_t id));
void recheck_free(struct recheck *r); /* no check may be in progress, no entry be left */
/* After the plugins.  0, or -ENOENT after a log line: it is wanted, and no plugin provides pairing. */
int recheck_start(struct recheck *r);
void recheck_stop(struct recheck *r);

/* What to ask with, for recheck_add or recheck_session_free: the browser's address and User-Agent, a newline, and a
 * Cookie header as the t3 server gets it.  NULL: there is no cookie, it is too long, or nobody will ask. */
char *recheck_session_make(const struct recheck *r, const struct t3ops_browser *browser, const char *cookies,
                           size_t n);
/* The same from recheck_session of another process. */
char *recheck_session_copy(const struct recheck *r, const char *bytes, size_t n);
/* Frees one; NULL is fine. */
void recheck_session_free(char *session);

/* Takes the session.  NULL: there is none, or no memory: it is not asked about. */
struct recheck_entry *recheck_add(struct recheck *r, uint64_t id, const char *user, char *session);
void recheck_remove(struct recheck_entry *e); /* NULL is fine */
/* Its session, "" of NULL. */
const char *recheck_session(const struct recheck_entry *e);

#endif
