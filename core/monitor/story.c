/* SPDX-License-Identifier: MIT */
/* What happened, in order; see story.h. */
#include "monitor/story.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "monitor/event_words.h"
#include "monitor/evidence_words.h"
#include "monitor/logfmt_value.h"
#include "monitor/verdict_span.h"
#include "sys/time_text.h"

#define STEPS_FIRST    24 /* of a long story */
#define STEPS_LAST     12
#define SAME_MOMENT_US UINT64_C(1000000) /* what is so near to the first drop is part of it */
#define WHO_MAX        6                 /* names in one step; more are counted */

/* Whose events belong to it. */
struct teller {
	const json_t *verdict; /* NULL: all of `user` do, and nobody else's */
	const char *user;
	char id[24];                 /* of the verdict */
	uint64_t began_us, ended_us; /* ended_us 0: it has not */
	json_t *steps;
};

json_t *story_event(uint64_t time_us, const char *kind, const char *plugin, const char *user, const char *line)
{
	return json_pack("{s:I, s:s, s:s, s:s, s:s}", "time_us", (json_int_t)time_us, "kind", kind, "plugin", plugin,
	                 "user", user, "line", line);
}

static const char *text_of(const json_t *o, const char *key)
{
	const char *text = json_string_value(json_object_get(o, key));

	return text != NULL ? text : "";
}

static uint64_t time_of(const json_t *event)
{
	return (uint64_t)json_integer_value(json_object_get(event, "time_us"));
}

static bool is_kind(const json_t *event, const char *kind)
{
	return strcmp(text_of(event, "kind"), kind) == 0;
}

/* ---- what belongs to it ------------------------------------------------------------------------- */

static bool is_of_a_verdict(const json_t *event)
{
	return strncmp(text_of(event, "kind"), "verdict", 7) == 0;
}

static bool is_of_another_verdict(const struct teller *t, const json_t *event)
{
	char id[24];

	return is_of_a_verdict(event) &&
	       (!logfmt_value(text_of(event, "line"), "verdict", id, sizeof id) || strcmp(id, t->id) != 0);
}

static bool is_told(const json_t *event)
{
	static const char *const kinds[] = {"leg_late",
	                                    "leg_down",
	                                    "leg_up",
	                                    "leg_fresh_failed",
	                                    "leg_large_lost",
	                                    "leg_heartbeat_traced",
	                                    "tunnel_dropped",
	                                    "tunnel_opened",
	                                    "browser_reported",
	                                    "verdict",
	                                    "verdict_healed",
	                                    "verdict_expired",
	                                    "slow",
	                                    "slow_over",
	                                    "process_exited",
	                                    "process_killed",
	                                    "process_started",
	                                    "loop_lag",
	                                    "machine_suspended",
	                                    "clock_jumped",
	                                    "network_lost",
	                                    "network_back",
	                                    "oom_killed",
	                                    "memory_strained",
	                                    "cpu_starved",
	                                    "servers_late",
	                                    "server_restarting",
	                                    "server_restarted",
	                                    "server_restart_failed",
	                                    "server_given_up",
	                                    "user_moving",
	                                    "user_moved",
	                                    "user_rolled_back",
	                                    "action_done",
	                                    "action_failed",
	                                    "upstream_impostor",
	                                    "reloaded",
	                                    "upgraded",
	                                    "drain_cut"};

	for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
		if (is_kind(event, kinds[i]))
			return true;
	return false;
}

static bool is_action(const json_t *event)
{
	return strncmp(text_of(event, "kind"), "action_", 7) == 0;
}

/* It is told when it is over, and may have stopped a server all the while. */
static bool is_action_of_the_time(const struct teller *t, const json_t *event)
{
	uint64_t ended = time_of(event), took_us;
	char took_ms[32];

	logfmt_value(text_of(event, "line"), "duration_ms", took_ms, sizeof took_ms);
	took_us = (uint64_t)(strtod(took_ms, NULL) * 1e3);
	return ended + SAME_MOMENT_US >= t->began_us && (t->ended_us == 0 || ended <= t->ended_us + took_us);
}

/* Before the first drop something may fail already, or be wrong with this machine; after its end only it itself is
 * told of. */
