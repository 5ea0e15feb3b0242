/* SPDX-License-Identifier: MIT */
/* Watching the processes: beats, deaths, restarts with back-off. */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "supervisor/supervisor_state.h"

#define PINGS_MISSED_MAX 3
#define PAUSE_MIN        0.1
#define HEALTHY_US       UINT64_C(60000000) /* after so long a crash counts as the first one again */

static const struct t3ops_metric up_family = {
    .name = "t3ops_process_up", .type = T3OPS_GAUGE, .labels = {"process"}, .help = "Whether the process is ready."};
static const struct t3ops_metric restarts_family = {.name = "t3ops_process_restarts_total",
                                                    .type = T3OPS_COUNTER,
                                                    .labels = {"process"},
                                                    .help = "Restarts of a process that ended by itself."};

static struct series *process_series(struct supervisor *s, const struct t3ops_metric *family, enum process_id process)
{
	return metrics_series(s->metrics, family, NULL, NULL, (const char *[]){process_name(process)});
}

/* Whether every process of the process is there. */
static bool is_up(const struct supervisor *s, enum process_id process)
{
	size_t ready = 0;

	for (unsigned slot = 0; slot < PROCESS_SLOTS; slot++) {
		const struct child *c = s->current[slot];
		bool here = c && c->state == PROCESS_READY;

		if (process_of_slot(slot) != process || !(c || process_slot_is_wanted(&s->setup, slot)))
			continue;
		if (!here)
			return false;
		ready++;
	}
	return ready > 0;
}

static void up_show(struct supervisor *s, enum process_id process)
{
	series_set(process_series(s, &up_family, process), is_up(s, process) ? 1 : 0);
}

void child_set_state(struct child *c, enum process_state state)
{
	c->state = state;
	c->since_us = clock_wall_us();
	process_state_report(c->supervisor, c);
	up_show(c->supervisor, c->process);
}

/* ---- restarts ------------------------------------------------------------------------ */

static double pause_max(const struct supervisor *s)
{
	return (double)s->setup.config->options.restart_pause_max_us / 1e6;
}

static void restart_after(struct restart *r, double pause)
{
	struct ev_loop *loop = r->supervisor->loop;

	ev_timer_stop(loop, &r->timer);
	ev_timer_set(&r->timer, pause, 0.);
	ev_timer_start(loop, &r->timer);
}

static void on_restart(struct ev_loop *loop, struct ev_timer *w, int revents)
{
	struct restart *r = w->data;
	struct supervisor *s = r->supervisor;

	(void)loop, (void)revents;
	if (s->phase == PHASE_STOPPING || s->current[r->slot] || !process_slot_is_wanted(&s->setup, r->slot))
		return;
	s->current[r->slot] = child_spawn(s, r->slot, &s->setup);
	serials_publish(s);
	if (!s->current[r->slot])
		restart_after(r, pause_max(s));
}

static void restart_later(struct supervisor *s, const struct child *c)
{
	struct restart *r = &s->restarts[c->slot];

	if (clock_mono_us() - c->started_us > HEALTHY_US || r->pause < PAUSE_MIN)
		r->pause = PAUSE_MIN;
	r->restarts++;
	series_add(process_series(s, &restarts_family, c->process), 1);
	log_line(LOG_L_NOTICE, "process_restart", "restarts=%u name=%s after=%.1fs", r->restarts,
	         process_name(c->process), r->pause);
	restart_after(r, r->pause);
	r->pause = r->pause * 2 < pause_max(s) ? r->pause * 2 : pause_max(s);
}

void restarts_resume(struct supervisor *s)
{
	for (unsigned i = 0; i < PROCESS_SLOT_ORDER; i++) {
		unsigned slot = process_slot_in_order(i);

		if (!s->current[slot] && process_slot_is_wanted(&s->setup, slot))
			restart_after(&s->restarts[slot], PAUSE_MIN);
	}
}

void restart_cancel(struct supervisor *s, unsigned slot)
{
	ev_timer_stop(s->loop, &s->restarts[slot].timer);
	s->restarts[slot].pause = PAUSE_MIN;
}

/* ---- deaths -------------------------------------------------------------------------- */

static void death_report(struct child *c, const siginfo_t *how)
{
	const struct watchdog_page *watchdog = c->watchdog;
	struct event e;
	int n;

	event_init(&e, EVENT_PROCESS_EXITED, PROCESS_SUPERVISOR);
	e.code = (uint16_t)how->si_status;
	e.age_us = clock_mono_us() - c->started_us;
	n = snprintf(e.text, sizeof e.text, "%s pid %d %s %d", process_name(c->process), (int)c->pid,
	             how->si_code == CLD_EXITED ? "exited with status" : "was ended by signal", how->si_status);
	if (n > 0 && (size_t)n < sizeof e.text && watchdog && watchdog->callback[0] != '\0') {
		event_set(e.plugin, watchdog->plugin);
		snprintf(e.text + n, sizeof e.text - (size_t)n, " in callback %.31s", watchdog->callback);
	}
	supervisor_emit(c->supervisor, &e);
}

