/* SPDX-License-Identifier: MIT */
/* Keeping and adopting; see survivors.h. */
#include "supervisor/survivors.h"

#include <poll.h>
#include <stdio.h>
#include <unistd.h>

#include "supervisor/handover_pairing.h"
#include "supervisor/listener_store.h"
#include "supervisor/service_store.h"

struct kept {
	struct supervisor *s;
	json_t *snapshots; /* their descriptors, by process */
	size_t n_proxies;
};

/* Of a process that is gone. */
static bool is_hung_up(int fd)
{
	struct pollfd p = {.fd = fd};

	return poll(&p, 1, 0) > 0 && p.revents & (POLLHUP | POLLERR);
}

/* One of another binary, whose messages are others, ends in order when nobody keeps its channel. */
static bool speaks_ours(int version, pid_t pid)
{
	if (version == MSG_VERSION)
		return true;
	log_write(LOG_L_ERROR, "process_not_adopted", kv_child(process_name(PROCESS_PROXY)), kv_pid(pid),
	          kv_error("it was started by another version of t3ops, whose messages are others"),
	          kv_effect("it ends, and its WebSockets with it"),
	          kv_hint("upgrade with SIGUSR2 before the daemon is started anew"));
	return false;
}

/* The pid is still its own if its channel is still open when we have it. */
static bool proxy_adopt(struct kept *k, const char *name, int fd)
{
	struct process_table *t = &k->s->processes;
	struct child_adopted from = {.state = PROCESS_READY, .channel_socket = fd};
	struct child *c;
	int version;

	if (sscanf(name, "proxy,%d,%u,%u,%d", &version, &from.slot, &from.serial, &from.pid) != 4 ||
	    from.slot >= PROCESS_SLOTS || process_of_slot(from.slot) != PROCESS_PROXY || from.pid <= 0 ||
	    process_table_find(t, from.serial) || !speaks_ours(version, from.pid))
		return false;
	c = process_table_adopt(t, &from);
	if (!c)
		return false;
	if (is_hung_up(fd)) {
		process_table_remove(t, c);
		return true;
	}
	if (from.serial > t->last_serial)
		t->last_serial = from.serial;
	k->n_proxies++;
	log_write(LOG_L_NOTICE, "process_adopted", kv_child(process_name(c->process)), kv_pid(c->pid));
	return true;
}

static bool snapshot_adopt(const struct kept *k, const char *name, int fd)
{
	unsigned process;

	return sscanf(name, "users,%u", &process) == 1 && process < PROCESSES &&
	       json_integer_value(json_array_get(k->snapshots, process)) < 0 &&
	       json_array_set_new(k->snapshots, process, json_integer(fd)) == 0;
}

static bool on_kept(void *arg, const char *name, int fd)
{
	struct kept *k = arg;

	return listener_store_take(&k->s->setup.listeners, name, fd) || proxy_adopt(k, name, fd) ||
	       snapshot_adopt(k, name, fd) || socket_unit_take(&k->s->socket_unit, name, fd);
}

/* One of another layout made way for a new one. */
static void snapshots_keep(const struct user_snapshots *s, const json_t *kept)
{
	for (unsigned process = 0; process < PROCESSES; process++) {
		int fd = (int)json_integer_value(json_array_get(kept, process));
		const char *name = textf("users,%u", process);

		if (fd >= 0 && fd != s->of[process].fd)
			service_store_remove(name);
		if (s->of[process].snapshot && fd != s->of[process].fd)
			service_store_put(name, s->of[process].fd);
	}
}

static void report(struct supervisor *s, size_t n_proxies)
{
	struct event e;

	event_init(&e, EVENT_SUPERVISOR_REPLACED, PROCESS_SUPERVISOR);
	event_set(e.text, textf("%zu prox%s outlived it", n_proxies, n_proxies == 1 ? "y" : "ies"));
	monitor_link_emit(&s->monitor, &e);
}

void survivors_adopt(struct supervisor *s)
{
	struct kept k = {.s = s, .snapshots = json_array()};

	for (unsigned process = 0; process < PROCESSES; process++)
		json_array_append_new(k.snapshots, json_integer(-1));
	service_store_take(on_kept, &k);
	listeners_mark(&s->setup.listeners, &s->socket_unit);
	user_snapshots_adopt(&s->snapshots, k.snapshots);
	snapshots_keep(&s->snapshots, k.snapshots);
	json_decref(k.snapshots);
	if (k.n_proxies > 0)
		report(s, k.n_proxies);
}

/* Proxies that have no slot and were not asked to go. */
static bool is_survivor(const struct supervisor *s, const struct child *c)
{
	return c->process == PROCESS_PROXY && c->state == PROCESS_READY && s->processes.current[c->slot] != c &&
	       s->processes.next[c->slot] != c;
}

void survivors_drain(struct supervisor *s)
{
	uint64_t limit_us = s->setup.config->options.drain_timeout_us;
	struct child *c;

	PROCESS_TABLE_FOREACH (c, &s->processes)
		if (is_survivor(s, c))
			limit_us > 0 ? child_drain(c, limit_us) : child_stop(c);
	handovers_pair(&s->processes);
}

void survivors_leave(struct supervisor *s)
{
	struct child *c, *next;

	for (c = TAILQ_FIRST(&s->processes.all); c; c = next) {
		next = TAILQ_NEXT(c, link);
		if (is_survivor(s, c))
			process_table_remove(&s->processes, c);
	}
	listeners_forget(&s->setup.listeners);
}

void survivor_keep(const struct child *proxy)
{
	service_store_put(textf("proxy,%d,%u,%u,%d", MSG_VERSION, proxy->slot, proxy->serial, (int)proxy->pid),
	                  channel_fd(proxy->channel));
}
