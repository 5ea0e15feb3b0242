/* SPDX-License-Identifier: MIT */
/* Answers about the past; see control_history.h. */
#include "monitor/control_history.h"

#include <stdio.h>
#include <stdlib.h>

#include "monitor/control_line.h"
#include "monitor/known_names.h"
#include "monitor/story_read.h"
#include "monitor/verdicts_since.h"

#define SEGMENT_TEXT_SIZE (T3OPS_USER_NAME_SIZE + 64)

/* A question; what it names, for an answer that is empty. */
struct question {
	struct monitor *d;
	struct local_conn *c;
	char user[T3OPS_USER_NAME_SIZE], segment[SEGMENT_TEXT_SIZE];
};

static uint64_t number_of(const json_t *request, const char *key)
{
	json_int_t n = json_integer_value(json_object_get(request, key));

	return n > 0 ? (uint64_t)n : 0;
}

static const char *text_of(const json_t *request, const char *key)
{
	const char *text = json_string_value(json_object_get(request, key));

	return text != NULL ? text : "";
}

/* NULL: there is no memory, and that is answered. */
static struct question *question_new(struct monitor *d, struct local_conn *c, const json_t *request)
{
	struct question *q = calloc(1, sizeof *q);

	if (q == NULL) {
		control_refuse(c, "there is no memory");
		return NULL;
	}
	q->d = d;
	q->c = c;
	event_set(q->user, text_of(request, "user"));
	event_set(q->segment, text_of(request, "segment"));
	local_hold(c, true);
	return q;
}

/* Nothing was found, and no wonder. */
static bool names_nothing(const struct question *q, char *why, size_t size)
{
	if (q->user[0] != '\0' && !known_user(q->d, q->user))
		snprintf(why, size,
		         "there is no user %s here: no verdict, connection, leg or job names one (t3opsctl users: "
		         "who is known)",
		         q->user);
	else if (q->segment[0] != '\0' && !known_segment(q->d, q->segment))
		snprintf(
		    why, size,
		    "there is no segment %s: neither a verdict nor user_path nor a leg names one (t3opsctl legs: "
		    "which there are)",
		    q->segment);
	else
		return false;
	return true;
}

/* Takes both. */
static void question_end(struct question *q, json_t *answer, bool is_empty, const char *why)
{
	char names[SEGMENT_TEXT_SIZE + 160];

	local_hold(q->c, false);
	if (answer == NULL) {
		control_refuse(q->c, why);
	} else if (is_empty && names_nothing(q, names, sizeof names)) {
		control_refuse(q->c, names);
		json_decref(answer);
	} else {
		control_answer(q->c, answer);
	}
	free(q);
}

/* ---- why ------------------------------------------------------------------------------------------ */

static void on_story(void *arg, json_t *answer, const char *why)
{
	bool is_empty = json_is_null(json_object_get(answer, "story")) &&
	                json_array_size(json_object_get(answer, "steps")) == 0;

	if (answer == NULL && why == NULL)
		free(arg); /* the connection is gone */
	else
		question_end(arg, answer, is_empty, why);
}

void control_why(struct monitor *d, struct local_conn *c, const json_t *request)
{
	struct question *q = question_new(d, c, request);
	struct story_ask ask = {.id = number_of(request, "id"),
	                        .user = text_of(request, "user"),
	                        .at_us = number_of(request, "at"),
	                        .owner = c,
	                        .on_story = on_story,
	                        .arg = q};

	if (q != NULL)
		story_read(d, &ask);
}

/* ---- verdicts ---------------------------------------------------------------------------------------- */

static void on_verdicts(void *arg, json_t *verdicts, bool gone)
{
	if (gone)
		free(arg);
	else
		question_end(arg, verdicts, json_array_size(verdicts) == 0,
		             "the journal cannot be read; the line journal_failed of the log says why");
}

void control_verdicts_since(struct monitor *d, struct local_conn *c, const json_t *request)
{
	struct question *q = question_new(d, c, request);
	struct verdicts_ask ask = {.since_us = number_of(request, "since"),
	                           .until_us = number_of(request, "until"),
	                           .user = text_of(request, "user"),
	                           .segment = text_of(request, "segment"),
	                           .limit = number_of(request, "limit"),
	                           .owner = c,
	                           .on_verdicts = on_verdicts,
	                           .arg = q};

	if (q != NULL)
		verdicts_since(d, &ask);
}
