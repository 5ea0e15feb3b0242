/* SPDX-License-Identifier: MIT */
/* Tables and sentences; see print.h. */
#include "ctl/print.h"

#include <stdlib.h>
#include <string.h>

#include "ctl/local_time.h"
#include "ctl/print_story.h"
#include "ctl/style.h"
#include "ctl/table.h"
#include "ctl/text.h"
#include "sys/time_text.h"

#define TIME_WIDTH 24 /* of a moment with its zone, as a column; a space follows */

void print_recording(FILE *out, const json_t *recording)
{
	const char *state = text_get(recording, "state");

	print_text(out, json_object_get(recording, "text"));
	if (strcmp(state, "open") == 0)
		fputs("t3opsctl: the incident is still followed: this is the recording so far\n", stderr);
	else if (strcmp(state, "over") != 0)
		fputs("t3opsctl: the recording is incomplete: its line \"incomplete\" says why\n", stderr);
}

void print_text(FILE *out, const json_t *text)
{
	const char *at = json_string_value(text);

	while (at != NULL && *at != '\0')
		if (*at == '\n')
			fputc(*at++, out);
		else
			at = text_byte_put(out, at);
	if (json_string_length(text) > 0 && json_string_value(text)[json_string_length(text) - 1] != '\n')
		fputc('\n', out);
}

/* ---- rows of an action ---------------------------------------------------------------------- */

/* As a person reads it: a moment is local. */
static const char *cell_text(const json_t *row, const char *key, char when[LOCAL_TIME_SIZE])
{
	uint64_t ignored;

	if (!time_text_read(text_get(row, key), &ignored))
		return text_get(row, key);
	local_time(text_get(row, key), when);
	return when;
}

/* The columns of all rows, as they come, with the width of each: {KEY: width}. */
static json_t *columns_of(const json_t *rows)
{
	json_t *columns = json_pack("{s:i}", "user", 4), *row, *value;
	char when[LOCAL_TIME_SIZE];
	const char *key;
	size_t i;

	json_array_foreach ((json_t *)rows, i, row)
		json_object_foreach (row, key, value) {
			json_int_t width = json_integer_value(json_object_get(columns, key));
			int mine = text_length(cell_text(row, key, when)), head = text_length(key);

			mine = mine > head ? mine : head;
			json_object_set_new(columns, key, json_integer(mine > width ? mine : width));
		}
	return columns;
}

static void row_print(FILE *out, const json_t *columns, const json_t *row)
{
	char when[LOCAL_TIME_SIZE];
	const char *key;
	json_t *width;

	json_object_foreach ((json_t *)columns, key, width) {
		text_put(out, row != NULL ? cell_text(row, key, when) : key, (int)json_integer_value(width));
		fputs("  ", out);
	}
	fputc('\n', out);
}

static void member_print(FILE *out, const json_t *row, const char *key, int name_width)
{
	char when[LOCAL_TIME_SIZE];

	text_put(out, key, name_width);
	fputs("  ", out);
	text_put(out, cell_text(row, key, when), 0);
	fputc('\n', out);
}

/* What is wider than the terminal: a line for each value, an empty one between rows. */
static void row_print_long(FILE *out, const json_t *row, int name_width)
{
	const char *key;
	json_t *value;

	member_print(out, row, "user", name_width);
	json_object_foreach ((json_t *)row, key, value)
		if (json_string_length(value) > 0 && strcmp(key, "user") != 0)
			member_print(out, row, key, name_width);
}

/* The longest name if the table does not fit on the terminal; 0: it does, or this is none. */
static int too_wide(FILE *out, const json_t *columns)
{
	int all = 0, longest = 0, room = text_terminal_width(out);
	const char *key;
	json_t *width;

	json_object_foreach ((json_t *)columns, key, width) {
		all += (int)json_integer_value(width) + 2;
		longest = (int)strlen(key) > longest ? (int)strlen(key) : longest;
	}
	return room > 0 && all > room ? longest : 0;
}

