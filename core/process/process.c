/* SPDX-License-Identifier: MIT */
/* The loop, the watchdog, the lag, the sandbox, the end; see process.h. */
#include "process/process.h"

#include <errno.h>
#include <malloc.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <unistd.h>

#include "ipc/drop_report.h"
#include "process/lag.h"
#include "sys/parent.h"
#include "sys/sandbox.h"
#include "users/user_snapshot.h"
#include "users/users_reader.h"

#define LAG_REPORT_US    500000            /* a loop late by more was frozen */
#define COUNT_US         UINT64_C(1000000) /* between two looks at what is counted now and then */
#define TERM_ANSWER_S    2.0
#define USERS_AWAITED_US UINT64_C(1000000)
#define FLUSH_MS         200 /* for what is queued at the end */

/* What process_run needs beside the process. */
struct run {
	struct process *process;
	struct ev_timer tick;
	struct ev_prepare busy; /* before the loop waits */
	struct ev_check woken;  /* and after that */
	struct lag lag;         /* when that is due */
	uint64_t worked_us;     /* when much happened last; 0: what was freed since then is the kernel's again */
	uint64_t lag_reported_us;
	struct ev_signal term;
	struct ev_timer unanswered; /* a SIGTERM that the supervisor did not answer */
	uint64_t counted_us;
	struct series *late, *log_lost;
	uint64_t log_lost_counted;
	struct drop_report dropped;
	bool started;
	STAILQ_HEAD(, early) early; /* what came before that */
};

/* A message that waits for its process. */
struct early {
	STAILQ_ENTRY(early) link;
	struct msg_head head;
	char payload[];
};

void process_leave(struct process *process)
{
	process->leaving = true;
	ev_break(process->loop, EVBREAK_ALL);
}

void process_emit_quietly(struct process *process, struct event *e)
{
	e->process = (uint8_t)process->id;
	channel_send_event(process->channel, e, sizeof *e);
}

void process_emit(struct process *process, struct event *e)
{
	event_log(e);
	process_emit_quietly(process, e);
}

/* Nobody passes a descriptor to a process that has not reported that it is ready. */
static void early_keep(struct run *run, const struct msg_head *head, const void *payload)
{
	struct early *e = malloc(sizeof *e + head->len);

	if (!e)
		return;
	e->head = *head;
	memcpy(e->payload, payload, head->len);
	STAILQ_INSERT_TAIL(&run->early, e, link);
}

static void early_handle(struct run *run)
{
	const struct process *process = run->process;
	struct early *e;

	while ((e = STAILQ_FIRST(&run->early))) {
		STAILQ_REMOVE_HEAD(&run->early, link);
		if (run->started && process->ops->message)
			process->ops->message(run->process, &e->head, e->payload);
		free(e);
	}
}

static void on_ping(struct run *run, const struct msg_head *head, const void *payload);

static void on_log_level(const struct msg_head *head, const void *payload)
{
	uint8_t level;

	if (head->len != sizeof level)
		return;
	memcpy(&level, payload, sizeof level);
	log_level_set((enum log_level)level);
}

static void on_message(void *arg, const struct msg_head *head, const void *payload)
{
	struct run *run = arg;
	struct process *process = run->process;

	switch (head->type) {
	case MSG_WATCHDOG_PING:
		on_ping(run, head, payload);
		channel_send(process->channel, MSG_WATCHDOG_PING, PROCESS_SUPERVISOR, head->id, NULL, 0);
		break;
	case MSG_STOP:
		process_leave(process);
		break;
	case MSG_LOG_LEVEL_SET:
		on_log_level(head, payload);
		break;
	case MSG_EVENTS_KEEP:
	case MSG_EVENTS_SEND:
		channel_hold_events(process->channel, head->type == MSG_EVENTS_KEEP);
		break;
	case MSG_TERM:
		ev_timer_stop(process->loop, &run->unanswered);
		break;
	case MSG_DRAIN:
		if (process->ops->drain && run->started)
			process->ops->drain(process);
		else
			process_leave(process);
		break;
	default:
		if (!run->started)
			early_keep(run, head, payload);
		else if (process->ops->message)
			process->ops->message(process, head, payload);
	}
}

static void on_supervisor_gone(void *arg)
{
	const struct run *run = arg;

	process_leave(run->process);
}

static void log_lost_count(struct run *run)
{
	uint64_t lost = log_lost();

	series_add(run->log_lost, lost - run->log_lost_counted);
	run->log_lost_counted = lost;
}

