/* SPDX-License-Identifier: MIT */
/*
 * Whether this machine has a network of its own, as the kernel says: a default route over a link that is up and has
 * carrier.  Two rtnetlink(7) sockets: one is told of changes, the other one asks.  Routes over loopback and over
 * tunnels, which another network carries, do not count.  Never blocks.
 */
#ifndef T3OPS_NET_UPLINK_H
#define T3OPS_NET_UPLINK_H

#include <stdbool.h>

struct uplink {
	int news_fd; /* readable: something has changed; -1: closed */
	int ask_fd;
	unsigned sequence;
};

/* 0 or -errno: then both are closed. */
int uplink_open(struct uplink *u);
/* Harmless if it is closed. */
void uplink_close(struct uplink *u);
/* Reads what news there is. */
void uplink_drain(struct uplink *u);
/* How things are now.  0, -EAGAIN: the answer was torn by a change, ask again; or another -errno. */
int uplink_read(struct uplink *u, bool *has_network);

#endif
