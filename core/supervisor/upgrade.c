/* SPDX-License-Identifier: MIT */
/*
 * The next binary, same pid: the supervisor writes what it holds into a memfd, lets its descriptors
 * survive, and execs the binary in place.  The new one adopts the running processes and replaces all of
 * them in one transition.  The new binary is first asked, in a child, whether it takes the configuration and
 * what it would adopt.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/pidfd.h>

#include <sys/wait.h>
#include <unistd.h>

#include "supervisor/state_json.h"
#include "supervisor/supervisor_state.h"

#define CHECK_LIMIT_MS 30000

extern char **environ;

/* ---- leaving -------------------------------------------------------------------------------- */

static json_t *children_json(const struct supervisor *s)
{
	json_t *list = json_array();
	const struct child *c;

	TAILQ_FOREACH (c, &s->children, link)
		json_array_append_new(list, json_pack("{s:i, s:i, s:I, s:I, s:i, s:i, s:b}", "slot", (int)c->slot,
		                                      "state", c->state, "left_us", (json_int_t)child_left_us(c),
		                                      "serial", (json_int_t)c->serial, "pid", (int)c->pid, "fd",
		                                      channel_fd(c->channel), "current", s->current[c->slot] == c));
	return list;
}

static json_t *listeners_json(const struct listeners *l)
{
	json_t *list = json_array();

	for (size_t i = 0; i < l->n; i++)
		json_array_append_new(list, json_pack("{s:s, s:s, s:s, s:i, s:i}", "name", l->rows[i].listener.name,
		                                      "address", l->rows[i].listener.address, "configured",
		                                      l->rows[i].configured, "worker", (int)l->rows[i].worker, "fd",
		                                      l->rows[i].listener.fd));
	return list;
}

static json_t *state_json(const struct supervisor *s)
{
	return json_pack(
	    "{s:i, s:I, s:i, s:s, s:s%, s:o, s:o, s:o, s:o, s:o, s:o}", "message_version", MSG_VERSION, "last_serial",
	    (json_int_t)s->last_serial, "metrics_fd", s->metrics_fd, "conf_path", s->setup.conf.path, "conf_text",
	    s->setup.conf.bytes, s->setup.conf.len, "core", resolved_config_core_json(s->setup.config), "plugins",
	    resolved_config_plugins_json(s->setup.config), "listeners", listeners_json(&s->setup.listeners),
	    "children", children_json(s), "tunnels", fd_store_json(s), "snapshots", snapshots_json(s));
}

/* A memfd with the state, or -errno. */
static int state_write(const struct supervisor *s)
{
	json_t *state = state_json(s);
	char *text = state ? json_dumps(state, JSON_COMPACT) : NULL;
	int fd = text ? memfd_create("t3ops-takeover", MFD_CLOEXEC) : -1;
	size_t len = text ? strlen(text) : 0;

	if (fd >= 0 && write(fd, text, len) != (ssize_t)len) {
		close(fd);
		fd = -1;
	}
	free(text);
	json_decref(state);
	return fd < 0 ? -ENOMEM : fd;
}

static void survive(int fd, bool yes)
{
	fcntl(fd, F_SETFD, yes ? 0 : FD_CLOEXEC);
}

static void descriptors_survive(const struct supervisor *s, int state_fd, bool yes)
{
	const struct child *c;

	survive(state_fd, yes);
	survive(s->metrics_fd, yes);
	for (size_t i = 0; i < s->setup.listeners.n; i++)
		survive(s->setup.listeners.rows[i].listener.fd, yes);
	TAILQ_FOREACH (c, &s->children, link)
		survive(channel_fd(c->channel), yes);
	fd_store_survive(s, yes);
	snapshots_survive(s, yes);
}

/* Asks the binary whether it takes the configuration, and what this one leaves; short, and no user waits for the
 * supervisor.  Its exit status, -1 without one. */
