/* SPDX-License-Identifier: MIT */
/*
 * A connection to a listener of proxy_protocol before its PROXY header is here: only a trusted proxy may send one,
 * and whose connection it names, the client's connection then counts as.  Nothing behind the header is read.  Proxy.
 */
#ifndef T3OPS_PROXY_PREFACE_H
#define T3OPS_PROXY_PREFACE_H

#include <stddef.h>
#include <sys/socket.h>

struct prefaces;
struct worker;

/* worker->prefaces.  NULL without memory. */
struct prefaces *prefaces_new(struct worker *worker);
void prefaces_free(struct prefaces *all); /* closes those that are left; NULL is fine */
size_t prefaces_count(const struct prefaces *all);

/* Takes the descriptor, just accepted from peer: it becomes a client of worker->clients, or is closed. */
void preface_begin(struct prefaces *all, int fd, const struct sockaddr *peer);

#endif
