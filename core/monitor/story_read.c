/* SPDX-License-Identifier: MIT */
/* Looks for a verdict and its events; see story_read.h. */
#include "monitor/story_read.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ipc/message.h"
#include "monitor/logfmt_value.h"
#include "monitor/reading.h"
#include "monitor/status.h"
#include "monitor/story.h"
#include "monitor/verdict_span.h"
#include "sys/clock.h"
#include "sys/time_text.h"

#define NEAR_US     UINT64_C(1800000000)   /* a moment is of the verdict that is so near */
#define LONGEST_US  UINT64_C(172800000000) /* verdicts that ended so long after the moment are looked at */
#define EDGE_US     UINT64_C(600000000)    /* of one that lasted longer only the beginning and the end are told */
#define OF_USER_US  UINT64_C(604800000000) /* how far back a user's own events are looked for */
#define AROUND_US   UINT64_C(300000000)    /* and how far around a moment */
#define OF_USER_MAX 30

#define EVENTS_SQL                                                                                                   \
	"SELECT time_us, kind, plugin, user, line FROM events WHERE time_us >= ?1 AND time_us <= ?2 ORDER BY "       \
	"time_us"

static const char verdicts_sql[] =
    "SELECT json FROM verdicts WHERE time_us >= ?1 AND time_us <= ?2 ORDER BY time_us DESC";
static const char events_sql[] = EVENTS_SQL;
static const char events_back_sql[] = EVENTS_SQL " DESC";

struct search {
	struct monitor *d;
	struct story_ask ask;
	char user[T3OPS_USER_NAME_SIZE];
	json_t *seen; /* ids of verdicts whose latest revision was looked at */
	json_t *best; /* verdict, or NULL */
	uint64_t distance_us;
	json_t *shared; /* the nearest one that is not about the user and names what all share, or NULL */
	uint64_t shared_us;
	json_t *events;
	bool backwards; /* they are newest first */
};

static void search_end(struct search *s, json_t *answer, const char *why)
{
	void (*on_story)(void *arg, json_t *answer, const char *why) = s->ask.on_story;
	void *arg = s->ask.arg;

	json_decref(s->seen);
	json_decref(s->best);
	json_decref(s->shared);
	json_decref(s->events);
	free(s);
	on_story(arg, answer, why);
}

static const char *why_not(enum reading_end how)
{
	return how == READING_GONE ? NULL : "the journal cannot be read; the line journal_failed of the log says why";
}

/* ---- events ------------------------------------------------------------------------------------- */

static const char *column(sqlite3_stmt *row, int i)
{
	const unsigned char *text = sqlite3_column_text(row, i);

	return text != NULL ? (const char *)text : "";
}

static bool event_take(void *arg, sqlite3_stmt *row)
{
	struct search *s = arg;

	json_array_append_new(s->events, story_event((uint64_t)sqlite3_column_int64(row, 0), column(row, 1),
	                                             column(row, 2), column(row, 3), column(row, 4)));
	return true;
}

static bool event_of_user_take(void *arg, sqlite3_stmt *row)
{
	struct search *s = arg;

	return strcmp(column(row, 3), s->user) != 0 ||
	       (event_take(arg, row) && json_array_size(s->events) < OF_USER_MAX);
}

/* Other verdicts of the same incident. */
static json_t *others_of(const struct search *s)
{
	long long incident = (long long)json_integer_value(json_object_get(s->best, "incident"));
	long long id = (long long)json_integer_value(json_object_get(s->best, "id"));
	json_t *by_id = json_object(), *list = json_array(), *event;
	char mine[24], line_incident[24], other[24], segments[200];
	const char *key;
	size_t i;

	snprintf(mine, sizeof mine, "%lld", incident);
	json_array_foreach (s->events, i, event) {
		const char *line = json_string_value(json_object_get(event, "line"));

		if (strcmp(json_string_value(json_object_get(event, "kind")), "verdict") == 0 &&
		    logfmt_value(line, "incident", line_incident, sizeof line_incident) &&
		    strcmp(line_incident, mine) == 0 && logfmt_value(line, "verdict", other, sizeof other) &&
		    strtoll(other, NULL, 10) != id && logfmt_value(line, "segments", segments, sizeof segments))
			json_object_set_new(by_id, other, json_string(segments));
	}
	json_object_foreach (by_id, key, event)
		json_array_append_new(
		    list, json_pack("{s:I, s:O}", "id", (json_int_t)strtoll(key, NULL, 10), "verdict", event));
	json_decref(by_id);
	return list;
}

