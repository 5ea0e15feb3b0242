/* SPDX-License-Identifier: MIT */
/* What the next binary takes over, written and read; see take_over.h. */
#include "supervisor/take_over.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "conf/resolved_config_json.h"
#include "supervisor/pressure_triggers.h"
#include "supervisor/state_json.h"
#include "sys/shm.h"

/* ---- leaving -------------------------------------------------------------------------------- */

static json_t *children_json(const struct supervisor *s)
{
	json_t *list = json_array();
	const struct child *c;

	PROCESS_TABLE_FOREACH (c, &s->processes)
		json_array_append_new(list, json_pack("{s:i, s:i, s:I, s:I, s:i, s:i, s:b}", "slot", (int)c->slot,
		                                      "state", c->state, "left_us", (json_int_t)child_left_us(c),
		                                      "serial", (json_int_t)c->serial, "pid", (int)c->pid, "fd",
		                                      channel_fd(c->channel), "current",
		                                      s->processes.current[c->slot] == c));
	return list;
}

static json_t *listeners_json(const struct listeners *l)
{
	json_t *list = json_array();

	for (size_t i = 0; i < l->n; i++)
		json_array_append_new(
		    list, json_pack("{s:s, s:s, s:s, s:i, s:I, s:I, s:b, s:i}", "name", l->rows[i].listener.name,
		                    "address", l->rows[i].listener.address, "configured", l->rows[i].configured,
		                    "worker", (int)l->rows[i].worker, "device", (json_int_t)l->rows[i].device,
		                    "inode", (json_int_t)l->rows[i].inode, "is_unit", l->rows[i].is_unit, "fd",
		                    l->rows[i].listener.fd));
	return list;
}

static json_t *socket_unit_json(const struct socket_unit *u)
{
	json_t *list = json_array();

	for (size_t i = 0; i < u->n; i++)
		json_array_append_new(list, json_integer(u->fds[i]));
	return list;
}

static json_t *metrics_json(const struct metrics *metrics)
{
	json_t *list = json_array();

	for (size_t i = 0; i < METRICS_FDS; i++)
		json_array_append_new(list, json_integer(metrics_fds(metrics)[i]));
	return list;
}

/* Of the reload that waits. */
static json_t *requester_json(const struct reload *r)
{
	const struct requester requester = r->queued ? r->queued_requester : (struct requester){0};

	return json_pack("{s:I, s:I}", "serial", (json_int_t)requester.serial, "id", (json_int_t)requester.id);
}

static json_t *state_json(const struct supervisor *s)
{
	return json_pack("{s:i, s:I, s:o, s:o, s:i, s:s, s:s%, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}",
	                 "message_version", MSG_VERSION, "last_serial", (json_int_t)s->processes.last_serial,
	                 "requester", requester_json(&s->reload), "metrics", metrics_json(s->metrics), "lock_fd",
	                 state_lock_fd(s->setup.lock), "conf_path", s->setup.conf.path, "conf_text",
	                 s->setup.conf.bytes, s->setup.conf.len, "probe_key", s->probe_key, "core",
	                 resolved_config_core_json(s->setup.config), "plugins",
	                 resolved_config_plugins_json(s->setup.config), "socket_unit",
	                 socket_unit_json(&s->socket_unit), "listeners", listeners_json(&s->setup.listeners),
	                 "children", children_json(s), "tunnels", fd_store_json(&s->fd_store), "snapshots",
	                 user_snapshots_json(&s->snapshots), "pressure", pressure_triggers_json(&s->pressure));
}

/* A memfd with the state, or -errno. */
int take_over_write(const struct supervisor *s)
{
	json_t *state = state_json(s);
	char *text = state ? json_dumps(state, JSON_COMPACT) : NULL;
	int fd = text ? shm_text("t3ops-upgrade", text, strlen(text)) : -ENOMEM;

	free(text);
	json_decref(state);
	return fd;
}

static void survive(int fd, bool yes)
{
	fcntl(fd, F_SETFD, yes ? 0 : FD_CLOEXEC);
}

static void metrics_survive(const struct metrics *metrics, bool yes)
{
	for (size_t i = 0; i < METRICS_FDS; i++)
		survive(metrics_fds(metrics)[i], yes);
}

void take_over_survive(const struct supervisor *s, int state_fd, bool yes)
{
	const struct child *c;

	survive(state_fd, yes);
	metrics_survive(s->metrics, yes);
	state_lock_survive(s->setup.lock, yes);
	for (size_t i = 0; i < s->socket_unit.n; i++)
		survive(s->socket_unit.fds[i], yes);
	for (size_t i = 0; i < s->setup.listeners.n; i++)
		survive(s->setup.listeners.rows[i].listener.fd, yes);
	PROCESS_TABLE_FOREACH (c, &s->processes)
		survive(channel_fd(c->channel), yes);
	fd_store_survive(&s->fd_store, yes);
	user_snapshots_survive(&s->snapshots, yes);
	pressure_triggers_survive(&s->pressure, yes);
}

/* ---- arriving ------------------------------------------------------------------------------- */

json_t *take_over_read(int fd)
{
	off_t len = lseek(fd, 0, SEEK_END);
	char *text = len > 0 ? mmap(NULL, (size_t)len, PROT_READ, MAP_PRIVATE, fd, 0) : MAP_FAILED;
	json_t *state = NULL;

	if (text != MAP_FAILED) {
		state = json_loadb(text, (size_t)len, JSON_ALLOW_NUL, NULL);
		munmap(text, (size_t)len);
	}
	close(fd);
	if (state && state_int(state, "message_version") == MSG_VERSION)
		return state;
	json_decref(state);
	return NULL;
}

