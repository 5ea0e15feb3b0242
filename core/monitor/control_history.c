/* SPDX-License-Identifier: MIT */
/* Answers about the past; see control_history.h. */
#include "monitor/control_history.h"

#include <stdlib.h>

#include "monitor/control_line.h"
#include "monitor/story_read.h"
#include "monitor/verdicts_since.h"

/* ---- why ------------------------------------------------------------------------------------------ */

static void on_story(void *arg, json_t *answer, const char *why)
{
	struct local_conn *c = arg;

	if (answer == NULL && why == NULL)
		return; /* the connection is gone */
	local_hold(c, false);
	if (answer != NULL)
		control_answer(c, answer);
	else
		control_refuse(c, why);
}

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

void control_why(struct monitor *d, struct local_conn *c, const json_t *request)
{
	struct story_ask ask = {.id = number_of(request, "id"),
	                        .user = text_of(request, "user"),
	                        .at_us = number_of(request, "at"),
	                        .owner = c,
	                        .on_story = on_story,
	                        .arg = c};

	local_hold(c, true);
	story_read(d, &ask);
}

/* ---- verdicts ---------------------------------------------------------------------------------------- */

static void on_verdicts(void *arg, json_t *verdicts, bool gone)
{
	struct local_conn *c = arg;

	if (gone)
		return;
	local_hold(c, false);
	if (verdicts != NULL)
		control_answer(c, verdicts);
	else
		control_refuse(c, "the journal cannot be read; the line journal_failed of the log says why");
}

void control_verdicts_since(struct monitor *d, struct local_conn *c, const json_t *request)
{
	struct verdicts_ask ask = {.since_us = number_of(request, "since"),
	                           .until_us = number_of(request, "until"),
	                           .user = text_of(request, "user"),
	                           .segment = text_of(request, "segment"),
	                           .limit = number_of(request, "limit"),
	                           .owner = c,
	                           .on_verdicts = on_verdicts,
	                           .arg = c};

	local_hold(c, true);
	verdicts_since(d, &ask);
}
