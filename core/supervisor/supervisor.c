/* SPDX-License-Identifier: MIT */
/* The supervisor itself: boot, signals, messages, exits, stop; supervisor_state.h draws its parts. */
#include "supervisor/supervisor.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "supervisor/notify.h"
#include "supervisor/capabilities.h"
#include "supervisor/drains.h"
#include "supervisor/handover_pairing.h"
#include "supervisor/log_levels.h"
#include "supervisor/pressure_triggers.h"
#include "supervisor/process_report.h"
#include "supervisor/reload.h"
#include "supervisor/succession.h"
#include "supervisor/signals.h"
#include "supervisor/supervisor_state.h"
#include "supervisor/survivors.h"
#include "supervisor/take_over.h"
#include "supervisor/transition.h"
#include "supervisor/upgrade.h"
#include "sys/clock.h"
#include "sys/parent.h"
#include "sys/time_text.h"

static void systemd_report(const char *state)
{
	int r = notify_send(state);

	if (r < 0)
		log_write(LOG_L_WARNING, "notify_failed", kv_path(getenv("NOTIFY_SOCKET")), kv_errno(r));
}

/* Whole words, where an event has no room for all of them; who asked for a reload gets all. */
static void event_text_set(struct event *e, const char *text)
{
	static const char more[] = " ...";
	char *end;

	event_set(e->text, text);
	if (strlen(text) < sizeof e->text)
		return;
	e->text[sizeof e->text - sizeof more] = '\0';
	end = strrchr(e->text + sizeof e->text / 2, ' '); /* no word is as long, a path may be */
	strcpy(end ? end : e->text + strlen(e->text), more);
}

/* refused: why the last reload or upgrade was, for `systemctl status`; NULL: it was not. */
static void ready_report(struct supervisor *s, const char *refused)
{
	struct event e;
	char state[96 + TIME_TEXT_SIZE + sizeof e.text], at[TIME_TEXT_SIZE];
	int n;

	if (!s->reported_ready)
		log_write(LOG_L_NOTICE, "ready", kv_path(s->setup.conf.path), kv_pid(getpid()),
		          kv_version(PACKAGE_VERSION));
	s->reported_ready = true;
	n = snprintf(state, sizeof state, "READY=1\nMAINPID=%d\nSTATUS=serving", (int)getpid());
	if (refused) {
		time_text(clock_wall_us(), at);
		event_text_set(&e, refused);
		snprintf(state + n, sizeof state - (size_t)n, "; refused at %s: %.*s", at, (int)strcspn(e.text, "\n"),
		         e.text);
	}
	systemd_report(state);
}

/* ---- stop ------------------------------------------------------------------------------------------------ */

static void all_stop(struct supervisor *s, enum process_id process)
{
	struct child *c;

	PROCESS_TABLE_FOREACH (c, &s->processes)
		if (c->process == process)
			child_stop(c);
}

/* Who makes events first, then who writes them down; called again whenever a process exited. */
static void stop_go_on(struct supervisor *s)
{
	static const enum process_id first[] = {PROCESS_PROXY, PROCESS_PROBER, PROCESS_JOBS};
	bool left = false;

	for (size_t i = 0; i < sizeof first / sizeof first[0]; i++) {
		all_stop(s, first[i]);
		left = left || process_table_has(&s->processes, first[i]);
	}
	if (left)
		return;
	all_stop(s, PROCESS_MONITOR);
	all_stop(s, PROCESS_HELPER);
	if (TAILQ_EMPTY(&s->processes.all))
		ev_break(s->loop, EVBREAK_ALL);
}

static void supervisor_stop(struct supervisor *s, int exit_code)
{
	if (s->phase == PHASE_STOPPING)
		return;
	systemd_report("STOPPING=1");
	s->phase = PHASE_STOPPING;
	s->exit_code = exit_code;
	watchdog_stop(&s->watchdog);
	restarts_stop(&s->restarts);
	reload_cancel(s);
	upgrade_cancel(s);
	stop_go_on(s);
}

