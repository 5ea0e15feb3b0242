/* SPDX-License-Identifier: MIT */
/* What a verdict's JSON says of its time and its users; see verdict_span.h. */
#include "monitor/verdict_span.h"

#include <string.h>

#include "monitor/duration_words.h"
#include "sys/time_text.h"

static bool time_of(const json_t *verdict, const char *key, uint64_t *out)
{
	const char *text = json_string_value(json_object_get(verdict, key));

	return text != NULL && time_text_read(text, out);
}

bool verdict_span_read(const json_t *verdict, struct verdict_span *out)
{
	const char *state = json_string_value(json_object_get(verdict, "state"));

	*out = (struct verdict_span){.ended_us = 0};
	if (state == NULL)
		return false;
	if (!time_of(verdict, "drop_time", &out->began_us))
		return false;
	if (!time_of(verdict, "ended_time", &out->ended_us) && strcmp(state, "standing") != 0)
		time_of(verdict, "time", &out->ended_us); /* nobody followed it: what is known last */
	if (out->ended_us > 0 && out->ended_us < out->began_us)
		out->ended_us = out->began_us; /* the clock was set back */
	return true;
}

double verdict_span_seconds(const struct verdict_span *s, uint64_t now_us)
{
	uint64_t end = s->ended_us > 0 ? s->ended_us : now_us;

	return end > s->began_us ? (double)(end - s->began_us) / 1e6 : 0;
}

bool verdict_span_has_user(const json_t *verdict, const char *user)
{
	json_t *name;
	size_t i;

	json_array_foreach (json_object_get(verdict, "users"), i, name)
		if (strcmp(json_string_value(name), user) == 0)
			return true;
	return false;
}

bool verdict_span_is_about(const json_t *verdict, const char *user)
{
	size_t len = strlen(user), i;
	json_t *name;

	json_array_foreach (json_object_get(verdict, "segments"), i, name) {
		const char *open = strchr(json_string_value(name), '(');

		if (open != NULL && strncmp(open + 1, user, len) == 0 && strcmp(open + 1 + len, ")") == 0)
			return true;
	}
	return verdict_span_has_user(verdict, user);
}

bool verdict_span_has_segment(const json_t *verdict, const char *segment)
{
	size_t len = strlen(segment), i;
	json_t *name;

	json_array_foreach (json_object_get(verdict, "segments"), i, name) {
		const char *text = json_string_value(name);

		if (strncmp(text, segment, len) == 0 && (text[len] == '\0' || text[len] == '('))
			return true;
	}
	return false;
}

uint64_t verdict_span_users(const json_t *verdict)
{
	return json_array_size(json_object_get(verdict, "users")) +
	       (uint64_t)json_integer_value(json_object_get(verdict, "users_omitted"));
}

void verdict_span_add(json_t *verdict, uint64_t now_us)
{
	struct verdict_span span;
	char words[DURATION_WORDS_SIZE];

	if (!verdict_span_read(verdict, &span))
		return;
	duration_words(verdict_span_seconds(&span, now_us), words);
	json_object_set_new(verdict, "duration_seconds", json_real(verdict_span_seconds(&span, now_us)));
	json_object_set_new(verdict, "lasted", json_string(words));
}
