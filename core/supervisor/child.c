/* SPDX-License-Identifier: MIT */
/* Starting and ending one process of a process; see child.h. */
#include "supervisor/child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "sys/drop_privileges.h"
#include "supervisor/supervisor_state.h"

#define STOP_LIMIT 8.0 /* seconds a process has for a clean end */

/* ---- in the new process ------------------------------------------------------------ */

static int by_number(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

/* Closes everything but 0..2 and keep[]. */
static void descriptors_close(int *keep, size_t n)
{
	unsigned from = 3;

	qsort(keep, n, sizeof keep[0], by_number);
	for (size_t i = 0; i < n; i++) {
		if ((unsigned)keep[i] > from)
			close_range(from, (unsigned)keep[i] - 1, 0);
		from = (unsigned)keep[i] + 1;
	}
	close_range(from, ~0u, 0);
}

static void listeners_take(struct process *process, const struct listeners *l)
{
	for (size_t i = 0; i < l->n && process->n_listeners < PROCESS_MAX_LISTENERS; i++)
		if (listener_process(&l->rows[i].listener) == process->id && l->rows[i].worker == process->worker)
			process->listeners[process->n_listeners++] = l->rows[i].listener;
}

static void signals_reset(void)
{
	sigset_t none;

	signal(SIGINT, SIG_IGN); /* a terminal's ^C is the supervisor's affair */
	signal(SIGHUP, SIG_IGN);
	signal(SIGUSR2, SIG_IGN);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

/* Everything but the helper gives up root for good. */
static bool privileges_drop(const char *user)
{
	int r = prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ? -errno : drop_privileges(user);

	if (r < 0)
		log_line(LOG_L_ERROR, "privileges", "user=%s error=\"%s\" hint=\"%s\"", user, strerror(-r),
		         "set user to an account of its own that is not root");
	return r == 0;
}

static _Noreturn void child_main(struct supervisor *s, const struct child *c, const struct setup *setup,
                                 int channel_socket)
{
	const struct core_options *options = &setup->config->options;
	struct process process = {.id = c->process,
	                          .worker = process_slot_worker(c->slot),
	                          .serial = c->serial,
	                          .metrics = s->metrics,
	                          .watchdog = c->watchdog,
	                          .ops = s->args->ops[c->process],
	                          .config = process_config_new(setup->config, c->process)};
	enum log_level level = LOG_L_INFO;
	struct tunnel_table *tunnels = c->process == PROCESS_PROXY ? s->tunnels : NULL;
	int keep[PROCESS_MAX_LISTENERS + 1];
	size_t n = 0;

	log_level_parse(options->log_level, &level);
	log_open(process_name(c->process), level);
	signals_reset();
	process.tunnels = tunnels;
	if (!tunnels)
		tunnel_table_free(s->tunnels); /* nobody else writes there */
	process.snapshot = snapshots_take(s, c->process);
	process.succeeds = s->phase != PHASE_BOOT && setup == &s->transition.next;
	listeners_take(&process, &setup->listeners);
	keep[n++] = channel_socket;
	for (size_t i = 0; i < process.n_listeners; i++)
		keep[n++] = process.listeners[i].fd;
	descriptors_close(keep, n);
	prctl(PR_SET_NAME, process_name(c->process));
	if (c->process != PROCESS_HELPER && !privileges_drop(options->user))
		_exit(EXIT_FAILURE);
	exit(process_run(&process, channel_socket));
}

/* ---- in the supervisor ----------------------------------------------------------------- */

static void on_exit_ready(struct ev_loop *loop, struct ev_io *w, int revents)
{
	(void)loop, (void)revents;
	child_ended(w->data);
}

static void on_kill(struct ev_loop *loop, struct ev_timer *w, int revents)
{
	struct child *c = w->data;

	(void)loop, (void)revents;
	if (c->state == PROCESS_DRAINING) {
		log_line(LOG_L_WARNING, "drain_timeout", "pid=%d process_exited=%s", (int)c->pid,
		         process_name(c->process));
		child_stop(c);
		return;
	}
	log_line(LOG_L_WARNING, "kill", "pid=%d process_exited=%s reason=\"it did not end in time\"", (int)c->pid,
	         process_name(c->process));
	child_kill(c);
}

static void kill_after(struct child *c, double seconds)
{
	struct ev_loop *loop = c->supervisor->loop;

	ev_timer_stop(loop, &c->kill);
	ev_timer_set(&c->kill, seconds, 0.);
	ev_timer_start(loop, &c->kill);
}

static struct child *child_new(struct supervisor *s, unsigned slot, uint32_t serial)
{
	struct child *c = calloc(1, sizeof *c);

	if (!c)
		return NULL;
	c->supervisor = s;
	c->slot = slot;
	c->process = process_of_slot(slot);
	c->serial = serial;
	c->pidfd = -1;
	c->started_us = clock_mono_us();
	ev_init(&c->kill, on_kill);
	c->kill.data = c;
	return c;
}

/* Watches a process and speaks to it; false: the descriptors are used up. */
static bool child_watch(struct child *c, int channel_socket)
{
	struct supervisor *s = c->supervisor;

	c->pidfd = pidfd_open(c->pid, 0);
	c->channel = c->pidfd >= 0 ? channel_new(s->loop, channel_socket, router_message, router_closed, c) : NULL;
	if (!c->channel)
		return false;
	ev_io_init(&c->exit, on_exit_ready, c->pidfd, EV_READ);
	c->exit.data = c;
	ev_io_start(s->loop, &c->exit);
	TAILQ_INSERT_TAIL(&s->children, c, link);
	return true;
}

static struct child *failed(struct child *c, enum process_id process, int error)
{
	log_line(LOG_L_ERROR, "spawn_failed", "process_started=%s error=\"%s\"", process_name(process),
	         strerror(error));
	if (c) {
		if (c->pid > 0)
			kill(c->pid, SIGKILL);
		child_free(c);
	}
	return NULL;
}

struct child *child_spawn(struct supervisor *s, unsigned slot, const struct setup *setup)
{
	struct child *c = child_new(s, slot, ++s->last_serial);
	int fds[2], r;

	r = c ? channel_pair(fds) : -ENOMEM;
	if (r < 0)
		return failed(c, process_of_slot(slot), -r);
	c->watchdog = mmap(NULL, sizeof *c->watchdog, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (c->watchdog == MAP_FAILED)
		c->watchdog = NULL;
	c->pid = fork();
	if (c->pid == 0)
		child_main(s, c, setup, fds[1]);
	if (c->pid < 0 || !child_watch(c, fds[0])) {
		r = errno;
		close(fds[0]);
		close(fds[1]);
		return failed(c, process_of_slot(slot), r);
	}
	close(fds[1]);
	child_set_state(c, PROCESS_STARTING);
	return c;
}

struct child *child_adopt(struct supervisor *s, unsigned slot, enum process_state state, uint64_t left_us,
                          uint32_t serial, pid_t pid, int channel_socket)
{
	struct child *c = child_new(s, slot, serial);

	if (!c)
		return NULL;
	c->pid = pid;
	c->state = state;
	c->since_us = clock_wall_us();
	if (!child_watch(c, channel_socket)) {
		child_free(c);
		return NULL;
	}
	if (state == PROCESS_DRAINING || state == PROCESS_STOPPING)
		kill_after(c, (double)left_us / 1e6);
	return c;
}

uint64_t child_left_us(const struct child *c)
{
	double left = ev_timer_remaining(c->supervisor->loop, (struct ev_timer *)(uintptr_t)&c->kill);

	return left > 0. ? (uint64_t)(left * 1e6) : 0;
}

void child_free(struct child *c)
{
	struct supervisor *s = c->supervisor;

	ev_timer_stop(s->loop, &c->kill);
	if (c->channel) {
		TAILQ_REMOVE(&s->children, c, link);
		ev_io_stop(s->loop, &c->exit);
		channel_free(c->channel);
	}
	if (c->pidfd >= 0)
		close(c->pidfd);
	if (c->watchdog)
		munmap(c->watchdog, sizeof *c->watchdog);
	free(c);
}

void child_stop(struct child *c)
{
	if (c->state == PROCESS_STOPPING)
		return;
	child_set_state(c, PROCESS_STOPPING);
	channel_send(c->channel, MSG_STOP, c->serial, 0, NULL, 0);
	kill_after(c, STOP_LIMIT);
}

void child_drain(struct child *c, uint64_t limit_us)
{
	child_set_state(c, PROCESS_DRAINING);
	channel_send(c->channel, MSG_DRAIN, c->serial, 0, NULL, 0);
	kill_after(c, (double)limit_us / 1e6);
}

void child_kill(struct child *c)
{
	kill(c->pid, SIGKILL);
}