/* A frozen daemon must say so: whatever looked dead meanwhile may have been us. */
static void lag_take(struct run *run, uint64_t lag, uint64_t now_us)
{
	struct event e;

	series_set(run->late, (double)lag / 1e6);
	run->process->late_us += lag;
	if (lag < LAG_REPORT_US)
		return;
	run->lag_reported_us = now_us;
	event_init(&e, EVENT_LOOP_LAG, (uint8_t)run->process->id);
	e.age_us = lag;
	process_emit(run->process, &e);
}

/* Also within its own callback, where it has stopped by itself. */
static void tick_set(struct run *run)
{
	struct ev_loop *loop = run->process->loop;
	uint64_t due_us = lag_due_us(&run->lag), now_us = clock_mono_us();

	ev_ref(loop);
	ev_timer_stop(loop, &run->tick);
	ev_now_update(loop);
	ev_timer_set(&run->tick, due_us > now_us ? (double)(due_us - now_us) / 1e6 : 0., 0.);
	ev_timer_start(loop, &run->tick);
	ev_unref(loop);
}

/* What much work took is given back once there is time: an allocator keeps it. */
static void memory_give_back(struct run *run, uint64_t now_us)
{
	if (run->worked_us == 0 || now_us < run->worked_us + LAG_TRIM_US)
		return;
	run->worked_us = 0;
#ifdef __GLIBC__
	malloc_trim(0);
#endif
}

static void count(struct run *run, uint64_t now_us)
{
	run->counted_us = now_us;
	drop_report_update(&run->dropped, channel_dropped(run->process->channel), now_us);
	log_lost_count(run);
	memory_give_back(run, now_us);
}

static enum awaited awaited(const struct run *run)
{
	const struct process *process = run->process;

	return process->ops->awaits != NULL ? process->ops->awaits(process) : AWAITED_NOTHING;
}

static void on_tick(struct ev_loop *loop, struct ev_timer *w, int revents)
{
	struct run *run = w->data;
	uint64_t now_us = clock_mono_us();
	uint64_t late_us = lag_tick(&run->lag, now_us, awaited(run), run->worked_us > 0);

	(void)loop, (void)revents;
	if (lag_is_busy(&run->lag))
		run->worked_us = now_us;
	run->process->turn_is_routine = true;
	count(run, now_us);
	lag_take(run, late_us, now_us);
	tick_set(run);
}

/* On its way as long as this process stood still, as far as no tick has noticed. */
static void on_ping(struct run *run, const struct msg_head *head, const void *payload)
{
	uint64_t now_us = clock_mono_us(), sent_us;

	run->process->turn_is_routine = true;
	if (head->len != sizeof sent_us)
		return;
	memcpy(&sent_us, payload, sizeof sent_us);
	if (sent_us > run->lag.looked_us && sent_us > run->lag_reported_us && now_us > sent_us)
		lag_take(run, now_us - sent_us, now_us);
	if (!lag_is_asleep(&run->lag))
		return;
	count(run, now_us);
	lag_sleep_on(&run->lag, now_us);
	tick_set(run);
}

static void sleeps_show(const struct run *run, bool sleeps)
{
	struct watchdog_page *page = run->process->watchdog;

	if (page)
		__atomic_store_n(&page->sleeps, sleeps, __ATOMIC_RELAXED);
}

static void turn_show(const struct run *run)
{
	struct watchdog_page *page = run->process->watchdog;

	if (page)
		__atomic_add_fetch(&page->turns, 1, __ATOMIC_RELAXED);
}

static void on_woken(struct ev_loop *loop, struct ev_check *w, int revents)
{
	(void)loop, (void)revents;
	sleeps_show(w->data, false);
}

/* The turn that ends was a look at the clock, and what is awaited now says when the next one is due. */
static void turn_look(struct run *run, uint64_t woken_us)
{
	struct process *process = run->process;
	bool routine = process->turn_is_routine, rests = lag_is_at_rest(&run->lag);
	uint64_t now_us;

	process->turn_is_routine = false;
	if (routine && !rests)
		return;
	now_us = clock_mono_us();
	if (lag_turn(&run->lag, woken_us, now_us, routine, rests ? awaited(run) : AWAITED_NOTHING))
		tick_set(run);
	if (rests && now_us >= run->counted_us + COUNT_US)
		count(run, now_us);
}

static void on_busy(struct ev_loop *loop, struct ev_prepare *w, int revents)
{
	struct run *run = w->data;
	struct process *process = run->process;
	uint64_t woken_us = process->turn.began_us;

	(void)loop, (void)revents;
	turn_show(run);
	sleeps_show(run, true);
	if (loop_turn_end(&process->turn))
		run->worked_us = clock_mono_us();
	turn_look(run, woken_us);
}

