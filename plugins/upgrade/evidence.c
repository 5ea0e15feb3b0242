/* SPDX-License-Identifier: MIT */
/* See evidence.h. */
#include "evidence.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void evidence_begin(struct evidence *e, const char *user)
{
	snprintf(e->user, sizeof e->user, "%s", user);
	e->moved_us = 0;
	e->leg_is_down = false;
	e->drops = e->server_drops = 0;
	e->convicted[0] = '\0';
}

void evidence_moved(struct evidence *e, uint64_t now_us)
{
	e->moved_us = now_us;
}

/* A verdict comes duration_ms after the drop that it is about. */
static uint64_t began_us(const struct t3ops_event *event)
{
	const char *age = strstr(event->line, " duration_ms=");
	uint64_t age_us = age != NULL ? strtoull(age + strlen(" duration_ms="), NULL, 10) * 1000 : 0;

	return event->time_us > age_us ? event->time_us - age_us : 0;
}

/* "serve(alice)", and nothing beside it. */
static bool names_it_alone(const struct evidence *e, const char *segments)
{
	char its[T3OPS_USER_NAME_SIZE + 64];

	snprintf(its, sizeof its, "%.60s(%s)", e->segment, e->user);
	return strcmp(segments, its) == 0;
}

static void on_drop(struct evidence *e, const struct t3ops_event *event)
{
	e->drops++;
	if (strstr(event->line, " reason=upstream_") == NULL)
		return;
	if ((int64_t)++e->server_drops > e->drops_max && e->convicted[0] == '\0')
		snprintf(e->convicted, sizeof e->convicted, "it ended %u connections of the user", e->server_drops);
}

void evidence_event(struct evidence *e, const struct t3ops_event *event)
{
	bool is_its = strcmp(event->user, e->user) == 0, is_leg = is_its && strcmp(event->plugin, e->leg) == 0;

	if (is_leg && strcmp(event->kind, "leg_up") == 0)
		e->leg_is_down = false;
	else if (is_leg && (strcmp(event->kind, "leg_down") == 0 || strcmp(event->kind, "leg_attempt_failed") == 0))
		e->leg_is_down = true;
	if (e->moved_us == 0)
		return;
	if (strcmp(event->kind, "verdict") == 0 && names_it_alone(e, event->segments) &&
	    began_us(event) >= e->moved_us)
		snprintf(e->convicted, sizeof e->convicted, "verdict %llu names it alone",
		         (unsigned long long)event->verdict);
	else if (is_its && strcmp(event->kind, "tunnel_dropped") == 0)
		on_drop(e, event);
}

const char *evidence_judge(const struct evidence *e)
{
	return e->convicted[0] != '\0' ? e->convicted : e->leg_is_down ? "its leg is down" : NULL;
}