static int binary_ask(const struct supervisor *s)
{
	char version[16];
	char *argv[] = {(char *)(uintptr_t)s->args->exe,
	                "-t",
	                "-c",
	                (char *)(uintptr_t)s->args->conf_path,
	                "--take-over-from",
	                version,
	                NULL};
	struct pollfd p = {.events = POLLIN};
	pid_t pid;
	int status = -1;

	snprintf(version, sizeof version, "%d", MSG_VERSION);
	if (posix_spawn(&pid, s->args->exe, NULL, NULL, argv, environ) != 0)
		return -1;
	p.fd = pidfd_open(pid, 0);
	if (p.fd < 0 || poll(&p, 1, CHECK_LIMIT_MS) != 1)
		kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	if (p.fd >= 0)
		close(p.fd);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* Exec cannot be taken back, so all that could go wrong is asked before.  NULL: nothing. */
static const char *binary_fault(const struct supervisor *s)
{
	switch (binary_ask(s)) {
	case EXIT_SUCCESS:
		return NULL;
	case SUPERVISOR_CANNOT_TAKE_OVER:
	case 2: /* it does not know the question */
		return "cannot go on from the one that runs, whose messages are others: restart the daemon";
	default:
		return "does not accept the configuration; it was not started";
	}
}

static void refused(struct supervisor *s, const char *why)
{
	struct event e;

	event_init(&e, EVENT_RELOAD_REFUSED, PROCESS_SUPERVISOR);
	event_set(e.text, why);
	supervisor_emit(s, &e);
}

void upgrade_exec(struct supervisor *s)
{
	char number[16], why[320];
	const char *fault;
	char *argv[] = {(char *)(uintptr_t)s->args->exe,
	                "-c",
	                (char *)(uintptr_t)s->args->conf_path,
	                "--take-over",
	                number,
	                NULL};
	int fd;

	if (s->transition.running || s->phase != PHASE_RUNNING) {
		refused(s, "an upgrade has to wait: a reload is under way");
		return;
	}
	fault = binary_fault(s);
	if (fault) {
		snprintf(why, sizeof why, "the binary %.200s %s", s->args->exe, fault);
		refused(s, why);
		return;
	}
	fd = state_write(s);
	if (fd < 0) {
		refused(s, "no memory to hand the state over");
		return;
	}
	snprintf(number, sizeof number, "%d", fd);
	descriptors_survive(s, fd, true);
	execv(s->args->exe, argv);
	descriptors_survive(s, fd, false);
	close(fd);
	snprintf(why, sizeof why, "the binary %.200s cannot be started: %s", s->args->exe, strerror(errno));
	refused(s, why);
}

/* ---- arriving ------------------------------------------------------------------------------- */

static json_t *state_read(int fd)
{
	char *text = MAP_FAILED;
	off_t len = lseek(fd, 0, SEEK_END);
	json_t *state;

	if (len > 0)
		text = mmap(NULL, (size_t)len, PROT_READ, MAP_PRIVATE, fd, 0);
	if (text == MAP_FAILED)
		return NULL;
	state = json_loadb(text, (size_t)len, JSON_ALLOW_NUL, NULL);
	munmap(text, (size_t)len);
	return state;
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
		b->listener.fd = (int)state_int(row, "fd");
		survive(b->listener.fd, false);
		l->n++;
	}
}

static void children_adopt(struct supervisor *s, const json_t *list)
{
	size_t i;
	json_t *row;

	json_array_foreach (list, i, row) {
		int fd = (int)state_int(row, "fd");
		unsigned slot = (unsigned)state_int(row, "slot");
		struct child *c;

		survive(fd, false);
		c = slot < PROCESS_SLOTS
		        ? child_adopt(s, slot, (enum process_state)state_int(row, "state"),
		                      (uint64_t)state_int(row, "left_us"), (uint32_t)state_int(row, "serial"),
		                      (pid_t)state_int(row, "pid"), fd)
		        : NULL;
		if (c && state_bool(row, "current"))
			s->current[slot] = c;
	}
}

static int adopt(struct supervisor *s, const json_t *state)
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
	s->last_serial = (uint32_t)state_int(state, "last_serial");
	s->metrics_fd = (int)state_int(state, "metrics_fd");
	survive(s->metrics_fd, false);
	s->metrics = metrics_attach(s->metrics_fd);
	if (!s->metrics) { /* another layout: the counters begin anew */
		close(s->metrics_fd);
		s->metrics = metrics_new(&s->metrics_fd);
	}
	if (!s->metrics)
		return -errno;
	fd_store_adopt(s, json_object_get(state, "tunnels"));
	snapshots_adopt(s, json_object_get(state, "snapshots"));
	listeners_adopt(s, json_object_get(state, "listeners"));
	children_adopt(s, json_object_get(state, "children"));
	return 0;
}

static int everything_replace(struct supervisor *s)
{
	struct conf_text conf;
	struct setup next;
	char why[320];
	int r;

	r = conf_text_read(&conf, s->args->conf_path);
	if (r < 0)
		return r;
	r = setup_make(s, &next, &conf, why, sizeof why);
	if (r < 0) {
		conf_text_fini(&conf);
		return r;
	}
	next.conf = conf;
	transition_begin(s, &next, true, (struct requester){0}, EVENT_UPGRADED);
	return 0;
}

int upgrade_resume(struct supervisor *s, int fd)
{
	json_t *state = state_read(fd);
	int r = -EPROTO;

	close(fd);
	if (state && state_int(state, "message_version") == MSG_VERSION)
		r = adopt(s, state);
	json_decref(state);
	s->phase = PHASE_RUNNING;
	s->reported_ready = true;
	if (r == 0) {
		watch_start(s);
		restarts_resume(s);
		serials_publish(s);
		r = everything_replace(s);
		if (r < 0)
			refused(s, "the new binary runs, but keeps the processes of the earlier one");
		return 0;
	}
	log_line(LOG_L_ERROR, "takeover_failed", "error=\"%s\"", strerror(-r));
	return r;
}
