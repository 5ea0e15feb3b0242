/* SPDX-License-Identifier: MIT */
/* Audit events; see audit.h. */
#include "helper/audit.h"

#define REFUSALS_MAX       20 /* reported in one window; a plugin may ask without end */
#define REFUSALS_WINDOW_US UINT64_C(60000000)

static void event_fill(struct event *e, enum event_kind kind, const struct audited *what)
{
	event_init(e, kind, PROCESS_HELPER);
	event_set(e->requester, process_name(what->requester));
	event_set(e->plugin, what->job);
	event_set(e->command, what->command);
	event_set(e->user, what->user);
}

/* A job that ends with 1 has an answer, and the jobs process logs what failed. */
static bool has_failed(const struct audited *what, const struct program_end *end)
{
	return end->error < 0 || end->exit_code > (what->command[0] == '\0' ? 1 : 0);
}

void audit_done(struct audit *a, const struct audited *what, const struct program_end *end)
{
	struct event e;

	event_fill(&e, has_failed(what, end) ? EVENT_COMMAND_FAILED : EVENT_COMMAND_DONE, what);
	e.code = (uint16_t)end->exit_code;
	e.age_us = end->took_us;
	if (end->error < 0 || end->exit_code != 0)
		event_set(e.text, end->why);
	process_emit(a->process, &e);
}

void audit_refused(struct audit *a, const struct audited *what, const char *why)
{
	uint64_t now_us = clock_mono_us();
	struct event e;

	if (now_us - a->window_us > REFUSALS_WINDOW_US) {
		a->window_us = now_us;
		a->n_refused = 0;
	}
	if (++a->n_refused > REFUSALS_MAX) {
		a->suppressed++;
		return;
	}
	event_fill(&e, EVENT_COMMAND_REFUSED, what);
	event_set(e.text, why);
	e.count = a->suppressed;
	a->suppressed = 0;
	process_emit(a->process, &e);
}
