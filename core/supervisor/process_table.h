/* SPDX-License-Identifier: MIT */
/*
 * All processes that run, and which of them have a slot: `current` serves (or is to serve, while it is being started
 * again), `next` was started for a configuration that is not active yet.  One that has no slot is on its way out.
 * Supervisor only.
 */
#ifndef T3OPS_SUPERVISOR_PROCESS_TABLE_H
#define T3OPS_SUPERVISOR_PROCESS_TABLE_H

#include <stdbool.h>

#include "supervisor/child.h"
#include "supervisor/process_slot.h"
#include "supervisor/setup.h"

struct process_table {
	struct child_host host;
	TAILQ_HEAD(children, child) all;
	struct child *current[PROCESS_SLOTS];
	struct child *next[PROCESS_SLOTS];
	uint32_t restarts[PROCESS_SLOTS]; /* of those that exited by themselves */
	uint32_t last_serial;
};

#define PROCESS_TABLE_FOREACH(c, t) TAILQ_FOREACH (c, &(t)->all, link)

/* host is copied. */
void process_table_init(struct process_table *t, const struct child_host *host);
/* Frees all that is left, without a word to the processes. */
void process_table_fini(struct process_table *t);

/* Starts a process for a slot, from the setup; the caller gives it the slot.  NULL after one log line. */
struct child *process_table_spawn(struct process_table *t, unsigned slot, const struct setup *setup, bool succeeds);
/* One of an earlier binary; NULL: it cannot be watched. */
struct child *process_table_adopt(struct process_table *t, const struct child_adopted *from);
/* Takes it out of its slot; it goes on until it exits. */
void process_table_retire(struct process_table *t, const struct child *c);
/* It is gone: frees it. */
void process_table_remove(struct process_table *t, struct child *c);

/* In a new process: the memory that the others share with the supervisor is unmapped. */
void process_table_unmap(const struct process_table *t);

struct child *process_table_find(const struct process_table *t, uint32_t serial);
/* Who answers for a process_id: the current one, or the one that is to become it.  NULL: nobody. */
struct child *process_table_role(const struct process_table *t, enum process_id process);
bool process_table_has(const struct process_table *t, enum process_id process);

#endif
