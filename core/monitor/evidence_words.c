/* SPDX-License-Identifier: MIT */
/* Evidence in words; see evidence_words.h. */
#include "monitor/evidence_words.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "monitor/duration_words.h"
#include "tbl/beat.h"

struct page_row {
	const char *label, *sentence;
};

static const struct page_row pages[] = {
#define PAGE_EVIDENCE(id, label, class, side, sentence) {label, sentence},
#include "tbl/page_evidence.h"
#undef PAGE_EVIDENCE
};

typedef bool (*evidence_put)(FILE *out, const json_t *row); /* false: it is not of that sort */

static const char *text_of(const json_t *o, const char *key)
{
	const char *text = json_string_value(json_object_get(o, key));

	return text != NULL ? text : "";
}

static bool is_true(const json_t *o, const char *key)
{
	return json_is_true(json_object_get(o, key));
}

static bool is_what(const json_t *row, const char *what)
{
	return strcmp(text_of(row, "what"), what) == 0;
}

/* "; accuses tunnel, traefik" */
static void segments_put(FILE *out, const json_t *row, const char *key)
{
	const json_t *list = json_object_get(row, key);
	json_t *segment;
	size_t i;

	if (json_array_size(list) > 0)
		fprintf(out, "; %s ", key);
	json_array_foreach ((json_t *)list, i, segment)
		fprintf(out, "%s%s", i > 0 ? ", " : "", json_string_value(segment));
}

static void seconds_put(FILE *out, const char *lead, double seconds)
{
	char words[DURATION_WORDS_SIZE];

	duration_words(seconds, words);
	fprintf(out, "%s%s", lead, words);
}

/* What happened to this machine, and explains it. */
static void host_put(FILE *out, const json_t *row)
{
	const json_t *host = json_object_get(row, "host"), *ours = json_object_get(row, "ours");

	if (host != NULL)
		fprintf(out, "; this machine explains it: %s", text_of(host, "what"));
	if (ours != NULL)
		fprintf(out, "; t3ops explains it: %s", text_of(ours, "what"));
}

static const char *page_sentence(const char *label)
{
	for (size_t i = 0; i < sizeof pages / sizeof pages[0]; i++)
		if (strcmp(pages[i].label, label) == 0 && i > 0)
			return pages[i].sentence;
	return "what its page experienced is not known";
}

/* "alice lost 2 WebSockets: heartbeats ... (4.2 s of silence); came back from another address" */
static bool page_put(FILE *out, const json_t *row)
{
	long long n = (long long)json_integer_value(json_object_get(row, "tunnels"));
	double silent = json_number_value(json_object_get(row, "silent_seconds"));

	if (!is_what(row, "tunnel") || !is_true(row, "failed"))
		return false;
	fprintf(out, "%s lost %lld WebSocket%s: %s", text_of(row, "name"), n, n == 1 ? "" : "s",
	        page_sentence(text_of(row, "page")));
	if (silent >= 0.1)
		seconds_put(out, "; silent for ", silent);
	if (*text_of(row, "address") != '\0')
		fprintf(out, "; from %s", text_of(row, "address"));
	if (is_true(row, "other_address"))
		fputs("; came back from another address", out);
	if (is_true(row, "other_colo"))
		fputs("; came back over another location", out);
	host_put(out, row);
	return true;
}

/* "a fresh connection of cf" */
static void leg_put(FILE *out, const json_t *row)
{
	fprintf(out, "%s%s",
	        is_what(row, "resolver")           ? "the resolver of "
	        : is_what(row, "fresh_connection") ? "a fresh connection of "
	        : is_what(row, "large_message")    ? "a large message of "
	                                           : "",
	        text_of(row, "name"));
}