/* Everything that ended because we asked for it. */
static void orderly_end(struct supervisor *s, enum process_id process)
{
	log_line(LOG_L_INFO, "process_exited", "process_exited=%s", process_name(process));
	if (s->phase == PHASE_STOPPING)
		supervisor_stop(s, s->exit_code);
}

void child_ended(struct child *c)
{
	struct supervisor *s = c->supervisor;
	enum process_id process = c->process;
	bool was_current, was_next, asked;
	siginfo_t how = {0};

	channel_read_rest(c->channel); /* its last words, before what follows from its death */
	was_current = s->current[c->slot] == c;
	was_next = s->transition.running && s->transition.slots[c->slot] == c;
	asked = c->state == PROCESS_STOPPING || c->state == PROCESS_DRAINING;
	waitid(P_PIDFD, (id_t)c->pidfd, &how, WEXITED | WNOHANG);
	if (was_current)
		s->current[c->slot] = NULL;
	if (was_next)
		s->transition.slots[c->slot] = NULL;
	if (!asked)
		death_report(c, &how);
	if (process == PROCESS_PROXY)
		fd_store_proxy_exited(s, c, c->state == PROCESS_STOPPING || s->phase == PHASE_STOPPING);
	c->state = PROCESS_DEAD;
	process_state_report(s, c);
	if (process == PROCESS_PROXY)
		fd_store_transfer_any(s);
	if (was_current && !asked && s->phase != PHASE_STOPPING)
		restart_later(s, c);
	child_free(c);
	up_show(s, process);
	serials_publish(s);
	if (was_next && s->phase != PHASE_STOPPING)
		transition_abort(s, process_name(process));
	else if (asked || s->phase == PHASE_STOPPING)
		orderly_end(s, process);
}

/* ---- beats --------------------------------------------------------------------------- */

static void stuck_end(struct child *c)
{
	const struct watchdog_page *watchdog = c->watchdog;
	struct event e;

	event_init(&e, EVENT_PROCESS_KILLED, PROCESS_SUPERVISOR);
	if (watchdog && watchdog->callback[0] != '\0') {
		event_set(e.plugin, watchdog->plugin);
		e.age_us = clock_mono_us() - watchdog->entered_us;
		snprintf(e.text, sizeof e.text, "%s pid %d does not return from callback %.31s",
		         process_name(c->process), (int)c->pid, watchdog->callback);
	} else {
		snprintf(e.text, sizeof e.text, "%s pid %d does not answer", process_name(c->process), (int)c->pid);
	}
	supervisor_emit(c->supervisor, &e);
	child_kill(c);
}

/* Counts beats, not time: after a freeze of the whole machine nobody is to blame. */
static void on_watchdog_ping(struct ev_loop *loop, struct ev_timer *w, int revents)
{
	struct supervisor *s = w->data;
	struct child *c;

	(void)loop, (void)revents;
	TAILQ_FOREACH (c, &s->children, link) {
		if (c->pings_missed++ < PINGS_MISSED_MAX)
			channel_send(c->channel, MSG_WATCHDOG_PING, c->serial, 0, NULL, 0);
		else if (c->pings_missed == PINGS_MISSED_MAX + 1)
			stuck_end(c);
	}
}

void watch_start(struct supervisor *s)
{
	double pause = (double)s->setup.config->options.process_watchdog_us / 1e6 / PINGS_MISSED_MAX;

	ev_timer_stop(s->loop, &s->watchdog);
	ev_timer_init(&s->watchdog, on_watchdog_ping, pause, pause);
	s->watchdog.data = s;
	ev_timer_start(s->loop, &s->watchdog);
	for (unsigned i = 0; i < PROCESS_SLOTS; i++)
		if (!s->restarts[i].supervisor) {
			ev_init(&s->restarts[i].timer, on_restart);
			s->restarts[i].timer.data = &s->restarts[i];
			s->restarts[i].supervisor = s;
			s->restarts[i].slot = i;
		}
}

void watch_stop(struct supervisor *s)
{
	ev_timer_stop(s->loop, &s->watchdog);
	for (unsigned i = 0; i < PROCESS_SLOTS; i++)
		ev_timer_stop(s->loop, &s->restarts[i].timer);
}
