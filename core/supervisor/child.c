/* SPDX-License-Identifier: MIT */
/* Starting, watching and ending one process; see child.h. */
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
#include <sys/wait.h>
#include <unistd.h>

#include "conf/account.h"
#include "sys/drop_privileges.h"
#include "sys/parent.h"
#include "supervisor/capabilities.h"
#include "supervisor/process_slot.h"
#include "supervisor/setup.h"
#include "supervisor/signals.h"

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
	for (size_t i = 0; i < l->n && process->n_listeners < PROCESS_MAX_LISTENERS; i++) {
		const struct bound *b = &l->rows[i];
		struct listener *own = &process->listeners[process->n_listeners];

		if (listener_process(&b->listener) != process->id || b->worker != process->worker)
			continue;
		*own = b->listener;
		memcpy(own->configured, b->configured, sizeof own->configured);
		process->n_listeners++;
	}
}

static void signals_reset(void)
{
	sigset_t asked, none;

	signals_asked(
	    &asked); /* of those sent to the whole group, as a terminal's ^C, the supervisor says what is done */
	sigdelset(&asked, SIGTERM); /* process.c asks it */
	for (int number = 1; number <= SIGRTMAX; number++)
		if (sigismember(&asked, number) == 1)
			signal(number, SIG_IGN);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

static int identity_drop(const char *account, const char *user)
{
	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ? -errno : drop_privileges(account, user);
}

/* Everything but the helper gives up root for good, and capabilities that an unprivileged start came with. */
static bool privileges_drop(enum process_id process, const struct core_options *options)
{
	char account[ACCOUNT_SIZE];
	int r;

	process_account(process, options, account);
	r = process == PROCESS_HELPER ? 0 : identity_drop(account, options->user);

	if (r == 0)
		r = capabilities_drop(process);
	if (r < 0)
		log_write(LOG_L_ERROR, "privileges_failed", kv_account(account), kv_errno(r),
		          kv_hint("set user, and user_proxy, to accounts of their own that are not root"));
	return r == 0;
}

static void descriptors_keep(const struct process *process, int channel_socket)
{
	int keep[PROCESS_MAX_LISTENERS + PRESSURE_TRIGGERS + 2];
	size_t n = 0;

	keep[n++] = channel_socket;
	if (log_descriptor() >= 0)
		keep[n++] = log_descriptor();
	for (size_t i = 0; i < process->n_listeners; i++)
		keep[n++] = process->listeners[i].fd;
	for (size_t i = 0; process->pressure && i < process->pressure->n; i++)
		keep[n++] = process->pressure->fds[i];
	descriptors_close(keep, n);
}

static _Noreturn void child_main(const struct child *c, const struct child_start *start, pid_t supervisor,
                                 int channel_socket)
{
	const struct child_host *host = c->host;
	const struct core_options *options = &start->setup->config->options;
	struct process process = {.id = c->process,
	                          .worker = process_slot_worker(c->slot),
	                          .serial = c->serial,
	                          .watchdog = c->watchdog,
	                          .succeeds = start->succeeds,
	                          .ops = host->process_ops[c->process],
	                          .config = process_config_new(start->setup->config, c->process)};

	if (!parent_follow(supervisor)) /* until it is ready: a plugin may hang before it can notice */
		_exit(EXIT_FAILURE);
	log_open(process_name(c->process), options->log_level);
	log_format_set(options->log_format);
	signals_reset();
	host->ops->on_fork(host->arg, c, &process);
	listeners_take(&process, &start->setup->listeners);
	descriptors_keep(&process, channel_socket);
	prctl(PR_SET_NAME, process_name(c->process));
	if (!privileges_drop(c->process, options))
		_exit(EXIT_FAILURE);
	exit(process_run(&process, channel_socket));
}

/* ---- in the supervisor ----------------------------------------------------------------- */

static void on_message(void *arg, const struct msg_head *head, const void *payload)
{
	struct child *c = arg;

	c->host->ops->on_message(c->host->arg, c, head, payload);
}

static void on_closed(void *arg)
{
	(void)arg; /* the process is ending: its pidfd says so */
}

/* What it sent last is read before what follows from its exit. */
static void on_exit_ready(struct ev_loop *loop, struct ev_io *w, int revents)
{
	struct child *c = w->data;

	(void)loop, (void)revents;
	channel_read_rest(c->channel);
	c->host->ops->on_exit(c->host->arg, c);
}

static void on_kill(struct ev_loop *loop, struct ev_timer *w, int revents)
{
	struct child *c = w->data;

	(void)loop, (void)revents;
	if (c->state == PROCESS_DRAINING) {
		log_write(LOG_L_WARNING, "drain_timeout", kv_child(process_name(c->process)), kv_pid(c->pid));
		child_stop(c);
		return;
	}
	log_write(LOG_L_WARNING, "stop_timeout", kv_child(process_name(c->process)), kv_pid(c->pid),
	          kv_effect("it is killed"));
	child_kill(c);
}

static void kill_after(struct child *c, double seconds)
{
	struct ev_loop *loop = c->host->loop;

	ev_timer_stop(loop, &c->kill);
	ev_timer_set(&c->kill, seconds, 0.);
	ev_timer_start(loop, &c->kill);
}

static struct child *child_new(const struct child_host *host, unsigned slot, uint32_t serial)
{
	struct child *c = calloc(1, sizeof *c);

	if (!c)
		return NULL;
	c->host = host;
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
	c->pidfd = pidfd_open(c->pid, 0);
	if (c->pidfd >= 0)
		c->channel = channel_new(c->host->loop, channel_socket, on_message, on_closed, c);
	if (!c->channel)
		return false;
	ev_io_init(&c->exit, on_exit_ready, c->pidfd, EV_READ);
	drop_report_init(&c->dropped, c->host->metrics, c->process, DROP_TO);
	c->exit.data = c;
	ev_io_start(c->host->loop, &c->exit);
	return true;
}

static struct child *failed(struct child *c, enum process_id process, int error)
{
	log_write(LOG_L_ERROR, "spawn_failed", kv_child(process_name(process)), kv_errno(error));
	if (c) {
		if (c->pid > 0) {
			kill(c->pid, SIGKILL);
			waitpid(c->pid, NULL, 0);
		}
		child_free(c);
	}
	return NULL;
}

static struct watchdog_page *watchdog_page_new(void)
{
	void *page = mmap(NULL, sizeof(struct watchdog_page), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
	                  0);

	return page == MAP_FAILED ? NULL : page;
}

struct child *child_spawn(const struct child_host *host, const struct child_start *start)
{
	struct child *c = child_new(host, start->slot, start->serial);
	pid_t supervisor;
	int fds[2], r;

	r = c ? channel_pair(fds) : -ENOMEM;
	if (r < 0)
		return failed(c, process_of_slot(start->slot), -r);
	c->watchdog = watchdog_page_new();
	supervisor = getpid();
	c->pid = fork();
	if (c->pid == 0)
		child_main(c, start, supervisor, fds[1]);
	if (c->pid < 0 || !child_watch(c, fds[0])) {
		r = errno;
		close(fds[0]);
		close(fds[1]);
		return failed(c, process_of_slot(start->slot), r);
	}
	close(fds[1]);
	child_set_state(c, PROCESS_STARTING);
	return c;
}

struct child *child_adopt(const struct child_host *host, const struct child_adopted *from)
{
	struct child *c = child_new(host, from->slot, from->serial);

	if (!c)
		return NULL;
	c->pid = from->pid;
	c->state = from->state;
	c->since_us = clock_wall_us();
	if (!child_watch(c, from->channel_socket)) {
		child_free(c);
		return NULL;
	}
	c->keeps_events = true; /* until there is a monitor */
	channel_send(c->channel, MSG_EVENTS_KEEP, c->serial, 0, NULL, 0);
	if (c->state == PROCESS_DRAINING || c->state == PROCESS_STOPPING)
		kill_after(c, (double)from->left_us / 1e6);
	return c;
}

void child_free(struct child *c)
{
	ev_timer_stop(c->host->loop, &c->kill);
	if (c->channel) {
		ev_io_stop(c->host->loop, &c->exit);
		channel_free(c->channel);
	}
	if (c->pidfd >= 0)
		close(c->pidfd);
	if (c->watchdog)
		munmap(c->watchdog, sizeof *c->watchdog);
	free(c);
}

void child_set_state(struct child *c, enum process_state state)
{
	c->state = state;
	c->since_us = clock_wall_us();
	c->host->ops->on_state(c->host->arg, c);
}

void child_stop(struct child *c)
{
	if (c->state == PROCESS_STOPPING || c->state == PROCESS_DEAD)
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
	pidfd_send_signal(c->pidfd, SIGKILL, NULL,
	                  0); /* the number may be another one's, if it is no child of ours */
}

uint64_t child_left_us(const struct child *c)
{
	double left = ev_timer_remaining(c->host->loop, (struct ev_timer *)(uintptr_t)&c->kill);

	return left > 0. ? (uint64_t)(left * 1e6) : 0;
}

void child_reap(const struct child *c, siginfo_t *how)
{
	*how = (siginfo_t){0};
	waitid(P_PIDFD, (id_t)c->pidfd, how, WEXITED | WNOHANG);
}
