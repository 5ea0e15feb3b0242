/* SPDX-License-Identifier: MIT */
/*
 * The listening sockets: bound by the supervisor, before privileges are dropped, and handed to the processes by fork.
 * A set is made from a configuration; what the active set already listens on is shared with it, so a reload never
 * closes a port that stays.  Supervisor only.
 */
#ifndef T3OPS_SUPERVISOR_LISTENERS_H
#define T3OPS_SUPERVISOR_LISTENERS_H

#include <stdbool.h>
#include <sys/types.h>

#include "process/process.h"
#include "supervisor/socket_unit.h"

#define WORKERS_MAX   16 /* option workers */
#define LISTENERS_MAX (LISTEN_ADDRESSES_MAX * WORKERS_MAX + 2)

struct listeners {
	struct bound {
		struct listener listener;
		char configured[112]; /* as in the file; its port may be 0 */
		unsigned worker;      /* of the proxy: whose it is */
		dev_t device;         /* of a Unix socket's file */
		ino_t inode;
		bool is_unit; /* a copy of one that stays the socket unit's, and so does its file */
	} rows[LISTENERS_MAX];
	size_t n;
};

/* Binds what options ask for; with_proxy: whether a proxy will run.  Sockets of the socket unit go first, and those
 * of it that no option names are reported; then sockets of `running` with the same configured address are duplicated,
 * unless the file of a Unix socket is not in its place any more.  0, or -errno with the address, the reason and what
 * to do in why; *out is then empty. */
int listeners_bind(struct listeners *out, const struct core_options *options, bool with_proxy,
                   const struct listeners *running, const struct socket_unit *unit, char *why, size_t why_size);

/* Whether all that this set has for a process is in the other one, too. */
bool listeners_are_shared(const struct listeners *l, const struct listeners *others, enum process_id process);

/* Adds a socket that an earlier supervisor bound; takes fd unless it returns false: it is no listening socket, or
 * there is no room. */
bool listeners_add(struct listeners *l, const char *name, const char *configured, unsigned worker, int fd);

/* Which of them are copies of the socket unit's: of those that listeners_add got that is not known. */
void listeners_mark(struct listeners *l, const struct socket_unit *unit);

/* Closes this set's descriptors; a Unix socket's file is removed unless `others` (may be NULL) has it too, it is the
 * socket unit's, or it is not this set's any more. */
void listeners_close(struct listeners *l, const struct listeners *others);

/* Closes this set's descriptors, and leaves the sockets to others who have them. */
void listeners_forget(struct listeners *l);

/* The process that serves a listener of that name. */
enum process_id listener_process(const struct listener *l);

#endif