/* Who asks for a moment shall not be told of another one alone: what was there then, null if there is nothing nearer.
 */
static json_t *nearer_of(const struct search *s)
{
	if (s->shared == NULL || (s->best != NULL && s->distance_us <= s->shared_us))
		return json_null();
	return json_pack("{s:O, s:O}", "id", json_object_get(s->shared, "id"), "verdict",
	                 json_object_get(s->shared, "verdict"));
}

static void on_events(void *arg, enum reading_end how)
{
	struct search *s = arg;
	json_t *story = how == READING_DONE ? story_make(s->best, s->events, clock_wall_us()) : NULL;

	if (how != READING_DONE)
		search_end(s, NULL, why_not(how));
	else if (story == NULL)
		search_end(s, NULL, "that verdict cannot be read");
	else
		search_end(s,
		           json_pack("{s:o, s:o, s:o, s:[]}", "story", story, "others", others_of(s), "nearer",
		                     nearer_of(s), "steps"),
		           NULL);
}

static void on_events_of_user(void *arg, enum reading_end how)
{
	struct search *s = arg;
	json_t *events = json_array();

	for (size_t i = json_array_size(s->events); s->backwards && i-- > 0;)
		json_array_append(events, json_array_get(s->events, i));
	if (how != READING_DONE)
		search_end(s, NULL, why_not(how));
	else
		search_end(s,
		           json_pack("{s:n, s:[], s:o, s:o}", "story", "others", "nearer", nearer_of(s), "steps",
		                     story_steps_of_user(s->backwards ? events : s->events, s->user)),
		           NULL);
	json_decref(events);
}

/* From one moment to the other; of a long time the beginning and the end. */
static void events_read(struct search *s)
{
	struct reading_task task = {.on_end = on_events, .arg = s, .owner = s->ask.owner};
	struct verdict_span span;
	uint64_t from, until;

	if (!verdict_span_read(s->best, &span)) {
		search_end(s, NULL, "that verdict cannot be read");
		return;
	}
	from = span.began_us > STORY_BEFORE_US ? span.began_us - STORY_BEFORE_US : 0;
	until = (span.ended_us > 0 ? span.ended_us : clock_wall_us()) + STORY_AFTER_US;
	task.parts[task.n++] = (struct reading_part){
	    .sql = events_sql, .from_us = from, .until_us = until, .on_row = event_take};
	if (until - from > 2 * EDGE_US) {
		task.parts[0].until_us = from + EDGE_US;
		task.parts[task.n] = task.parts[0];
		task.parts[task.n].from_us = until - EDGE_US;
		task.parts[task.n++].until_us = until;
	}
	reading_start(s->d->readings, &task);
}

/* Nobody has judged what happened to the user; it is told nevertheless. */
static void events_of_user_read(struct search *s)
{
	uint64_t now = clock_wall_us(), at = s->ask.at_us;
	struct reading_task task = {.n = 1, .on_end = on_events_of_user, .arg = s, .owner = s->ask.owner};

	s->backwards = at == 0;
	task.parts[0] = (struct reading_part){.sql = at == 0 ? events_back_sql : events_sql,
	                                      .from_us = at == 0          ? now - OF_USER_US
	                                                 : at > AROUND_US ? at - AROUND_US
	                                                                  : 0,
	                                      .until_us = at == 0 ? now : at + AROUND_US,
	                                      .on_row = event_of_user_take};
	reading_start(s->d->readings, &task);
}

/* ---- verdicts ------------------------------------------------------------------------------------- */

/* When its latest revision was given: one that recurs is not as old as its beginning. */
static uint64_t latest_of(const json_t *verdict, const struct verdict_span *span)
{
	const char *time = json_string_value(json_object_get(verdict, "time"));
	uint64_t latest_us;

	return time != NULL && time_text_read(time, &latest_us) ? latest_us : span->began_us;
}

static uint64_t distance_of(const struct search *s, const json_t *verdict, const struct verdict_span *span)
{
	if (s->ask.at_us == 0) /* the last one: the nearer it is to the end of time, the better */
		return INT64_MAX - latest_of(verdict, span);
	if (s->ask.at_us < span->began_us)
		return span->began_us - s->ask.at_us;
	return span->ended_us > 0 && s->ask.at_us > span->ended_us ? s->ask.at_us - span->ended_us : 0;
}