/* ---- what became of a boot, a reload, an upgrade ----------------------------------------------------------- */

static void setup_apply(struct supervisor *s)
{
	const struct core_options *options = &s->setup.config->options;

	log_format_set(options->log_format);
	log_levels_reset(s);
	s->restarts.pause_max_us = options->restart_pause_max_us;
	watchdog_start(&s->watchdog, options->process_watchdog_us);
	for (unsigned slot = 0; slot < PROCESS_SLOTS; slot++)
		if (s->processes.current[slot])
			process_up_show(&s->processes, &s->setup, process_of_slot(slot));
}

static void emit(struct supervisor *s, enum event_kind kind, const char *text)
{
	struct event e;

	event_init(&e, kind, PROCESS_SUPERVISOR);
	event_text_set(&e, text);
	monitor_link_emit(&s->monitor, &e);
}

static void on_reload_done(struct supervisor *s, int error, const char *why);
static void on_upgrade_refused(struct supervisor *s, int error, const char *why);

/* What was asked for meanwhile. */
static void queued_begin(struct supervisor *s)
{
	if (!upgrade_next(s, on_upgrade_refused))
		reload_next(s, on_reload_done);
}

static void settled(struct supervisor *s, int error, const char *why, enum event_kind success)
{
	if (error < 0) {
		emit(s, EVENT_RELOAD_REFUSED, why);
	} else {
		setup_apply(s);
		emit(s, success, s->setup.conf.path);
	}
	ready_report(s, error < 0 ? why : NULL);
	queued_begin(s);
}

static void on_reload_done(struct supervisor *s, int error, const char *why)
{
	settled(s, error, why, EVENT_RELOADED);
}

/* The new binary runs; an error means that it keeps the processes of the earlier one. */
static void on_upgrade_done(struct supervisor *s, int error, const char *why)
{
	char text[WHY_SIZE + 80];

	snprintf(text, sizeof text, "the new binary runs, but with the processes of the earlier one: %s", why);
	settled(s, error, text, EVENT_UPGRADED);
}

static void on_upgrade_refused(struct supervisor *s, int error, const char *why)
{
	settled(s, error, why, EVENT_UPGRADED);
}

static void on_boot_done(struct supervisor *s, int error, const char *why)
{
	if (error < 0) {
		log_write(LOG_L_ERROR, "start_failed", kv_error(why));
		survivors_leave(s);
		supervisor_stop(s, EXIT_FAILURE);
		return;
	}
	s->phase = PHASE_RUNNING;
	setup_apply(s);
	ready_report(s, NULL);
	survivors_drain(s);
	queued_begin(s);
}

/* ---- signals ---------------------------------------------------------------------------------------------- */

static void on_signal(struct supervisor *s, uint32_t number)
{
	switch (number) {
	case SIGTERM:
	case SIGINT:
		log_write(LOG_L_NOTICE, "stopping", kv_signal(number));
		supervisor_stop(s, EXIT_SUCCESS);
		break;
	case SIGHUP:
		systemd_report("RELOADING=1");
		reload_request(s, (struct requester){0}, on_reload_done);
		break;
	case SIGUSR2:
		upgrade_request(s, on_upgrade_refused);
		break;
	default: /* some `kill` with a wrong name or number: no reason to drop anybody */
		log_write(LOG_L_NOTICE, "signal_ignored", kv_signal(number),
		          kv_hint("t3ops(8), SIGNALS, lists those that have a meaning"));
		break;
	}
}

static void signals_read(struct supervisor *s)
{
	struct signalfd_siginfo info;

	while (read(s->signals.fd, &info, sizeof info) == (ssize_t)sizeof info)
		on_signal(s, info.ssi_signo);
}

static void on_signals(struct ev_loop *loop, struct ev_io *w, int revents)
{
	(void)loop, (void)revents;
	signals_read(w->data);
}

