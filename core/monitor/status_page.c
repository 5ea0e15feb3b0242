/* SPDX-License-Identifier: MIT */
/* The status page; see status_page.h. */
#include "monitor/status_page.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "net/html.h"

static const char top[] =
    "<!doctype html><html lang=en><meta charset=utf-8><title>t3ops</title><style>"
    "body{font:15px/1.5 sans-serif;margin:2em;max-width:75em}table{border-collapse:collapse}"
    "td,th{text-align:left;padding:.1em 1.2em .1em 0}.down,.dead{color:#b00;font-weight:bold}.late{color:#a60}"
    "</style>";

static const char *text_of(const json_t *o, const char *key)
{
	const char *text = json_string_value(json_object_get(o, key));

	return text ? text : "";
}

static void cell(FILE *out, const char *class, const char *text)
{
	fputs("<td class=\"", out);
	html_print(out, class);
	fputs("\">", out);
	html_print(out, text);
}

/* What fails beside a connection that lives. */
static void doubts_put(FILE *out, const json_t *leg)
{
	if (strcmp(text_of(leg, "resolver"), "failed") == 0)
		fputs("; its resolver fails", out);
	if (strcmp(text_of(leg, "fresh_connections"), "failed") == 0)
		fputs("; new connections fail", out);
	if (strcmp(text_of(leg, "large_messages"), "failed") == 0)
		fputs("; large messages are lost", out);
}

static void legs_put(FILE *out, const json_t *legs)
{
	size_t i, n;
	json_t *leg, *segment;

	fputs("<h2>Legs</h2><table><tr><th>leg<th>user<th>state<th>since<th>RTT or reason<th>segments", out);
	json_array_foreach ((json_t *)legs, i, leg) {
		const char *state = text_of(leg, "state"), *reason = text_of(leg, "reason");
		const json_t *rtt = json_object_get(leg, "rtt_seconds");

		fputs("<tr>", out);
		cell(out, "", text_of(leg, "name"));
		cell(out, "", text_of(leg, "user"));
		cell(out, state, state);
		cell(out, "", text_of(leg, "since"));
		cell(out, "", reason);
		if (*reason == '\0' && rtt)
			fprintf(out, "%.1f ms", json_number_value(rtt) * 1000);
		fputs("<td>", out);
		json_array_foreach (json_object_get(leg, "segments"), n, segment) {
			fputs(n > 0 ? " " : "", out);
			html_print(out, json_string_value(segment));
		}
		doubts_put(out, leg);
	}
	fputs("</table>", out);
}

static void processes_put(FILE *out, const json_t *processes)
{
	size_t i;
	json_t *process;

	fputs("<h2>Processes</h2><table><tr><th>process<th>state<th>since<th>pid<th>restarts", out);
	json_array_foreach ((json_t *)processes, i, process) {
		fputs("<tr>", out);
		cell(out, "", text_of(process, "process"));
		cell(out, text_of(process, "state"), text_of(process, "state"));
		cell(out, "", text_of(process, "since"));
		fprintf(out, "<td>%lld<td>%lld", (long long)json_integer_value(json_object_get(process, "pid")),
		        (long long)json_integer_value(json_object_get(process, "restarts")));
	}
	fputs("</table>", out);
}

static void verdict_put(FILE *out, const json_t *status)
{
	const json_t *incident = json_object_get(status, "incident"), *last = json_object_get(status, "last_verdict");

	if (json_is_integer(incident))
		fprintf(out, "<p>Incident %lld is open: evidence is being gathered.",
		        (long long)json_integer_value(incident));
	fputs("<h2>Last verdict</h2><p>", out);
	if (!json_is_object(last)) {
		fputs("None yet.", out);
		return;
	}
	html_print(out, text_of(last, "time"));
	fputs(" <b>", out);
	html_print(out, text_of(last, "verdict"));
	fputs("</b><br>", out);
	html_print(out, text_of(last, "text"));
}

char *status_html(const json_t *status, size_t *len)
{
	char *page = NULL;
	FILE *out = open_memstream(&page, len);

	if (!out)
		return NULL;
	fputs(top, out);
	fputs("<h1>t3ops ", out);
	html_print(out, text_of(status, "version"));
	fputs("</h1>", out);
	verdict_put(out, status);
	legs_put(out, json_object_get(status, "legs"));
	processes_put(out, json_object_get(status, "processes"));
	fputs("<p><a href=/verdicts>verdicts</a> <a href=/metrics>metrics</a>\n", out);
	if (fclose(out) == 0)
		return page;
	free(page);
	return NULL;
}