static bool is_in_time(const struct teller *t, const json_t *event)
{
	static const char *const no_beginnings[] = {"leg_up", "tunnel_opened", "process_started", "slow_over"};
	uint64_t at = time_of(event);

	if (is_action(event))
		return is_action_of_the_time(t, event);
	if (t->ended_us > 0 && at > t->ended_us)
		return is_of_a_verdict(event);
	if (is_kind(event, "tunnel_dropped"))
		return at + SAME_MOMENT_US >= t->began_us;
	for (size_t i = 0; at < t->began_us && i < sizeof no_beginnings / sizeof no_beginnings[0]; i++)
		if (is_kind(event, no_beginnings[i]))
			return false;
	return true;
}

static bool is_of_same_leg(const json_t *a, const json_t *b)
{
	return strcmp(text_of(a, "plugin"), text_of(b, "plugin")) == 0 &&
	       strcmp(text_of(a, "user"), text_of(b, "user")) == 0;
}

/* Whether a leg's failure was over before the first drop. */
static bool is_over_before(const struct teller *t, const json_t *events, size_t at)
{
	const json_t *event = json_array_get(events, at);

	if (t->verdict == NULL || strncmp(text_of(event, "kind"), "leg_", 4) != 0)
		return false;
	for (size_t i = at + 1; i < json_array_size(events); i++) {
		const json_t *later = json_array_get(events, i);

		if (time_of(later) >= t->began_us)
			return false;
		if (is_kind(later, "leg_up") && is_of_same_leg(event, later))
			return true;
	}
	return false;
}

static bool belongs(const struct teller *t, const json_t *event)
{
	const char *user = text_of(event, "user");

	if (t->verdict == NULL)
		return strcmp(user, t->user) == 0;
	if (!is_told(event) || is_of_another_verdict(t, event) || !is_in_time(t, event))
		return false;
	return *user == '\0' || verdict_span_is_about(t->verdict, user) || is_of_a_verdict(event);
}

/* ---- steps --------------------------------------------------------------------------------------- */

/* "verdict: cloudflare or tunnel, revision 2" */
static char *conclusion_words(const char *line)
{
	char segments[200], revision[16], *text = NULL, *rest = segments, *segment;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	if (out == NULL)
		return NULL;
	logfmt_value(line, "segments", segments, sizeof segments);
	fputs("verdict: ", out);
	for (int n = 0; (segment = strsep(&rest, " ")) != NULL; n++)
		fprintf(out, "%s%s", n > 0 ? " or " : "", segment);
	if (logfmt_value(line, "revision", revision, sizeof revision) && strcmp(revision, "1") != 0)
		fprintf(out, ", revision %s", revision);
	if (fclose(out) == 0)
		return text;
	free(text);
	return NULL;
}

static char *step_words(const json_t *event, const char *who)
{
	struct event_row row = {.kind = text_of(event, "kind"),
	                        .plugin = text_of(event, "plugin"),
	                        .who = who,
	                        .line = text_of(event, "line")};

	return is_kind(event, "verdict") ? conclusion_words(row.line) : event_words(&row);
}

/* What several users' events have to have in common to be one step. */
static char *sameness(const json_t *event)
{
	return is_kind(event, "tunnel_dropped") || is_kind(event, "tunnel_opened") ? step_words(event, "\1") : NULL;
}

/* "alice, bob and 3 more" */
static void who_add(char *who, size_t size, const char *user, size_t n)
{
	size_t len = strlen(who);

	if (n < WHO_MAX)
		snprintf(who + len, size - len, "%s%s", len > 0 ? ", " : "", user);
}

/* How many events from `at` on, which all belong, make one step. */
static size_t run_of(const json_t *told, size_t at, char *who, size_t size)
{
	json_t *first = json_array_get(told, at);
	char *same = sameness(first);
	size_t n = 1, end = at + 1, left;

	snprintf(who, size, "%s", text_of(first, "user"));
	for (; same != NULL && end < json_array_size(told); end++) {
		char *other = sameness(json_array_get(told, end));
		bool is = other != NULL && strcmp(other, same) == 0;

		free(other);
		if (!is)
			break;
		who_add(who, size, text_of(json_array_get(told, end), "user"), n++);
	}
	free(same);
	left = n > WHO_MAX ? n - WHO_MAX : 0;
	if (left > 0)
		snprintf(who + strlen(who), size - strlen(who), " and %zu more", left);
	return end - at;
}