void print_rows(FILE *out, const json_t *answer)
{
	const json_t *rows = json_object_get(answer, "rows");
	json_t *columns, *row;
	int name_width;
	size_t i;

	if (json_array_size(rows) == 0) {
		print_text(out, json_object_get(answer, "text"));
		return;
	}
	columns = columns_of(rows);
	name_width = too_wide(out, columns);
	if (name_width == 0)
		row_print(out, columns, NULL);
	json_array_foreach ((json_t *)rows, i, row)
		if (name_width == 0) {
			row_print(out, columns, row);
		} else {
			fputs(i > 0 ? "\n" : "", out);
			row_print_long(out, row, name_width);
		}
	json_decref(columns);
}

/* ---- verdicts ------------------------------------------------------------------------------ */

/* "verdict 3, revision 2, narrowed, was wan or tunnel; from vps; incident 2, 0.3 s after the first drop" */
static void verdict_number_put(FILE *out, const json_t *v)
{
	const char *was = text_get(v, "was"), *vantage = text_get(v, "vantage");
	long long revision = (long long)json_integer_value(json_object_get(v, "revision"));

	fprintf(out, "verdict %lld", (long long)json_integer_value(json_object_get(v, "id")));
	if (revision > 1)
		fprintf(out, ", revision %lld, %s", revision, text_get(v, "change"));
	if (*was != '\0')
		fprintf(out, ", was %s", was);
	if (*vantage != '\0')
		fprintf(out, "; from %s", vantage);
	fprintf(out, "; incident %lld, %.1f s after the first %s%s",
	        (long long)json_integer_value(json_object_get(v, "incident")),
	        json_number_value(json_object_get(v, "delay_seconds")), verdict_beginning(v),
	        json_is_true(json_object_get(v, "infra_exonerated")) ? ", infra exonerated" : "");
}

/* A line below the head of the verdict. */
static void verdict_number_print(FILE *out, const json_t *v)
{
	char *text = NULL;
	size_t len = 0;
	FILE *line = open_memstream(&text, &len);

	if (line == NULL)
		return;
	verdict_number_put(line, v);
	if (fclose(line) == 0) {
		fputs("    ", out);
		text_wrap_on_terminal(out, text, "    ");
	}
	free(text);
}

/* Local, its zone named, and a space if it is a column. */
static void time_put(FILE *out, const char *utc, int width)
{
	char when[LOCAL_TIME_SIZE];

	local_time(utc, when);
	text_put(out, when, width);
	if (width > 0)
		fputc(' ', out);
}

static void state_print(FILE *out, const json_t *v)
{
	long long times = (long long)json_integer_value(json_object_get(v, "times"));

	text_put(out, text_get(v, "state"), 0);
	if (*text_get(v, "ended_time") != '\0') {
		fputs(" at ", out);
		time_put(out, text_get(v, "ended_time"), 0);
	}
	if (times > 1)
		fprintf(out, ", %lld times", times);
}

/* Behind its time; below that, where it does not fit. */
static void name_print(FILE *out, const char *name)
{
	int width = text_terminal_width(out);

	if (width > 0 && TIME_WIDTH + 1 + text_length(name) > width)
		fputs("\n    ", out);
	style_put(out, STYLE_STRONG);
	text_wrap_on_terminal(out, name, "    ");
	style_put(out, STYLE_PLAIN);
}

void print_verdict(FILE *out, const json_t *v)
{
	time_put(out, text_get(v, "time"), TIME_WIDTH);
	name_print(out, text_get(v, "verdict"));
	verdict_number_print(out, v);
	fputs("    ", out);
	text_wrap_on_terminal(out, text_get(v, "text"), "    ");
	fputs("    ", out);
	state_print(out, v);
	fputc('\n', out);
}

static void verdicts_print(FILE *out, const json_t *list, const char *none)
{
	for (size_t i = json_array_size(list); i-- > 0;)
		print_verdict(out, json_array_get(list, i));
	if (json_array_size(list) == 0)
		fputs(none, out);
}

void print_verdicts(FILE *out, const json_t *list)
{
	verdicts_print(out, list, "no verdict yet\n");
}

