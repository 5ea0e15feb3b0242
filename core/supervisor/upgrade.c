/* SPDX-License-Identifier: MIT */
/* Leaving to the next binary, and arriving as it; see upgrade.h. */
#include "supervisor/upgrade.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "supervisor/reload.h"
#include "supervisor/state_json.h"
#include "conf/resolved_config_json.h"
#include "sys/shm.h"

#define CHECK_LIMIT_US  UINT64_C(30000000)
#define CHECK_MAX_BYTES (1u << 20)
#define NOT_STARTED     "not started: " /* what stands in the binary's place says so */
#define USAGE_ERROR     2               /* of one that does not know the question */

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
		    list, json_pack("{s:s, s:s, s:s, s:i, s:I, s:I, s:i}", "name", l->rows[i].listener.name,
		                    "address", l->rows[i].listener.address, "configured", l->rows[i].configured,
		                    "worker", (int)l->rows[i].worker, "device", (json_int_t)l->rows[i].device,
		                    "inode", (json_int_t)l->rows[i].inode, "fd", l->rows[i].listener.fd));
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
	return json_pack(
	    "{s:i, s:I, s:o, s:o, s:i, s:s, s:s%, s:s, s:o, s:o, s:o, s:o, s:o, s:o}", "message_version", MSG_VERSION,
	    "last_serial", (json_int_t)s->processes.last_serial, "requester", requester_json(&s->reload), "metrics",
	    metrics_json(s->metrics), "lock_fd", state_lock_fd(s->setup.lock), "conf_path", s->setup.conf.path,
	    "conf_text", s->setup.conf.bytes, s->setup.conf.len, "probe_key", s->probe_key, "core",
	    resolved_config_core_json(s->setup.config), "plugins", resolved_config_plugins_json(s->setup.config),
	    "listeners", listeners_json(&s->setup.listeners), "children", children_json(s), "tunnels",
	    fd_store_json(&s->fd_store), "snapshots", user_snapshots_json(&s->snapshots));
}

/* A memfd with the state, or -errno. */
static int state_write(const struct supervisor *s)
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

static void descriptors_survive(const struct supervisor *s, int state_fd, bool yes)
{
	const struct child *c;

	survive(state_fd, yes);
	metrics_survive(s->metrics, yes);
	state_lock_survive(s->setup.lock, yes);
	for (size_t i = 0; i < s->setup.listeners.n; i++)
		survive(s->setup.listeners.rows[i].listener.fd, yes);
	PROCESS_TABLE_FOREACH (c, &s->processes)
		survive(channel_fd(c->channel), yes);
	fd_store_survive(&s->fd_store, yes);
	user_snapshots_survive(&s->snapshots, yes);
}

/* In the child: the binary says whether it takes the configuration, and what this one would leave, on stdin. */
static int binary_ask(void *arg, const int pipes[SUBPROCESS_PIPES])
{
	const struct supervisor *s = arg;
	char version[16];
	char *argv[] = {(char *)(uintptr_t)s->args->exe,
	                "-t",
	                "-c",
	                (char *)(uintptr_t)s->args->conf_path,
	                "--take-over-from",
	                version,
	                NULL};

	dup2(state_write(s), STDIN_FILENO);
	dup2(pipes[0], STDOUT_FILENO); /* what it prints is not for the log as it is */
	dup2(pipes[1], STDERR_FILENO);
	for (size_t i = 0; i < SUBPROCESS_PIPES; i++)
		close(pipes[i]);
	snprintf(version, sizeof version, "%d", MSG_VERSION);
	execv(argv[0], argv);
	dprintf(STDOUT_FILENO, "%s%s", NOT_STARTED, strerror(errno));
	return EXIT_FAILURE;
}

static bool last_line_is(const char *text, const char *line)
{
	size_t len = strlen(text), want = strlen(line);

	return len > want && text[len - 1] == '\n' && strncmp(text + len - 1 - want, line, want) == 0 &&
	       (len - 1 == want || text[len - 2 - want] == '\n');
}

/* Exec cannot be taken back, so all that could go wrong is asked before.  False, with the reason in why. */
static bool binary_is_ready(const struct subprocess_end *end, char *why, size_t size)
{
	const char *said = end->bytes[0];
	int code = WIFEXITED(end->status) ? WEXITSTATUS(end->status) : -1;

	if (end->timed_out)
		snprintf(why, size, "did not say in time whether it accepts the configuration; it was not started");
	else if (strncmp(said, NOT_STARTED, strlen(NOT_STARTED)) == 0)
		snprintf(why, size, "cannot be started: %s", said + strlen(NOT_STARTED));
	else if (last_line_is(said, TAKE_OVER_MESSAGES) || code == USAGE_ERROR)
		snprintf(why, size,
		         "cannot go on from the one that runs, whose messages are others: restart the daemon");
	else if (code < 0)
		snprintf(why, size, "was not started: asked about the configuration, it ended with signal %d (%s)",
		         WTERMSIG(end->status), strsignal(WTERMSIG(end->status)));
	else if (code == EXIT_FAILURE && end->len[1] > 0)
		snprintf(why, size, "was not started, for it does not accept the configuration");
	else if (code != EXIT_SUCCESS)
		snprintf(why, size, "was not started: asked about the configuration, it exited with %d", code);
	else if (!last_line_is(said, TAKE_OVER_READY))
		snprintf(why, size, "was not started: it does not answer as a t3ops that can take over; is it one?");
	else
		return true;
	return false;
}

