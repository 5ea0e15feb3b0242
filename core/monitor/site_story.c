/* SPDX-License-Identifier: MIT */
/* Evidence in words; see site_story.h. */
#include "monitor/site_story.h"

#include <string.h>

#include "monitor/site_segments.h"
#include "monitor/site_write.h"
#include "monitor/verdict_span.h"
#include "net/html.h"

#define VERDICTS_MAX 100 /* in the list */

static void list_put(FILE *out, const char *heading, const json_t *texts)
{
	json_t *text;
	size_t i;

	if (json_array_size(texts) == 0)
		return;
	fprintf(out, "<h3>%s</h3><ul>", heading);
	json_array_foreach ((json_t *)texts, i, text) {
		fputs("<li>", out);
		html_print(out, json_string_value(text));
	}
	fputs("</ul>", out);
}

static void users_put(FILE *out, const json_t *v)
{
	const json_t *users = json_object_get(v, "users");
	json_t *user;
	size_t i;

	fputs(json_array_size(users) > 0 ? "Affected: " : "Nobody was affected", out);
	json_array_foreach ((json_t *)users, i, user) {
		fputs(i > 0 ? ", " : "", out);
		html_print(out, json_string_value(user));
	}
	fputs(". ", out);
}

static void head_put(FILE *out, const json_t *v)
{
	fputs("<h2>Verdict: ", out);
	html_print(out, site_get(v, "verdict"));
	fputs("</h2><p>", out);
	site_time_of(out, site_get(v, "drop_time"), SITE_DATE);
	fputs(strcmp(site_get(v, "state"), "standing") == 0 ? ", for " : ", lasted ", out);
	html_print(out, site_get(v, "lasted"));
	fputs(", ", out);
	html_print(out, site_get(v, "state"));
	fputs(json_is_true(json_object_get(v, "infra_exonerated")) ? ", infra exonerated. " : ". ", out);
	users_put(out, v);
	fputs("</p><p>", out);
	html_print(out, site_get(v, "text"));
	fprintf(out, ". <small>Given %.1f s after the first %s; verdict %lld, incident %lld.</small></p>",
	        json_number_value(json_object_get(v, "delay_seconds")),
	        json_array_size(json_object_get(v, "users")) > 0 ? "drop" : "failure",
	        (long long)json_integer_value(json_object_get(v, "id")),
	        (long long)json_integer_value(json_object_get(v, "incident")));
}

static void steps_put(FILE *out, const json_t *steps)
{
	json_t *step;
	size_t i;

	if (json_array_size(steps) == 0)
		return;
	fputs("<h3>In order of time</h3><ol class=steps>", out);
	json_array_foreach ((json_t *)steps, i, step) {
		fprintf(out, "<li class=\"%s\">", site_get(step, "what"));
		site_time_of(out, site_get(step, "time"), SITE_SECOND);
		fprintf(out, " <span class=offset>%+.1f&#8239;s</span> <span>",
		        json_number_value(json_object_get(step, "offset_seconds")));
		html_print(out, site_get(step, "text"));
		fputs("</span>", out);
	}
	fputs("</ol>", out);
}

static void end_put(FILE *out, const json_t *story)
{
	const json_t *v = json_object_get(story, "verdict");

	fputs("<h3>How it ended</h3><p>", out);
	if (*site_get(v, "ended_time") != '\0') {
		site_time_of(out, site_get(v, "ended_time"), SITE_DATE);
		fputs(": ", out);
	}
	html_print(out, site_get(story, "healed"));
	fputs(".</p>", out);
}

void site_story(FILE *out, const struct site_data *s)
{
	const json_t *story = json_object_get(s->story, "story");

	if (s->chosen == 0)
		return;
	fputs("<section id=evidence class=evidence>", out);
	if (!json_is_object(story)) {
		fputs("<p>There is no verdict with that number.</p></section>\n", out);
		return;
	}
	fprintf(out, "<a class=close href=\"/?range=%s\" aria-label=\"Close the evidence\">&#215;</a>",
	        s->range->name);
	head_put(out, json_object_get(story, "verdict"));
	list_put(out, "What the page experienced", json_object_get(story, "experienced"));
	list_put(out, "What failed", json_object_get(story, "failed"));
	list_put(out, "What worked, and so is not it", json_object_get(story, "worked"));
	steps_put(out, json_object_get(story, "steps"));
	end_put(out, story);
	fputs("</section>\n", out);
}

/* ---- the list ---------------------------------------------------------------------------------------- */

static void row_put(FILE *out, const struct site_data *s, const json_t *v)
{
	const json_t *users = json_object_get(v, "users");
	json_t *user;
	size_t i;

	fputs("<tr><th scope=row>", out);
	fprintf(out, "<a href=\"/?range=%s&amp;verdict=%lld#evidence\" class=\"%s\">", s->range->name,
	        (long long)json_integer_value(json_object_get(v, "id")),
	        site_mark_class(v, json_string_value(json_array_get(json_object_get(v, "segments"), 0))));
	html_print(out, site_get(v, "verdict"));
	fputs("</a>", out);
	site_cell(out, "Began", "wide");
	site_time_of(out, site_get(v, "drop_time"), SITE_DATE);
	site_cell(out, "Lasted", "figure");
	html_print(out, site_get(v, "lasted"));
	site_cell(out, "State", site_get(v, "state"));
	html_print(out, site_get(v, "state"));
	site_cell(out, "Users", "wide");
	fputs(json_array_size(users) == 0 ? "-" : "", out);
	json_array_foreach ((json_t *)users, i, user) {
		fputs(i > 0 ? ", " : "", out);
		html_print(out, json_string_value(user));
	}
}

void site_verdicts_put(FILE *out, const struct site_data *s)
{
	size_t shown = 0, more = 0, i;
	struct verdict_span span;
	json_t *v;

	fprintf(out, "<section><h2>Verdicts of the last %s</h2>", s->range->title);
	json_array_foreach (s->verdicts, i, v) {
		if (!verdict_span_read(v, &span) || (span.ended_us > 0 && span.ended_us < s->from_us))
			continue;
		if (shown == VERDICTS_MAX) {
			more++;
			continue;
		}
		if (shown++ == 0)
			fputs(
			    "<table><thead><tr><th>Verdict<th>Began<th class=figure>Lasted<th>State<th>Users</thead>"
			    "<tbody>",
			    out);
		row_put(out, s, v);
	}
	fputs(shown > 0 ? "</table>" : "<p class=note>None: nobody was cut off, and no leg failed.</p>", out);
	if (more > 0)
		fprintf(out, "<p class=note>and %zu older ones: t3opsctl verdicts --since %s</p>", more,
		        s->range->name);
	fputs("</section>\n", out);
}
