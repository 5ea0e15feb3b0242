/* SPDX-License-Identifier: MIT */
/* Life of the supervisor: boot, signals, stop; see supervisor_state.h for the rest of it. */
#include "supervisor/supervisor.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "supervisor/supervisor_state.h"
#include "sys/notify.h"

#define SERIALS_MAX 64

static void systemd_report(const char *state)
{
	int r = notify_send(state);

	if (r < 0)
		log_line(LOG_L_WARNING, "notify_failed", "socket=%s error=\"%s\"", getenv("NOTIFY_SOCKET"),
		         strerror(-r));
}

void supervisor_emit(struct supervisor *s, struct event *e)
{
	e->process = PROCESS_SUPERVISOR;
	event_log(e);
	event_to_monitor(s, e);
}

/* Gauges of processes that are gone must not be shown. */
void serials_publish(struct supervisor *s)
{
	uint32_t serials[SERIALS_MAX];
	struct child *c;
	size_t n = 0;

	TAILQ_FOREACH (c, &s->children, link)
		if (n < SERIALS_MAX)
			serials[n++] = c->serial;
	metrics_alive(s->metrics, serials, n);
}

void supervisor_ready(struct supervisor *s)
{
	char state[96];

	s->phase = PHASE_RUNNING;
	if (!s->reported_ready)
		log_line(LOG_L_NOTICE, "ready", "config=%s pid=%d version=" PACKAGE_VERSION, s->setup.conf.path,
		         (int)getpid());
	s->reported_ready = true;
	snprintf(state, sizeof state, "READY=1\nMAINPID=%d\nSTATUS=serving", (int)getpid());
	systemd_report(state);
}

/* ---- stop -------------------------------------------------------------------------------- */

static bool any_left(const struct supervisor *s, enum process_id process)
{
	const struct child *c;

	TAILQ_FOREACH (c, &s->children, link)
		if (c->process == process)
			return true;
	return false;
}

static void all_stop(struct supervisor *s, enum process_id process)
{
	struct child *c;

	TAILQ_FOREACH (c, &s->children, link)
		if (c->process == process)
			child_stop(c);
}

/* Called again whenever a process ended: what makes events first, then who writes them down. */
void supervisor_stop(struct supervisor *s, int exit_code)
{
	if (s->phase != PHASE_STOPPING) {
		systemd_report("STOPPING=1");
		watch_stop(s);
		ev_timer_stop(s->loop, &s->transition.deadline);
	}
	s->phase = PHASE_STOPPING;
	s->exit_code = exit_code;
	all_stop(s, PROCESS_PROXY);
	all_stop(s, PROCESS_PROBER);
	all_stop(s, PROCESS_JOBS);
	if (any_left(s, PROCESS_PROXY) || any_left(s, PROCESS_PROBER) || any_left(s, PROCESS_JOBS))
		return;
	all_stop(s, PROCESS_MONITOR);
	all_stop(s, PROCESS_HELPER);
	if (TAILQ_EMPTY(&s->children))
		ev_break(s->loop, EVBREAK_ALL);
}

/* ---- signals ----------------------------------------------------------------------------- */

static void on_signal(struct supervisor *s, uint32_t signal_number)
{
	switch (signal_number) {
	case SIGTERM:
	case SIGINT:
		log_line(LOG_L_NOTICE, "stopping", "signal=%u", signal_number);
		supervisor_stop(s, EXIT_SUCCESS);
		break;
	case SIGHUP:
		systemd_report("RELOADING=1");
		reload_begin(s, (struct requester){0});
		systemd_report("READY=1");
		break;
	case SIGUSR2:
		upgrade_exec(s);
		break;
	default:
		break;
	}
}

static void on_signals(struct ev_loop *loop, struct ev_io *w, int revents)
{
	struct signalfd_siginfo info;

	(void)loop, (void)revents;
	while (read(w->fd, &info, sizeof info) == (ssize_t)sizeof info)
		on_signal(w->data, info.ssi_signo);
}

static int signals_watch(struct supervisor *s)
{
	sigset_t set;
	int fd;

	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGUSR2);
	sigprocmask(SIG_BLOCK, &set, NULL);
	fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	if (fd < 0)
		return -errno;
	ev_io_init(&s->signals, on_signals, fd, EV_READ);
	s->signals.data = s;
	ev_io_start(s->loop, &s->signals);
	return 0;
}

/* ---- boot -------------------------------------------------------------------------------- */

static void build_info_show(struct supervisor *s)
{
	static const struct t3ops_metric info = {.name = "t3ops_build_info",
	                                         .type = T3OPS_GAUGE,
	                                         .labels = {"version"},
	                                         .help = "Always 1; the label is the version."};

	series_set(metrics_series(s->metrics, &info, NULL, NULL, (const char *[]){PACKAGE_VERSION}), 1);
}

static int boot(struct supervisor *s)
{
	struct conf_text conf;
	struct setup next;
	char why[320];
	int r;

	r = conf_text_read(&conf, s->args->conf_path);
	if (r < 0) {
		log_line(LOG_L_ERROR, "config", "file=%s error=\"%s\"", s->args->conf_path, strerror(-r));
		return r;
	}
	fd_store_init(s);
	snapshots_init(s);
	s->metrics = metrics_new(&s->metrics_fd);
	if (!s->metrics) {
		conf_text_fini(&conf);
		return -errno;
	}
	r = setup_make(s, &next, &conf, why, sizeof why);
	if (r < 0) {
		conf_text_fini(&conf);
		return r;
	}
	next.conf = conf;
	build_info_show(s);
	transition_begin(s, &next, false, (struct requester){0}, EVENT_RELOADED);
	return 0;
}

static void supervisor_fini(struct supervisor *s)
{
	struct child *c;

	while ((c = TAILQ_FIRST(&s->children)))
		child_free(c);
	fd_store_fini(s);
	snapshots_fini(s);
	setup_fini(&s->setup, NULL);
	if (s->transition.running)
		setup_fini(&s->transition.next, NULL);
	metrics_free(s->metrics);
	if (s->metrics_fd >= 0)
		close(s->metrics_fd);
	if (s->loop)
		ev_loop_destroy(s->loop);
	free(s);
}

/* Every tunnel costs the proxy two descriptors, and this process two more (keep.c). */
static void descriptors_raise(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur == limit.rlim_max)
		return;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit); /* within the hard limit; LimitNOFILE= of the unit sets that */
}

int supervisor_run(const struct supervisor_args *args)
{
	struct supervisor *s = calloc(1, sizeof *s);
	int r, exit_code = EXIT_FAILURE;

	if (!s)
		return EXIT_FAILURE;
	s->args = args;
	s->metrics_fd = s->tunnels_fd = -1;
	s->last_serial = MSG_FIRST_SERIAL - 1;
	TAILQ_INIT(&s->children);
	log_open("supervisor", LOG_L_INFO);
	descriptors_raise();
	s->loop = ev_loop_new(EVFLAG_NOSIGMASK); /* processes make their own, after the fork */
	r = s->loop ? signals_watch(s) : -ENOMEM;
	if (r == 0)
		r = args->take_over_fd >= 0 ? upgrade_resume(s, args->take_over_fd) : boot(s);
	if (r == 0) {
		ev_run(s->loop, 0);
		exit_code = s->exit_code;
		log_line(LOG_L_NOTICE, "stopped", "exit_code=%d", exit_code);
	}
	supervisor_fini(s);
	return exit_code;
}