/* " failed at http (http_status 530)" */
static void how_put(FILE *out, const json_t *row)
{
	json_int_t code = json_integer_value(json_object_get(row, "code"));

	if (strcmp(text_of(row, "reason"), "late") == 0) {
		fputs(" stopped answering", out);
		return;
	}
	fputs(" failed", out);
	if (*text_of(row, "step") == '\0')
		return;
	fprintf(out, " at %s (%s", text_of(row, "step"), text_of(row, "reason"));
	if (code != 0)
		fprintf(out, " %lld", (long long)code);
	fputc(')', out);
}

/* "; its heartbeat: it never arrived at the echo" */
static void trace_put(FILE *out, const json_t *row, const char *key)
{
	for (unsigned trace = BEAT_UNTRACED + 1; trace < BEAT_TRACES; trace++)
		if (strcmp(text_of(row, key), beat_trace_label(trace)) == 0)
			fprintf(out, "; its heartbeat: %s", beat_trace_sentence(trace));
}

static bool failure_put(FILE *out, const json_t *row)
{
	if (is_what(row, "tunnel") || is_what(row, "pressure") || !is_true(row, "failed"))
		return false;
	leg_put(out, row);
	how_put(out, row);
	trace_put(out, row, "next_hop");
	trace_put(out, row, "echo");
	segments_put(out, row, "accuses");
	segments_put(out, row, "acquits");
	host_put(out, row);
	return true;
}

static bool work_put(FILE *out, const json_t *row)
{
	const json_t *rtt = json_object_get(row, "rtt_seconds");

	if (is_what(row, "pressure") || is_true(row, "failed"))
		return false;
	if (is_what(row, "tunnel"))
		fprintf(out, "a WebSocket of %s", text_of(row, "name"));
	else
		leg_put(out, row);
	if (rtt != NULL)
		seconds_put(out, " ", json_number_value(rtt));
	return true;
}

static bool acquits_put(FILE *out, const json_t *row)
{
	json_t *segment;
	size_t i;

	json_array_foreach (json_object_get(row, "acquits"), i, segment)
		fprintf(out, "%s%s", i > 0 ? ", " : "", json_string_value(segment));
	return json_array_size(json_object_get(row, "acquits")) > 0;
}

/* The caller frees it; NULL: it is not of that sort. */
static char *text_made(const json_t *row, evidence_put put)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);
	bool is = out != NULL && put(out, row);

	if (out != NULL && fclose(out) == 0 && is)
		return text;
	free(text);
	return NULL;
}

static void row_add(json_t *list, const json_t *row, evidence_put put)
{
	char *text = text_made(row, put);

	if (text != NULL)
		json_array_append_new(list, json_string(text));
	free(text);
}

static json_t *rows_of(const json_t *verdict, evidence_put put)
{
	json_t *list = json_array(), *row;
	size_t i;

	json_array_foreach (json_object_get(verdict, "evidence"), i, row)
		row_add(list, row, put);
	return list;
}

json_t *evidence_of_pages(const json_t *verdict)
{
	return rows_of(verdict, page_put);
}

json_t *evidence_of_failure(const json_t *verdict)
{
	return rows_of(verdict, failure_put);
}

/* Adds what worked to those that acquit the same. */
static void work_add(json_t *groups, const json_t *row)
{
	char *acquitted = text_made(row, acquits_put), *text = text_made(row, work_put);
	const char *before;
	json_t *now;

	if (text != NULL && acquitted != NULL) {
		before = json_string_value(json_object_get(groups, acquitted));
		now = before != NULL ? json_sprintf("%s, %s", before, text) : json_string(text);
		json_object_set_new(groups, acquitted, now);
	}
	free(acquitted);
	free(text);
}

json_t *evidence_of_work(const json_t *verdict)
{
	json_t *groups = json_object(), *list = json_array(), *row, *group;
	const char *acquitted;
	size_t i;

	json_array_foreach (json_object_get(verdict, "evidence"), i, row)
		work_add(groups, row);
	json_object_foreach (groups, acquitted, group)
		json_array_append_new(list, json_sprintf("%s: %s answered", acquitted, json_string_value(group)));
	json_decref(groups);
	return list;
}