static int signals_watch(struct supervisor *s)
{
	sigset_t set;
	int fd;

	signal(SIGPIPE, SIG_IGN);
	signals_asked(&set);
	sigprocmask(SIG_BLOCK, &set, NULL);
	fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	if (fd < 0)
		return -errno;
	ev_io_init(&s->signals, on_signals, fd, EV_READ);
	s->signals.data = s;
	ev_io_start(s->loop, &s->signals);
	return 0;
}

/* ---- messages to the supervisor ------------------------------------------------------------------------------ */

static void on_ready(void *arg, struct child *c, const struct msg_head *head, const void *payload)
{
	struct supervisor *s = arg;
	struct event e;

	(void)head, (void)payload;
	if (c->state != PROCESS_STARTING)
		return;
	child_set_state(c, PROCESS_READY);
	if (c->process == PROCESS_MONITOR && !s->monitor.monitor)
		monitor_link_attach(&s->monitor, c);
	if (c->process == PROCESS_PROXY) {
		survivor_keep(c);
		fd_store_transfer(&s->fd_store, c);
		handovers_pair(&s->processes); /* to one that was started again */
	}
	process_started_fill(c, &e);
	monitor_link_emit(&s->monitor, &e);
	transition_step(s);
	upgrade_step(s);
}

static void on_pong(void *arg, struct child *c, const struct msg_head *head, const void *payload)
{
	(void)arg, (void)head, (void)payload;
	watchdog_pong(c);
}

static void on_fd(void *arg, struct child *c, const struct msg_head *head, const void *payload)
{
	struct supervisor *s = arg;

	fd_store_message(&s->fd_store, c, head, payload);
}

static void on_reload(void *arg, struct child *c, const struct msg_head *head, const void *payload)
{
	(void)payload;
	reload_request(arg, (struct requester){c->serial, head->id}, on_reload_done);
}

static void on_start_error(void *arg, struct child *c, const struct msg_head *head, const void *payload)
{
	(void)arg;
	if (c->state == PROCESS_STARTING)
		snprintf(c->start_error, sizeof c->start_error, "%.*s", (int)head->len, (const char *)payload);
}

/* Sent to it alone, it may go, and is started again; sent to the whole process group, its turn comes.  A proxy that
 * goes anyway, or that got it while there was no supervisor, drains first. */
static void on_term(void *arg, struct child *c, const struct msg_head *head, const void *payload)
{
	struct supervisor *s = arg;
	bool in_order;

	(void)head, (void)payload;
	signals_read(s);
	in_order = s->phase == PHASE_STOPPING || (c->process == PROCESS_PROXY && s->processes.current[c->slot] != c);
	channel_send(c->channel, in_order ? MSG_TERM : MSG_STOP, c->serial, 0, NULL, 0);
}

static void on_log_level(void *arg, struct child *c, const struct msg_head *head, const void *payload)
{
	log_levels_message(arg, c, head, payload);
}

static const struct message_handler handlers[] = {
    {MSG_READY, PROCESS_NONE, on_ready},      {MSG_WATCHDOG_PING, PROCESS_NONE, on_pong},
    {MSG_FD_PUT, PROCESS_PROXY, on_fd},       {MSG_FD_DROP, PROCESS_PROXY, on_fd},
    {MSG_RELOAD, PROCESS_MONITOR, on_reload}, {MSG_LOG_LEVEL, PROCESS_MONITOR, on_log_level},
    {MSG_TERM, PROCESS_NONE, on_term},        {MSG_START_ERROR, PROCESS_NONE, on_start_error},
};

/* ---- the processes --------------------------------------------------------------------------------------------- */

static void on_message(void *arg, struct child *c, const struct msg_head *head, const void *payload)
{
	struct supervisor *s = arg;

	router_message(&s->router, c, head, payload);
}

static void on_state(void *arg, struct child *c)
{
	struct supervisor *s = arg;

	monitor_link_state(&s->monitor, c);
	process_up_show(&s->processes, &s->setup, c->process);
	drains_show(s);
}