void print_standing(FILE *out, const json_t *list)
{
	verdicts_print(out, list, "no verdict stands\n");
}

/* ---- legs, processes --------------------------------------------------------------------------- */

/* The head of a column of moments: "SINCE (CET)". */
static const char *since_head(char out[LOCAL_TIME_SIZE + 16])
{
	char zone[LOCAL_TIME_SIZE];

	local_zone("", zone);
	snprintf(out, LOCAL_TIME_SIZE + 16, "SINCE (%s)", zone);
	return out;
}

static void time_add(struct table *t, const char *utc)
{
	char when[LOCAL_TIME_SIZE];

	local_time_bare(utc, when);
	table_add(t, when[0] != '\0' ? when : "-");
}

/* What fails beside a connection that lives. */
static void doubts_put(FILE *out, const json_t *leg)
{
	if (strcmp(text_get(leg, "resolver"), "failed") == 0)
		fputs("; its resolver fails", out);
	if (strcmp(text_get(leg, "fresh_connections"), "failed") == 0)
		fputs("; new connections fail", out);
	if (strcmp(text_get(leg, "large_messages"), "failed") == 0)
		fputs("; large messages are lost", out);
}

/* Why it is down, beyond the word in its row: "; at connect: Connection refused". */
static void end_put(FILE *out, const json_t *leg)
{
	const char *detail = text_get(leg, "detail");

	if (*text_get(leg, "reason") == '\0')
		return;
	fputs("; at ", out);
	text_put(out, text_get(leg, "step"), 0);
	if (*detail != '\0') {
		fputs(": ", out);
		text_put(out, detail, 0);
	}
}

/* Its segments, the location of Cloudflare that it speaks for, why it is down, and its doubts. */
static void leg_note(struct table *t, const json_t *leg)
{
	char *text = NULL;
	size_t len = 0;
	FILE *note = open_memstream(&text, &len);

	if (note == NULL)
		return;
	text_list_put(note, json_object_get(leg, "segments"), " ");
	if (*text_get(leg, "colo") != '\0') {
		fputs("; over ", note);
		text_put(note, text_get(leg, "colo"), 0);
	}
	end_put(note, leg);
	doubts_put(note, leg);
	if (fclose(note) == 0)
		table_note(t, text);
	free(text);
}

static enum style leg_style(const char *state)
{
	if (strcmp(state, "up") == 0)
		return STYLE_GOOD;
	return strcmp(state, "down") == 0 ? STYLE_BAD : STYLE_DOUBT;
}

static void leg_add(struct table *t, const json_t *leg)
{
	const json_t *rtt = json_object_get(leg, "rtt_seconds");
	const char *user = text_get(leg, "user"), *reason = text_get(leg, "reason");
	char answer[32];

	snprintf(answer, sizeof answer, "%.1f ms", json_number_value(rtt) * 1000);
	table_add(t, text_get(leg, "name"));
	table_add(t, *user != '\0' ? user : "-");
	table_add_style(t, text_get(leg, "state"), leg_style(text_get(leg, "state")));
	time_add(t, text_get(leg, "since"));
	table_add(t, *reason != '\0' ? reason : json_is_real(rtt) ? answer : "-");
	leg_note(t, leg);
}

void print_legs(FILE *out, const json_t *legs)
{
	char since[LOCAL_TIME_SIZE + 16];
	const struct table_column columns[] = {{"LEG", TABLE_NAME},
	                                       {"USER", TABLE_NAME},
	                                       {"STATE", TABLE_TEXT},
	                                       {since_head(since), TABLE_TEXT},
	                                       {"ANSWER", TABLE_TEXT}};
	struct table *t = table_new(columns, sizeof columns / sizeof columns[0]);
	size_t i;
	json_t *leg;

	if (json_array_size(legs) == 0) {
		fputs("no leg has reported yet\n", out);
	} else {
		json_array_foreach ((json_t *)legs, i, leg)
			leg_add(t, leg);
		table_print(t, out, text_terminal_width(out), 0);
	}
	table_free(t);
}