/* What it says against the configuration, a line each. */
static void config_errors_log(const char *text)
{
	while (*text != '\0') {
		size_t len = strcspn(text, "\n");

		if (len > 0)
			log_write(LOG_L_ERROR, "config_error", kv_error(textf("%.*s", (int)len, text)));
		text += len + (text[len] != '\0');
	}
}

static void refuse(struct supervisor *s, const char *why)
{
	char text[PATH_MAX + WHY_SIZE];

	snprintf(text, sizeof text, "the binary %s %s", s->args->exe, why);
	s->upgrade.refused(s, -ECANCELED, text);
}

/* Returns only if it fails. */
static void binary_exec(struct supervisor *s)
{
	char number[16], why[100];
	char *argv[] = {(char *)(uintptr_t)s->args->exe,
	                "-c",
	                (char *)(uintptr_t)s->args->conf_path,
	                "--take-over",
	                number,
	                NULL};
	int fd = state_write(s);

	if (fd < 0) {
		refuse(s, "was not started: no memory to hand the state over");
		return;
	}
	snprintf(number, sizeof number, "%d", fd);
	descriptors_survive(s, fd, true);
	execv(s->args->exe, argv);
	snprintf(why, sizeof why, "cannot be started: %s", strerror(errno));
	descriptors_survive(s, fd, false);
	close(fd);
	refuse(s, why);
}

static void on_answer(void *arg, const struct subprocess_end *end)
{
	struct supervisor *s = arg;
	const char *said = end->bytes[1];
	char why[256], text[WHY_SIZE];

	s->upgrade.check = NULL;
	if (binary_is_ready(end, why, sizeof why)) {
		binary_exec(s);
		return;
	}
	if (WIFEXITED(end->status) && WEXITSTATUS(end->status) == EXIT_FAILURE)
		config_errors_log(said);
	snprintf(text, sizeof text, "%s%s%.*s", why, said[0] != '\0' ? ": " : "", (int)strcspn(said, "\n"), said);
	refuse(s, text);
}

static void upgrade_begin(struct supervisor *s, outcome_cb refused)
{
	const struct subprocess_start start = {.run = binary_ask,
	                                       .on_end = on_answer,
	                                       .arg = s,
	                                       .timeout_us = CHECK_LIMIT_US,
	                                       .max_bytes = CHECK_MAX_BYTES};
	char why[100];

	s->upgrade.refused = refused;
	s->upgrade.check = subprocess_start(s->loop, &start);
	if (s->upgrade.check)
		return;
	snprintf(why, sizeof why, "was not started: %s", strerror(errno));
	refuse(s, why);
}

void upgrade_request(struct supervisor *s, outcome_cb refused)
{
	if (s->phase == PHASE_STOPPING)
		return;
	if (!reload_is_busy(s)) {
		upgrade_begin(s, refused);
		return;
	}
	s->upgrade.queued = true;
	log_write(LOG_L_NOTICE, "upgrade_queued", kv_detail("a reload or an upgrade is in progress"));
}

/* It reads the configuration, too: a reload that waits is done with it, or after it if the binary is refused. */
bool upgrade_next(struct supervisor *s, outcome_cb refused)
{
	if (!s->upgrade.queued || reload_is_busy(s))
		return false;
	s->upgrade.queued = false;
	upgrade_begin(s, refused);
	return true;
}

void upgrade_cancel(struct supervisor *s)
{
	s->upgrade.queued = false;
	subprocess_cancel(s->upgrade.check);
	s->upgrade.check = NULL;
}

/* ---- arriving ------------------------------------------------------------------------------- */

json_t *upgrade_state_read(int fd)
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

bool upgrade_rehearse(int fd)
{
	json_t *state = upgrade_state_read(fd);
	struct resolved_config *config;

	if (!state)
		return false;
	config = resolved_config_adopt(json_object_get(state, "core"), json_object_get(state, "plugins"));
	json_decref(state);
	resolved_config_free(config);
	return config != NULL;
}

struct metrics *upgrade_metrics_adopt(const json_t *state)
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

struct requester upgrade_requester(const json_t *state)
{
	const json_t *requester = json_object_get(state, "requester");

	return (struct requester){.serial = (uint32_t)state_int(requester, "serial"),
	                          .id = (uint64_t)state_int(requester, "id")};
}

int upgrade_adopt(struct supervisor *s, const json_t *state)
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
	listeners_adopt(s, json_object_get(state, "listeners"));
	children_adopt(s, json_object_get(state, "children"));
	return 0;
}