/* In the new process: only those that show it or compare it know it. */
static void probe_key_give(struct supervisor *s, struct process *process)
{
	const char *shared = process->config->probe_key;

	if (process->id == PROCESS_PROXY || process->id == PROCESS_PROBER)
		memcpy(process->probe_key, shared[0] != '\0' ? shared : s->probe_key, sizeof process->probe_key);
	explicit_bzero(s->probe_key, sizeof s->probe_key);
}

static void on_fork(void *arg, const struct child *c, struct process *process)
{
	struct supervisor *s = arg;

	process_table_unmap(&s->processes);
	log_level_inherit(s, c->process);
	probe_key_give(s, process);
	process->tunnels = fd_store_inherit(&s->fd_store, c->process, process->worker);
	process->snapshot = user_snapshots_inherit(&s->snapshots, c->process);
	process->pressure = c->process == PROCESS_MONITOR ? &s->pressure : NULL;
	process->metrics = metrics_open(s->metrics, c->process, c->process == PROCESS_MONITOR);
	metrics_free(s->metrics);
	if (!process->metrics) {
		log_write(LOG_L_ERROR, "start_failed", kv_op("map the metrics"), kv_errno(errno));
		_exit(EXIT_FAILURE);
	}
}

static void restart_plan(struct supervisor *s, const struct child *c)
{
	uint64_t pause_us = restart_schedule(&s->restarts, c->slot, clock_mono_us() - c->started_us);

	s->processes.restarts[c->slot]++;
	process_restart_count(&s->processes, c->process);
	log_write(LOG_L_NOTICE, "restart_scheduled", kv_child(process_name(c->process)),
	          kv_restarts(s->processes.restarts[c->slot]), kv_delay_ms(pause_us));
}

static void exit_log(struct supervisor *s, const struct child *c, bool asked)
{
	siginfo_t how;
	struct event e;

	child_reap(c, &how);
	if (asked) {
		log_write(LOG_L_INFO, "process_stopped", kv_child(process_name(c->process)), kv_pid(c->pid));
		return;
	}
	process_exited_fill(c, &how, &e);
	monitor_link_emit(&s->monitor, &e);
}

static void on_exit_of(void *arg, struct child *c)
{
	struct supervisor *s = arg;
	bool is_current = s->processes.current[c->slot] == c, is_next = s->processes.next[c->slot] == c, asked;

	signals_read(s); /* one to the whole process group has ended this one, too */
	asked = c->state == PROCESS_STOPPING || c->state == PROCESS_DRAINING || s->phase == PHASE_STOPPING;
	monitor_link_detach(&s->monitor, c);
	process_table_retire(&s->processes, c);
	exit_log(s, c, asked);
	if (c->process == PROCESS_PROXY)
		fd_store_proxy_exited(&s->fd_store, c, c->state == PROCESS_STOPPING || s->phase == PHASE_STOPPING);
	child_set_state(c, PROCESS_DEAD);
	if (c->process == PROCESS_PROXY)
		fd_store_transfer_any(&s->fd_store);
	if (is_current && !asked)
		restart_plan(s, c);
	if (is_next && !asked)
		transition_child_exited(s, c);
	process_table_remove(&s->processes, c);
	upgrade_step(s);
	if (s->phase == PHASE_STOPPING)
		stop_go_on(s);
}

static const struct child_ops child_ops = {on_message, on_state, on_exit_of, on_fork};

static void on_restart_due(void *arg, unsigned slot)
{
	struct supervisor *s = arg;

	if (s->processes.current[slot] || !setup_wants(&s->setup, slot))
		return;
	s->processes.current[slot] = process_table_spawn(&s->processes, slot, &s->setup, false);
	if (!s->processes.current[slot])
		restart_retry(&s->restarts, slot);
}

