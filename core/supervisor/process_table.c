/* SPDX-License-Identifier: MIT */
/* The processes that run; see process_table.h. */
#include "supervisor/process_table.h"

#include <sys/mman.h>

#define SERIALS_MAX 2048 /* beyond all that max_draining and workers allow */

/* Gauges of processes that are gone must not be shown. */
static void serials_publish(const struct process_table *t)
{
	uint32_t serials[SERIALS_MAX];
	struct child *c;
	size_t n = 0;

	PROCESS_TABLE_FOREACH (c, t)
		if (n < SERIALS_MAX)
			serials[n++] = c->serial;
	metrics_alive(t->host.metrics, serials, n);
}

void process_table_init(struct process_table *t, const struct child_host *host)
{
	*t = (struct process_table){.host = *host, .last_serial = MSG_FIRST_SERIAL - 1};
	TAILQ_INIT(&t->all);
}

void process_table_fini(struct process_table *t)
{
	struct child *c;

	while ((c = TAILQ_FIRST(&t->all))) {
		TAILQ_REMOVE(&t->all, c, link);
		child_free(c);
	}
}

static struct child *added(struct process_table *t, struct child *c)
{
	if (c) {
		TAILQ_INSERT_TAIL(&t->all, c, link);
		serials_publish(t);
	}
	return c;
}

struct child *process_table_spawn(struct process_table *t, unsigned slot, const struct setup *setup, bool succeeds)
{
	const struct child_start start = {
	    .slot = slot, .serial = ++t->last_serial, .setup = setup, .succeeds = succeeds};

	return added(t, child_spawn(&t->host, &start));
}

struct child *process_table_adopt(struct process_table *t, const struct child_adopted *from)
{
	return added(t, child_adopt(&t->host, from));
}

void process_table_retire(struct process_table *t, const struct child *c)
{
	if (t->current[c->slot] == c)
		t->current[c->slot] = NULL;
	if (t->next[c->slot] == c)
		t->next[c->slot] = NULL;
}

void process_table_remove(struct process_table *t, struct child *c)
{
	process_table_retire(t, c);
	TAILQ_REMOVE(&t->all, c, link);
	child_free(c);
	serials_publish(t);
}

void process_table_unmap(const struct process_table *t)
{
	const struct child *c;

	PROCESS_TABLE_FOREACH (c, t)
		if (c->watchdog)
			munmap(c->watchdog, sizeof *c->watchdog);
}

struct child *process_table_find(const struct process_table *t, uint32_t serial)
{
	struct child *c;

	PROCESS_TABLE_FOREACH (c, t)
		if (c->serial == serial)
			return c;
	return NULL;
}

struct child *process_table_role(const struct process_table *t, enum process_id process)
{
	return t->current[process] ? t->current[process] : t->next[process];
}

bool process_table_has(const struct process_table *t, enum process_id process)
{
	const struct child *c;

	PROCESS_TABLE_FOREACH (c, t)
		if (c->process == process)
			return true;
	return false;
}
