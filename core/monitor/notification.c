/* SPDX-License-Identifier: MIT */
/* Which verdicts, and in which words; see notification.h. */
#include "monitor/notification.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "monitor/duration_words.h"
#include "sys/time_text.h"
#include "sys/words.h"

static const char *const severities[] = {
    [NOTIFICATION_INFO] = "info", [NOTIFICATION_WARNING] = "warning", [NOTIFICATION_CRITICAL] = "critical"};

const char *notification_severity_name(enum notification_severity severity)
{
	return severities[severity];
}

static const char *text_of(const json_t *o, const char *key)
{
	const char *text = json_string_value(json_object_get(o, key));

	return text != NULL ? text : "";
}

/* "serve" of "serve(alice)" */
static bool base_is(const char *segment, const char *base)
{
	size_t len = strcspn(segment, "(");

	return strlen(base) == len && strncmp(segment, base, len) == 0;
}

static bool base_is_of(const char *segment, const struct text_list *list)
{
	for (size_t i = 0; i < list->n; i++)
		if (base_is(segment, list->items[i]))
			return true;
	return false;
}

enum notification_severity notification_severity(const json_t *verdict, const struct text_list *per_user)
{
	const json_t *segments = json_object_get(verdict, "segments"), *row;
	enum notification_severity severity = NOTIFICATION_INFO;
	size_t i;

	if (json_is_true(json_object_get(verdict, "infra_exonerated")))
		return NOTIFICATION_INFO;
	json_array_foreach (segments, i, row) {
		const char *name = json_string_value(row);

		if (name == NULL || words_have("unknown prober inconclusive", name))
			continue;
		severity = NOTIFICATION_WARNING;
		if (strcmp(name, "host") != 0 && !base_is_of(name, per_user))
			return NOTIFICATION_CRITICAL;
	}
	return severity;
}

const char *notification_what(const json_t *verdict)
{
	const char *state = text_of(verdict, "state"), *change = text_of(verdict, "change");

	if (strcmp(state, "standing") != 0)
		return strcmp(state, "healed") == 0 ? "healed" : "expired";
	return strcmp(change, "new") == 0 || strcmp(change, "again") == 0 ? "given" : "revised";
}

static bool severity_reaches(enum notification_severity severity, const char *least)
{
	while (severity > NOTIFICATION_INFO && strcmp(severities[severity], least) != 0)
		severity--;
	return strcmp(severities[severity], least) == 0;
}

static bool names_any(const json_t *verdict, const struct text_list *segments)
{
	const json_t *row;
	size_t i;

	json_array_foreach (json_object_get(verdict, "segments"), i, row)
		if (json_is_string(row) && base_is_of(json_string_value(row), segments))
			return true;
	return segments->n == 0;
}

/* This machine itself has no network: nobody is called for that. */
static bool is_inconclusive(const json_t *verdict)
{
	const char *first = json_string_value(json_array_get(json_object_get(verdict, "segments"), 0));

	return first != NULL && strcmp(first, "inconclusive") == 0;
}

bool notification_is_wanted(const struct notify_options *options, const json_t *verdict,
                            const struct text_list *per_user, bool told)
{
	const char *what = notification_what(verdict);

	if (strcmp(what, "healed") == 0 || strcmp(what, "expired") == 0)
		return told && options->healed;
	if (told)
		return strcmp(what, "given") == 0 || options->revised;
	if (is_inconclusive(verdict))
		return false;
	return severity_reaches(notification_severity(verdict, per_user), options->min_severity) &&
	       names_any(verdict, &options->segments);
}

/* ---- JSON -------------------------------------------------------------------------------------------- */

static void evidence_leave_out(json_t *verdict)
{
	json_t *evidence = json_object_get(verdict, "evidence");
	json_int_t omitted = json_integer_value(json_object_get(verdict, "evidence_omitted"));

	json_object_set_new(verdict, "evidence_omitted",
	                    json_integer(omitted + (json_int_t)json_array_size(evidence)));
	json_object_set_new(verdict, "evidence", json_array());
}

static char *json_text(json_t *o, json_t *verdict)
{
	char *text = json_dumps(o, JSON_COMPACT | JSON_REAL_PRECISION(12));

	if (text == NULL || strlen(text) < NOTIFICATION_MAX)
		return text;
	free(text);
	evidence_leave_out(verdict);
	return json_dumps(o, JSON_COMPACT | JSON_REAL_PRECISION(12));
}

static char *json_make(const json_t *verdict, const char *severity, const char *host)
{
	json_t *copy = json_deep_copy(verdict), *o;
	char *text;

	o = json_pack("{s:i, s:s, s:s, s:s, s:s, s:O}", "version", NOTIFICATION_VERSION, "notification",
	              notification_what(verdict), "severity", severity, "host", host, "text",
	              text_of(verdict, "text"), "verdict", copy);
	text = o != NULL ? json_text(o, copy) : NULL;
	json_decref(o);
	json_decref(copy);
	return text;
}

/* ---- text -------------------------------------------------------------------------------------------- */

static void users_write(FILE *out, const json_t *verdict)
{
	const json_t *users = json_object_get(verdict, "users"), *row;
	json_int_t more = json_integer_value(json_object_get(verdict, "users_omitted"));
	size_t i;

	if (json_array_size(users) == 0)
		return;
	fputs("Users:", out);
	json_array_foreach (users, i, row)
		fprintf(out, "%s %s", i > 0 ? "," : "", json_string_value(row));
	if (more > 0)
		fprintf(out, " and %lld more", (long long)more);
	fputc('\n', out);
}

static void times_write(FILE *out, const json_t *verdict)
{
	const char *began = text_of(verdict, "drop_time"), *ended = text_of(verdict, "ended_time");
	char words[DURATION_WORDS_SIZE];
	uint64_t from, to;

	fprintf(out, "Since: %s\n", began);
	if (!time_text_read(began, &from) || !time_text_read(ended, &to) || to < from)
		return;
	duration_words((double)(to - from) / 1e6, words);
	fprintf(out, "Ended: %s, after %s\n", ended, words);
}

static char *lines_make(const json_t *verdict, const char *severity, const char *host)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	if (out == NULL)
		return NULL;
	fprintf(out, "%s: %s (%s, %s)\n%s\n", host, text_of(verdict, "verdict"), notification_what(verdict), severity,
	        text_of(verdict, "text"));
	times_write(out, verdict);
	users_write(out, verdict);
	fprintf(out, "Evidence: t3opsctl show %lld\n", (long long)json_integer_value(json_object_get(verdict, "id")));
	if (fclose(out) == 0)
		return text;
	free(text);
	return NULL;
}

char *notification_make(const struct notify_options *options, const json_t *verdict, const struct text_list *per_user,
                        const char *host)
{
	const char *severity = notification_severity_name(notification_severity(verdict, per_user));

	return strcmp(options->format, "text") == 0 ? lines_make(verdict, severity, host)
	                                            : json_make(verdict, severity, host);
}