static void on_stuck(void *arg, struct child *c)
{
	struct supervisor *s = arg;
	struct event e;

	process_killed_fill(c, &e);
	monitor_link_emit(&s->monitor, &e);
	if (e.callback[0] != '\0')
		snprintf(c->start_error, sizeof c->start_error, "plugin %s does not return from its callback %s",
		         e.plugin, e.callback);
	else
		event_set(c->start_error, "it does not answer its watchdog pings");
	child_kill(c);
}

/* What a monitor missed that was not there is lost like what its queue dropped. */
static void on_round(void *arg)
{
	struct supervisor *s = arg;
	uint64_t now_us = clock_mono_us();
	struct child *c;

	PROCESS_TABLE_FOREACH (c, &s->processes)
		drop_report_update(&c->dropped, channel_dropped(c->channel), now_us);
	drop_report_update(&s->monitor.dropped, s->monitor.n_dropped, now_us);
}

/* ---- boot ------------------------------------------------------------------------------------------------------ */

static int probe_key_make(struct supervisor *s)
{
	unsigned char random[SECRET_DIGEST_BYTES];

	if (getrandom(random, sizeof random, 0) != (ssize_t)sizeof random)
		return -errno;
	for (size_t i = 0; i < sizeof random; i++)
		snprintf(s->probe_key + 2 * i, 3, "%02x", random[i]);
	explicit_bzero(random, sizeof random);
	return 0;
}

static void on_rest(struct ev_loop *loop, struct ev_prepare *w, int revents)
{
	struct supervisor *s = w->data;

	(void)loop, (void)revents;
	loop_turn_end(&s->turn);
}

static void turns_measure(struct supervisor *s)
{
	loop_turn_start(&s->turn, s->loop, s->metrics, process_name(PROCESS_SUPERVISOR));
	ev_prepare_init(&s->rest, on_rest);
	s->rest.data = s;
	ev_prepare_start(s->loop, &s->rest);
	ev_unref(s->loop);
}

/* Everything but what an upgrade brings along. */
static void parts_init(struct supervisor *s)
{
	const struct child_host host = {
	    .loop = s->loop, .metrics = s->metrics, .process_ops = s->args->ops, .ops = &child_ops, .arg = s};

	process_table_init(&s->processes, &host);
	monitor_link_init(&s->monitor, &s->processes);
	restarts_init(&s->restarts, s->loop, on_restart_due, s);
	s->watchdog = (struct watchdog){
	    .processes = &s->processes, .on_stuck = on_stuck, .on_round = on_round, .arg = s};
	s->router = (struct router){&s->processes, &s->monitor, handlers, sizeof handlers / sizeof handlers[0], s};
	build_info_show(s->metrics);
	turns_measure(s);
	process_restarts_begin(&s->processes);
}

static int boot(struct supervisor *s)
{
	s->metrics = metrics_new();
	if (!s->metrics || probe_key_make(s) < 0)
		return -errno;
	parts_init(s);
	fd_store_init(&s->fd_store, &s->processes, &s->monitor);
	survivors_adopt(s);
	reload_begin(s, (struct requester){0}, false, on_boot_done);
	return 0;
}

/* The slots that nobody has were waiting to be started again. */
static void restarts_resume(struct supervisor *s)
{
	for (unsigned i = 0; i < PROCESS_SLOT_ORDER; i++) {
		unsigned slot = process_slot_in_order(i);

		if (!s->processes.current[slot] && setup_wants(&s->setup, slot))
			restart_schedule(&s->restarts, slot, 0);
	}
}

/* Everything that the earlier binary left; who asked it for a reload is in requester. */
static int adopt(struct supervisor *s, int state_fd, struct requester *requester)
{
	json_t *state = take_over_read(state_fd);
	int r;

	if (!state)
		log_write(LOG_L_ERROR, "upgrade_failed",
		          kv_error("the earlier binary left a state that this one does not know"));
	s->metrics = state ? take_over_metrics(state) : NULL;
	if (!s->metrics) {
		r = state ? -errno : -EPROTO;
		json_decref(state);
		return r;
	}
	parts_init(s);
	r = probe_key_make(s);
	r = r < 0 ? r : take_over_adopt(s, state);
	*requester = take_over_requester(state);
	json_decref(state);
	return r;
}