static bool is_wanted(const struct search *s, const json_t *verdict)
{
	if (s->ask.id != 0)
		return (uint64_t)json_integer_value(json_object_get(verdict, "id")) == s->ask.id;
	return s->user[0] == '\0' || verdict_span_is_about(verdict, s->user);
}

/* Whether it names something that is not one user's alone, and that users cross. */
static bool is_shared(const json_t *verdict)
{
	json_t *segment;
	size_t i;

	json_array_foreach (json_object_get(verdict, "segments"), i, segment) {
		const char *name = json_string_value(segment);

		if (name != NULL && strchr(name, '(') == NULL && strcmp(name, "exonerated") != 0 &&
		    strcmp(name, "prober") != 0 && strcmp(name, "unknown") != 0)
			return true;
	}
	return false;
}

static void shared_consider(struct search *s, json_t *verdict, uint64_t distance)
{
	if (distance > NEAR_US || (s->shared != NULL && distance >= s->shared_us) || !is_shared(verdict))
		return;
	json_decref(s->shared);
	s->shared = json_incref(verdict);
	s->shared_us = distance;
}

/* Whether it is the one, or may be. */
static bool verdict_consider(struct search *s, json_t *verdict)
{
	struct verdict_span span;
	uint64_t distance;
	char id[24];

	snprintf(id, sizeof id, "%lld", (long long)json_integer_value(json_object_get(verdict, "id")));
	if (json_object_get(s->seen, id) != NULL)
		return false;
	json_object_set_new(s->seen, id, json_true());
	if (!verdict_span_read(verdict, &span))
		return false;
	distance = distance_of(s, verdict, &span);
	if (!is_wanted(s, verdict)) {
		if (s->ask.id == 0 && s->ask.at_us != 0)
			shared_consider(s, verdict, distance);
		return false;
	}
	if (s->ask.id == 0 && s->ask.at_us != 0 && distance > NEAR_US)
		return false;
	if (s->best == NULL || distance < s->distance_us) {
		json_decref(s->best);
		s->best = json_incref(verdict);
		s->distance_us = distance;
	}
	return true;
}

/* Newest first: where no moment is asked for, the first one that is wanted ends it. */
static bool verdict_take(void *arg, sqlite3_stmt *row)
{
	struct search *s = arg;
	json_t *verdict = json_loads(column(row, 0), 0, NULL);
	bool found = verdict != NULL && verdict_consider(s, verdict);

	json_decref(verdict);
	return !found || (s->ask.at_us != 0 && s->ask.id == 0);
}

static void on_verdicts(void *arg, enum reading_end how)
{
	struct search *s = arg;

	if (how != READING_DONE)
		search_end(s, NULL, why_not(how));
	else if (s->best != NULL)
		events_read(s);
	else if (s->user[0] != '\0' && s->ask.id == 0)
		events_of_user_read(s);
	else
		search_end(s, NULL,
		           s->ask.id != 0      ? "there is no verdict with that number"
		           : s->ask.at_us != 0 ? "there is no verdict within half an hour of that moment"
		                               : "there is no verdict yet");
}

/* Those that stand are known better here than by the journal. */
static void board_consider(struct search *s)
{
	json_t *list = standing_json(s->d), *verdict;
	size_t i;

	json_array_foreach (list, i, verdict)
		verdict_consider(s, verdict);
	json_decref(list);
}

void story_read(struct monitor *d, const struct story_ask *ask)
{
	struct search *s = calloc(1, sizeof *s);
	struct reading_task task = {.n = 1, .on_end = on_verdicts, .arg = s, .owner = ask->owner};

	if (s == NULL) {
		ask->on_story(ask->arg, NULL, "there is no memory");
		return;
	}
	s->d = d;
	s->ask = *ask;
	event_set(s->user, ask->user);
	s->seen = json_object();
	s->events = json_array();
	board_consider(s);
	task.parts[0] = (struct reading_part){.sql = verdicts_sql, .until_us = INT64_MAX, .on_row = verdict_take};
	if (ask->id == 0 && ask->at_us != 0) {
		task.parts[0].from_us = ask->at_us > NEAR_US ? ask->at_us - NEAR_US : 0;
		task.parts[0].until_us = ask->at_us + LONGEST_US;
	}
	if (ask->id != 0 && s->best != NULL)
		events_read(s);
	else
		reading_start(d->readings, &task);
}