bool take_over_rehearse(int fd)
{
	json_t *state = take_over_read(fd);
	struct resolved_config *config;

	if (!state)
		return false;
	config = resolved_config_adopt(json_object_get(state, "core"), json_object_get(state, "plugins"));
	json_decref(state);
	resolved_config_free(config);
	return config != NULL;
}

struct metrics *take_over_metrics(const json_t *state)
{
	const json_t *list = json_object_get(state, "metrics");
	struct metrics *metrics;
	int fds[METRICS_FDS];

	for (size_t i = 0; i < METRICS_FDS; i++) {
		const json_t *fd = json_array_get(list, i);

		fds[i] = fd ? (int)json_integer_value(fd) : -1;
	}
	metrics = metrics_attach(fds);
	if (!metrics)
		return metrics_new(); /* another layout: the counters begin anew */
	metrics_survive(metrics, false);
	return metrics;
}

static void socket_unit_adopt(struct socket_unit *u, const json_t *list)
{
	size_t i;
	json_t *fd;

	json_array_foreach (list, i, fd) {
		if (u->n == SOCKET_UNIT_MAX)
			break;
		u->fds[u->n] = (int)json_integer_value(fd);
		survive(u->fds[u->n++], false);
	}
}

static void listeners_adopt(struct supervisor *s, const json_t *list)
{
	struct listeners *l = &s->setup.listeners;
	size_t i;
	json_t *row;

	json_array_foreach (list, i, row) {
		struct bound *b = &l->rows[l->n];

		if (l->n == LISTENERS_MAX)
			break;
		event_set(b->listener.name, state_string(row, "name"));
		event_set(b->listener.address, state_string(row, "address"));
		event_set(b->configured, state_string(row, "configured"));
		b->worker = (unsigned)state_int(row, "worker");
		b->device = (dev_t)state_int(row, "device");
		b->inode = (ino_t)state_int(row, "inode");
		b->is_unit = state_bool(row, "is_unit");
		b->listener.fd = (int)state_int(row, "fd");
		survive(b->listener.fd, false);
		l->n++;
	}
}

static void child_adopt_row(struct supervisor *s, const json_t *row)
{
	const struct child_adopted from = {.slot = (unsigned)state_int(row, "slot"),
	                                   .serial = (uint32_t)state_int(row, "serial"),
	                                   .state = (enum process_state)state_int(row, "state"),
	                                   .pid = (pid_t)state_int(row, "pid"),
	                                   .channel_socket = (int)state_int(row, "fd"),
	                                   .left_us = (uint64_t)state_int(row, "left_us")};
	struct child *c;

	survive(from.channel_socket, false);
	c = from.slot < PROCESS_SLOTS ? process_table_adopt(&s->processes, &from) : NULL;
	if (c && state_bool(row, "current"))
		s->processes.current[from.slot] = c;
}

static void children_adopt(struct supervisor *s, const json_t *list)
{
	struct child *monitor;
	size_t i;
	json_t *row;

	json_array_foreach (list, i, row)
		child_adopt_row(s, row);
	monitor = s->processes.current[PROCESS_MONITOR];
	if (monitor && monitor->state == PROCESS_READY)
		monitor_link_resume(&s->monitor, monitor);
}

/* Those that run know the earlier one's; without it, it is a new one. */
static void probe_key_adopt(struct supervisor *s, const json_t *key)
{
	if (json_string_length(key) == sizeof s->probe_key - 1)
		memcpy(s->probe_key, json_string_value(key), sizeof s->probe_key);
}

struct requester take_over_requester(const json_t *state)
{
	const json_t *requester = json_object_get(state, "requester");

	return (struct requester){.serial = (uint32_t)state_int(requester, "serial"),
	                          .id = (uint64_t)state_int(requester, "id")};
}

int take_over_adopt(struct supervisor *s, const json_t *state)
{
	struct setup *setup = &s->setup;

	setup->conf.path = strdup(state_string(state, "conf_path"));
	setup->conf.len = json_string_length(json_object_get(state, "conf_text"));
	setup->conf.bytes = calloc(1, setup->conf.len + 1);
	if (!setup->conf.path || !setup->conf.bytes)
		return -ENOMEM;
	memcpy(setup->conf.bytes, state_string(state, "conf_text"), setup->conf.len);
	setup->config = resolved_config_adopt(json_object_get(state, "core"), json_object_get(state, "plugins"));
	if (!setup->config)
		return -EPROTO;
	setup->lock = state_lock_adopt((int)state_int(state, "lock_fd"));
	s->processes.last_serial = (uint32_t)state_int(state, "last_serial");
	probe_key_adopt(s, json_object_get(state, "probe_key"));
	fd_store_adopt(&s->fd_store, &s->processes, &s->monitor, json_object_get(state, "tunnels"));
	user_snapshots_adopt(&s->snapshots, json_object_get(state, "snapshots"));
	pressure_triggers_adopt(&s->pressure, json_object_get(state, "pressure"));
	socket_unit_adopt(&s->socket_unit, json_object_get(state, "socket_unit"));
	listeners_adopt(s, json_object_get(state, "listeners"));
	children_adopt(s, json_object_get(state, "children"));
	return 0;
}