/* The earlier binary does nothing from GO on, or from its own end; until then this process is its child. */
static void succeed(int socket)
{
	parent_leave();
	succession_send(socket, SUCCESSION_ADOPTED, -1);
	succession_recv(socket, -1, NULL);
	close(socket);
}

static int resume(struct supervisor *s, int state_fd)
{
	struct requester requester;
	int r = adopt(s, state_fd, &requester);

	if (r < 0)
		return r;
	succeed(s->args->take_over_fd);
	s->phase = PHASE_RUNNING;
	s->reported_ready = true;
	setup_apply(s);
	restarts_resume(s);
	reload_begin(s, requester, true, on_upgrade_done);
	return 0;
}

/* What root can do beyond that is nobody's need here; what the service manager took already stays away. */
static void privileges_reduce(void)
{
	int r = capabilities_drop(PROCESS_SUPERVISOR);

	if (r < 0)
		log_write(LOG_L_WARNING, "privileges_failed", kv_errno(r),
		          kv_effect("the supervisor keeps the capabilities that it was started with"));
}

/* Every tunnel costs the proxy two descriptors, and this process two more (fd_store.h). */
static void descriptors_raise(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur == limit.rlim_max)
		return;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit); /* within the hard limit; LimitNOFILE= of the unit sets that */
}

static void supervisor_fini(struct supervisor *s)
{
	fd_store_fini(&s->fd_store);
	process_table_fini(&s->processes);
	user_snapshots_fini(&s->snapshots);
	pressure_triggers_close(&s->pressure);
	setup_fini(&s->setup, NULL);
	metrics_free(s->metrics);
}

/* The loop, until the daemon ends. */
static int serve(struct supervisor *s, int state_fd)
{
	int r = signals_watch(s);

	service_watchdog_start(&s->service_watchdog, s->loop);
	if (r == 0)
		r = state_fd >= 0 ? resume(s, state_fd) : boot(s);
	if (r < 0) {
		log_write(LOG_L_ERROR, "start_failed", kv_errno(r));
		return EXIT_FAILURE;
	}
	if (s->phase != PHASE_STOPPING || !TAILQ_EMPTY(&s->processes.all))
		ev_run(s->loop, 0);
	log_write(LOG_L_NOTICE, "stopped", kv_exit_code(s->exit_code));
	supervisor_fini(s);
	return s->exit_code;
}

/* What the earlier binary wants of this one. */
static int take_over(struct supervisor *s)
{
	int state_fd = -1, order = succession_recv(s->args->take_over_fd, -1, &state_fd);

	fcntl(s->args->take_over_fd, F_SETFD, FD_CLOEXEC);
	if (order == SUCCESSION_TRIAL) {
		puts(TAKE_OVER_READY);
		return EXIT_SUCCESS;
	}
	if (order == SUCCESSION_STATE && state_fd >= 0)
		return serve(s, state_fd);
	log_write(LOG_L_ERROR, "upgrade_failed", kv_error("there is nobody to take over from"));
	return EXIT_FAILURE;
}

int supervisor_run(const struct supervisor_args *args)
{
	struct supervisor *s = calloc(1, sizeof *s);
	int exit_code = EXIT_FAILURE;

	if (!s)
		return EXIT_FAILURE;
	s->args = args;
	log_open("supervisor", LOG_L_INFO);
	descriptors_raise();
	if (args->take_over_fd < 0)
		pressure_triggers_open(&s->pressure);
	privileges_reduce();
	s->loop = ev_loop_new(EVFLAG_NOSIGMASK); /* processes make their own, after the fork */
	if (s->loop) {
		exit_code = args->take_over_fd >= 0 ? take_over(s) : serve(s, -1);
		ev_loop_destroy(s->loop);
	} else {
		log_write(LOG_L_ERROR, "start_failed", kv_error("no memory or no epoll"));
	}
	free(s);
	return exit_code;
}
