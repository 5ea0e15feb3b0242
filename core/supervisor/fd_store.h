/* SPDX-License-Identifier: MIT */
/*
 * The fd store: copies of the tunnels' descriptors, so that tunnels outlive a proxy that dies.  What was clean in the
 * table of tunnels (ipc/tunnel_table.h) goes to the next proxy as records; what was not is cut, since a byte of it
 * may be lost.  Of the table only that state is believed: which tunnel it is, whose, from where, and its descriptors
 * are the supervisor's own.  Supervisor only.
 */
#ifndef T3OPS_SUPERVISOR_FD_STORE_H
#define T3OPS_SUPERVISOR_FD_STORE_H

#include <ev.h>
#include <jansson.h>

#include "ipc/tunnel_full.h"
#include "ipc/tunnel_table.h"
#include "supervisor/monitor_link.h"
#include "supervisor/process_slot.h"
#include "supervisor/process_table.h"

struct fd_store {
	const struct process_table *processes;
	struct monitor_link *monitor;
	struct worker_store {
		struct tunnel_table *table; /* its proxies write there; NULL: tunnels are not stored */
		uint64_t id;                /* of the table, as this process made it */
		int fd;
		struct stored {
			uint64_t tunnel;
			int fds[2]; /* client, upstream; -1: there was no room for them */
			char *user; /* the address is behind it; NULL: there is none */
		} * stored;         /* one a slot of the table: what no proxy can change */
		size_t top;         /* none from there on was ever known */
	} of[WORKERS_MAX];
	struct tunnel_full full;
	struct orphan_transfer *transfer; /* stored tunnels on their way to a proxy; NULL: none */
};

void fd_store_init(struct fd_store *s, const struct process_table *processes, struct monitor_link *monitor);
/* Instead of fd_store_init: goes on with the fd_store_json of the earlier binary. */
void fd_store_adopt(struct fd_store *s, const struct process_table *processes, struct monitor_link *monitor,
                    const json_t *state);
void fd_store_fini(struct fd_store *s);

/* For the next binary: the table and the descriptors, as JSON; whether those survive an exec. */
json_t *fd_store_json(const struct fd_store *s);
void fd_store_survive(const struct fd_store *s, bool yes);
/* In the process of a child: its worker's table if it is a proxy's, else NULL; all others are unmapped. */
struct tunnel_table *fd_store_inherit(const struct fd_store *s, enum process_id process, unsigned worker);

/* A proxy's MSG_FD_PUT or MSG_FD_DROP. */
void fd_store_message(struct fd_store *s, struct child *proxy, const struct msg_head *head, const void *payload);
/* A proxy is gone; asked: it had been asked to stop, and its tunnels end with it. */
void fd_store_proxy_exited(struct fd_store *s, const struct child *proxy, bool asked);
/* What dead proxies left goes to this one. */
void fd_store_transfer(struct fd_store *s, struct child *proxy);
/* The same, to a proxy that serves; without one, to the next that does. */
void fd_store_transfer_any(struct fd_store *s);
/* There is no proxy any more: what dead ones left is cut. */
void fd_store_cut(struct fd_store *s);

#endif