static void step_add(struct teller *t, const json_t *event, const char *text)
{
	char when[TIME_TEXT_SIZE];
	double offset = ((double)time_of(event) - (double)t->began_us) / 1e6;

	time_text(time_of(event), when);
	json_array_append_new(t->steps, json_pack("{s:s, s:f, s:s, s:s}", "time", when, "offset_seconds", offset,
	                                          "what", text_of(event, "kind"), "text", text));
}

static void steps_make(struct teller *t, const json_t *told)
{
	char who[WHO_MAX * 130];

	for (size_t i = 0; i < json_array_size(told);) {
		json_t *event = json_array_get(told, i);
		size_t n = run_of(told, i, who, sizeof who);
		char *text = step_words(event, who);

		if (text != NULL)
			step_add(t, event, text);
		free(text);
		i += n;
	}
}

/* Its middle, so that the story is one that can be read. */
static void steps_shorten(json_t *steps)
{
	size_t n = json_array_size(steps), left_out = n > STEPS_FIRST + STEPS_LAST ? n - STEPS_FIRST - STEPS_LAST : 0;
	char text[80];

	if (left_out == 0)
		return;
	snprintf(text, sizeof text, "(and %zu more: t3opsctl events)", left_out);
	for (size_t i = 0; i < left_out - 1; i++)
		json_array_remove(steps, STEPS_FIRST);
	json_object_set_new(json_array_get(steps, STEPS_FIRST), "text", json_string(text));
	json_object_set_new(json_array_get(steps, STEPS_FIRST), "what", json_string("left_out"));
}

static void steps_tell(struct teller *t, const json_t *events)
{
	json_t *told = json_array(), *event;
	size_t i;

	json_array_foreach ((json_t *)events, i, event)
		if (belongs(t, event) && !is_over_before(t, events, i))
			json_array_append(told, event);
	if (t->verdict == NULL && json_array_size(told) > 0)
		t->began_us = time_of(json_array_get(told, 0));
	steps_make(t, told);
	json_decref(told);
	steps_shorten(t->steps);
}

/* ---- the end --------------------------------------------------------------------------------------- */

/* The last thing that came back before its end, "" if nothing did. */
static const char *last_return(const json_t *steps, const char *ended)
{
	const char *text = "";
	json_t *step;
	size_t i;

	json_array_foreach ((json_t *)steps, i, step) {
		const char *what = text_of(step, "what");
		bool returns = strcmp(what, "leg_up") == 0 || strcmp(what, "server_restarted") == 0 ||
		               strcmp(what, "tunnel_opened") == 0 || strcmp(what, "process_started") == 0 ||
		               strcmp(what, "slow_over") == 0;

		if (returns && strcmp(text_of(step, "time"), ended) <= 0)
			text = text_of(step, "text");
	}
	return text;
}

static json_t *end_words(const json_t *verdict, const json_t *steps)
{
	const char *state = text_of(verdict, "state"), *returned = last_return(steps, text_of(verdict, "ended_time"));
	char text[800];

	if (strcmp(state, "healed") == 0)
		snprintf(text, sizeof text, "everything that it was based on works again%s%s",
		         *returned != '\0' ? "; the last thing before that: " : "", returned);
	else if (strcmp(state, "expired") == 0)
		snprintf(text, sizeof text,
		         "nothing more was heard of its users: it ended without proof that the "
		         "fault is over");
	else
		snprintf(text, sizeof text, "not over yet");
	return json_string(text);
}

json_t *story_make(const json_t *verdict, const json_t *events, uint64_t now_us)
{
	struct verdict_span span;
	struct teller t = {.verdict = verdict, .steps = json_array()};
	json_t *copy;

	if (!verdict_span_read(verdict, &span)) {
		json_decref(t.steps);
		return NULL;
	}
	t.began_us = span.began_us;
	t.ended_us = span.ended_us;
	snprintf(t.id, sizeof t.id, "%lld", (long long)json_integer_value(json_object_get(verdict, "id")));
	steps_tell(&t, events);
	copy = json_copy((json_t *)verdict);
	verdict_span_add(copy, now_us);
	return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o}", "verdict", copy, "experienced", evidence_of_pages(verdict),
	                 "failed", evidence_of_failure(verdict), "worked", evidence_of_work(verdict), "healed",
	                 end_words(verdict, t.steps), "steps", t.steps);
}

json_t *story_steps_of_user(const json_t *events, const char *user)
{
	struct teller t = {.user = user, .steps = json_array()};

	steps_tell(&t, events);
	return t.steps;
}