static void processes_print(FILE *out, const json_t *processes)
{
	char since[LOCAL_TIME_SIZE + 16], number[24];
	const struct table_column columns[] = {{"PROCESS", TABLE_TEXT},
	                                       {"PID", TABLE_NUMBER},
	                                       {"STATE", TABLE_TEXT},
	                                       {since_head(since), TABLE_TEXT},
	                                       {"RESTARTS", TABLE_NUMBER}};
	struct table *t = table_new(columns, sizeof columns / sizeof columns[0]);
	size_t i;
	json_t *process;

	json_array_foreach ((json_t *)processes, i, process) {
		table_add(t, text_get(process, "process"));
		snprintf(number, sizeof number, "%" JSON_INTEGER_FORMAT,
		         json_integer_value(json_object_get(process, "pid")));
		table_add(t, number);
		table_add(t, text_get(process, "state"));
		time_add(t, text_get(process, "since"));
		snprintf(number, sizeof number, "%" JSON_INTEGER_FORMAT,
		         json_integer_value(json_object_get(process, "restarts")));
		table_add(t, number);
	}
	table_print(t, out, text_terminal_width(out), 0);
	table_free(t);
}

void print_log_levels(FILE *out, const json_t *levels)
{
	const char *configured = text_get(levels, "configured"), *process;
	json_t *level;

	json_object_foreach (json_object_get(levels, "processes"), process, level) {
		text_put(out, process, 12);
		text_put(out, json_string_value(level), 0);
		if (strcmp(json_string_value(level), configured) != 0)
			fprintf(out, "  (configured: %s)", configured);
		fputc('\n', out);
	}
}

/* Those that somebody chose: "log level debug of proxy, prober; configured is info". */
static void log_levels_note(FILE *out, const json_t *levels)
{
	const char *configured = text_get(levels, "configured"), *process, *between = "\nlog level: ";
	json_t *level;

	json_object_foreach (json_object_get(levels, "processes"), process, level) {
		if (strcmp(json_string_value(level), configured) == 0)
			continue;
		fprintf(out, "%s%s %s", between, process, json_string_value(level));
		between = ", ";
	}
	if (between[0] == ',')
		fprintf(out, " until the next reload; configured is %s\n", configured);
}

static void journal_print(FILE *out, const json_t *status)
{
	long long lost = (long long)json_integer_value(json_object_get(status, "journal_lost"));

	if (lost > 0)
		fprintf(out,
		        "\nthe journal lacks %lld rows that could not be written: see journal_failed in the log\n",
		        lost);
}

void print_status(FILE *out, const json_t *status)
{
	const json_t *incident = json_object_get(status, "incident"), *last = json_object_get(status, "last_verdict");
	char up[32];

	text_duration(json_number_value(json_object_get(status, "uptime_seconds")), up, sizeof up);
	fprintf(out, "t3ops %s, its monitor up for %s\n\n", text_get(status, "version"), up);
	processes_print(out, json_object_get(status, "processes"));
	fputc('\n', out);
	print_legs(out, json_object_get(status, "legs"));
	journal_print(out, status);
	log_levels_note(out, json_object_get(status, "log_levels"));
	if (json_is_integer(incident))
		fprintf(out, "\nincident %lld is open\n", (long long)json_integer_value(incident));
	if (!json_is_object(last))
		return;
	fputs("\nlast verdict\n", out);
	print_verdict(out, last);
}

/* ---- events --------------------------------------------------------------------------------- */

void print_event(FILE *out, const json_t *e)
{
	char when[LOCAL_TIME_SIZE];

	local_time_exact(text_get(e, "time"), when);
	text_put(out, when, 27);
	fputc(' ', out);
	text_column(out, e, "process", 10);
	text_put(out, text_get(e, "line"), 0);
	fputc('\n', out);
}

void print_events(FILE *out, const json_t *list)
{
	for (size_t i = json_array_size(list); i-- > 0;)
		print_event(out, json_array_get(list, i));
	if (json_array_size(list) == 0)
		fputs("no such event\n", out);
}