static void on_unanswered(struct ev_loop *loop, struct ev_timer *w, int revents)
{
	const struct run *run = w->data;

	(void)loop, (void)revents;
	process_leave(run->process);
}

/* The supervisor may have got one, too, and then ends all processes in order: it decides.  Without its answer a proxy
 * goes on: the supervisor may be dead, and the next one about to come. */
static void on_term(struct ev_loop *loop, struct ev_signal *w, int revents)
{
	struct run *run = w->data;

	(void)revents;
	channel_send(run->process->channel, MSG_TERM, PROCESS_SUPERVISOR, 0, NULL, 0);
	if (run->process->id == PROCESS_PROXY)
		return;
	ev_timer_stop(loop, &run->unanswered);
	ev_timer_set(&run->unanswered, TERM_ANSWER_S, 0.);
	ev_timer_start(loop, &run->unanswered);
}

static void run_start(struct run *run)
{
	static const struct t3ops_metric lag = {.name = "t3ops_loop_lag_seconds",
	                                        .type = T3OPS_GAUGE,
	                                        .labels = {"process"},
	                                        .help = "How late the process's loop was at its last tick."};
	static const struct t3ops_metric log_lost = {
	    .name = "t3ops_log_lines_lost_total",
	    .type = T3OPS_COUNTER,
	    .labels = {"process"},
	    .help = "Log lines that were lost because the reader of the log was too slow."};
	struct process *process = run->process;
	const char *const labels[] = {process_name(process->id)};

	run->late = metrics_series(process->metrics, &lag, NULL, NULL, labels);
	run->log_lost = metrics_series(process->metrics, &log_lost, NULL, NULL, labels);
	drop_report_init(&run->dropped, process->metrics, process->id, DROP_FROM);
	lag_init(&run->lag, clock_mono_us());
	ev_timer_init(&run->tick, on_tick, (double)LAG_BUSY_US / 1e6, 0.);
	ev_set_priority(&run->tick, EV_MAXPRI); /* says so before anything that was measured meanwhile */
	run->tick.data = run;
	ev_timer_start(process->loop, &run->tick);
	ev_unref(process->loop);
	ev_prepare_init(&run->busy, on_busy);
	run->busy.data = run;
	ev_prepare_start(process->loop, &run->busy);
	ev_unref(process->loop);
	ev_check_init(&run->woken, on_woken);
	ev_set_priority(&run->woken, EV_MAXPRI);
	run->woken.data = run;
	ev_check_start(process->loop, &run->woken);
	ev_unref(process->loop);
	loop_turn_start(&process->turn, process->loop, process->metrics, process_name(process->id));
	ev_init(&run->unanswered, on_unanswered);
	run->unanswered.data = run;
	ev_signal_init(&run->term, on_term, SIGTERM);
	run->term.data = run;
	ev_signal_start(process->loop, &run->term);
	ev_unref(process->loop);
}

static void run_stop(struct run *run)
{
	struct ev_loop *loop = run->process->loop;

	ev_timer_stop(loop, &run->unanswered);
	ev_ref(loop);
	ev_timer_stop(loop, &run->tick);
	ev_ref(loop);
	ev_signal_stop(loop, &run->term);
}

static void sandbox_show(const struct process *process, const struct sandbox *s)
{
	static const struct t3ops_metric family = {.name = "t3ops_sandbox",
	                                           .type = T3OPS_GAUGE,
	                                           .labels = {"process", "layer"},
	                                           .help = "Whether that layer of the sandbox is applied."};
	const char *name = process_name(process->id);

	series_set(metrics_series(process->metrics, &family, NULL, NULL, (const char *[]){name, "landlock"}),
	           s->landlock > 0 ? 1 : 0);
	series_set(metrics_series(process->metrics, &family, NULL, NULL, (const char *[]){name, "seccomp"}),
	           s->seccomp ? 1 : 0);
	log_write(LOG_L_INFO, "sandbox_applied", kv_seccomp(s->seccomp ? "on" : "off"), kv_landlock(s->landlock),
	          kv_missing(s->missing));
}

/* 0, -ENOMEM, or -ENOSYS: the sandbox is required, and a layer of it cannot be applied. */
static int process_confine(struct process *process)
{
	enum sandbox_mode mode = process->config->core.sandbox;
	struct confinement confinement = {0};
	struct sandbox sandbox;

	if (!process->ops->confine || mode == SANDBOX_OFF)
		return 0;
	process->ops->confine(process, &confinement);
	if (confinement.no_memory) {
		log_write(LOG_L_ERROR, "start_failed", kv_option("sandbox"), kv_errno(ENOMEM));
		confinement_fini(&confinement);
		return -ENOMEM;
	}
	sandbox_enter(&confinement.rules, &sandbox);
	confinement_fini(&confinement);
	sandbox_show(process, &sandbox);
	if (!sandbox.missing || mode != SANDBOX_ON)
		return 0;
	log_write(LOG_L_ERROR, "start_failed", kv_option("sandbox"), kv_value("on"), kv_error(sandbox.missing),
	          kv_hint("auto takes what there is"));
	return -ENOSYS;
}

