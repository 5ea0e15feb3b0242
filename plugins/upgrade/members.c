/* SPDX-License-Identifier: MIT */
/* See members.h. */
#include "members.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "text_json.h"

static const char *text(const json_t *row, const char *key)
{
	const char *value = json_string_value(json_object_get(row, key));

	return value != NULL ? value : "";
}

static bool is(const json_t *row, const char *state)
{
	return strcmp(text(row, "is"), state) == 0;
}

static json_t *row_get(json_t *users, const char *user)
{
	json_t *row = json_object_get(users, user);

	if (row != NULL)
		return row;
	row = json_pack("{s:s, s:s, s:b}", "is", "waiting", "why", "", "proven", 0);
	json_object_set_new(users, user, row);
	return row;
}

void members_survey_begin(json_t *users)
{
	const char *user;
	json_t *row;

	json_object_foreach (users, user, row)
		json_object_set_new(row, "busy", json_string("it was not possible to look"));
}

void members_survey(json_t *users, const json_t *answer)
{
	json_t *row = row_get(users, text(answer, "user"));
	bool frozen = *text(answer, "frozen") != '\0';

	json_object_set_new(row, "busy", json_string(text(answer, "busy")));
	json_object_set_new(row, "input_s", json_integer(strtoll(text(answer, "input_s"), NULL, 10)));
	if (*text(answer, "absent") != '\0' && is(row, "waiting"))
		json_object_set_new(row, "is", json_string("absent"));
	else if (frozen && is(row, "waiting"))
		json_object_set_new(row, "is", json_string("frozen"));
	else if (!frozen && is(row, "frozen"))
		json_object_set_new(row, "is", json_string("waiting"));
	if (is(row, "frozen"))
		json_object_set_new(row, "why", json_string(text(answer, "frozen")));
	else if (is(row, "waiting"))
		json_object_set_new(row, "why", json_string(text(answer, "busy")));
}

void members_set(json_t *users, const char *user, const char *state, const char *why)
{
	json_t *row = row_get(users, user);

	json_object_set_new(row, "is", json_string(state));
	json_object_set_new(row, "why", text_json(why));
}

void members_prove(json_t *users, const char *user)
{
	json_object_set_new(row_get(users, user), "proven", json_true());
}

const char *members_text(const json_t *users, const char *user, const char *key)
{
	return text(json_object_get(users, user), key);
}

size_t members_count(const json_t *users, const char *state)
{
	const char *user;
	size_t n = 0;
	json_t *row;

	json_object_foreach ((json_t *)(uintptr_t)users, user, row)
		n += is(row, state);
	return n;
}

const char *members_unproven(json_t *users)
{
	const char *user;
	json_t *row;

	json_object_foreach (users, user, row)
		if (is(row, "waiting") && !json_is_true(json_object_get(row, "proven")))
			return user;
	return NULL;
}

static long long input_s(const json_t *row)
{
	return json_integer_value(json_object_get(row, "input_s"));
}

const char *members_next(json_t *users, const char *canary)
{
	const json_t *first = json_object_get(users, canary);
	bool is_first = members_count(users, "done") == 0 && first != NULL && is(first, "waiting");
	const char *user, *next = NULL;
	json_t *row;

	json_object_foreach (users, user, row) {
		if (!is(row, "waiting") || *text(row, "busy") != '\0' || (is_first && strcmp(user, canary) != 0))
			continue;
		if (next == NULL || input_s(row) > input_s(json_object_get(users, next)))
			next = user;
	}
	return next;
}