/* For whoever asked for the process: the line's error, and what it is about. */
static void start_error_send(void *arg, const char *event, const struct kv *pairs, size_t n)
{
	const struct process *process = arg;
	const char *about = "", *error = event, *text;

	for (size_t i = 0; i < n; i++) {
		enum kv_key key = pairs[i].key;

		if (!pairs[i].text || pairs[i].text[0] == '\0')
			continue;
		if (key == KV_error)
			error = pairs[i].text;
		else if (key == KV_option || key == KV_path || key == KV_plugin || key == KV_address)
			about = pairs[i].text;
	}
	text = textf("%s%s%s", about, about[0] != '\0' ? ": " : "", error);
	channel_send(process->channel, MSG_START_ERROR, PROCESS_SUPERVISOR, 0, text, strlen(text));
}

/* With a table of the process before, users need not wait for a slow one. */
static bool users_awaited(const struct process *process, uint64_t since_us)
{
	return users_reader_has_result(process->users_reader) ||
	       (process->snapshot && !process->succeeds && snapshot_has(process->snapshot) &&
	        clock_mono_us() - since_us > USERS_AWAITED_US);
}

/* The first reading of the user table, on the loop that answers the watchdog.  0, -errno, or -ECANCELED: it is to end
 * meanwhile. */
static int users_await(struct process *process)
{
	const struct core_options *core = &process->config->core;
	const struct users_source source = {.path = core->users,
	                                    .env_pattern = core->upstream_env,
	                                    .snapshot = process->snapshot,
	                                    .must_read = process->succeeds,
	                                    .sandbox = core->sandbox != SANDBOX_OFF};
	uint64_t since_us = clock_mono_us();

	if (!process_needs_users(process->config, process->id))
		return 0;
	process->users_reader = users_reader_start(process->loop, &source);
	if (!process->users_reader) {
		log_write(LOG_L_ERROR, "start_failed", kv_option("users"), kv_errno(errno));
		return -errno;
	}
	while (!process->leaving && !users_awaited(process, since_us))
		ev_run(process->loop, EVRUN_ONCE);
	return process->leaving ? -ECANCELED : 0;
}

/* 0, or -errno after at least one line at level error. */
static int process_start(struct process *process)
{
	int r;

	log_on_error(start_error_send, process);
	r = users_await(process);
	if (r == 0)
		r = process->ops->start(process);
	else
		users_reader_free(process->users_reader);
	if (r == 0) {
		parent_leave(); /* the loop will see the supervisor go, and ends in order */
		r = process_confine(process);
		if (r < 0)
			process->ops->stop(process);
	}
	log_on_error(NULL, NULL);
	return r;
}

static void process_serve(struct process *process)
{
	channel_send(process->channel, MSG_READY, PROCESS_SUPERVISOR, 0, NULL, 0);
	loop_turn_reset(&process->turn);
	if (!process->leaving)
		ev_run(process->loop, 0);
}

int process_run(struct process *process, int channel_socket)
{
	struct run run = {.process = process, .early = STAILQ_HEAD_INITIALIZER(run.early)};
	int r;

	signal(SIGPIPE, SIG_IGN);
	/* not the default loop: that one reaps every child, also those whose exit code somebody waits for */
	process->loop = ev_loop_new(EVFLAG_NOSIGMASK);
	process->channel = process->loop
	                       ? channel_new(process->loop, channel_socket, on_message, on_supervisor_gone, &run)
	                       : NULL;
	if (!process->channel) {
		log_write(LOG_L_ERROR, "start_failed", kv_error("no memory or no epoll"));
		return EXIT_FAILURE;
	}
	metrics_set_owner(process->metrics, process->serial);
	run_start(&run);
	r = process_start(process);
	run.started = r == 0;
	early_handle(&run);
	if (r == 0) {
		process_serve(process);
		process->ops->stop(process);
	}
	run_stop(&run);
	channel_flush(process->channel, FLUSH_MS);
	channel_free(process->channel);
	ev_loop_destroy(process->loop);
	return r == 0 || r == -ECANCELED ? EXIT_SUCCESS : EXIT_FAILURE;
}
