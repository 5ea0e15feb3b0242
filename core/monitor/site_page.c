/* SPDX-License-Identifier: MIT */
/* The page, part by part; see site_page.h. */
#include "monitor/site_page.h"

#include <stdlib.h>
#include <string.h>

#include "monitor/duration_words.h"
#include "monitor/site_segments.h"
#include "monitor/site_story.h"
#include "monitor/site_tables.h"
#include "monitor/site_timeline.h"
#include "monitor/site_write.h"
#include "net/html.h"

/* Without the time, and the word before it. */
static void title_put(FILE *out, const json_t *headline)
{
	const char *lead = site_get(headline, "lead"), *last = strrchr(lead, ' ');

	for (; *lead != '\0' && lead != last; lead++)
		html_print(out, (const char[]){*lead, '\0'});
	html_print(out, site_get(headline, "rest"));
}

static void top_put(FILE *out, const struct site_data *s)
{
	fputs(
	    "<!doctype html>\n<html lang=en><head><meta charset=utf-8><meta name=viewport "
	    "content=\"width=device-width, initial-scale=1\"><meta name=color-scheme content=\"light dark\"><title>",
	    out);
	title_put(out, s->headline);
	fputs(
	    " - t3ops</title><link rel=icon href=/site.svg><link rel=stylesheet href=/site.css><script src=/site.js "
	    "defer></script></head>\n<body>",
	    out);
}

static void headline_put(FILE *out, const struct site_data *s)
{
	fputs("<header class=\"headline ", out);
	html_print(out, site_get(s->headline, "state"));
	fputs("\"><h1>", out);
	html_print(out, site_get(s->headline, "lead"));
	fputc(' ', out);
	site_time_of(out, site_get(s->headline, "since"), SITE_NEAR);
	html_print(out, site_get(s->headline, "rest"));
	fputs("</h1></header>\n", out);
}

static void about_put(FILE *out, const struct site_data *s)
{
	const char *vantage = s->monitor->process->config->core.vantage;
	char uptime[DURATION_WORDS_SIZE];

	duration_words(json_number_value(json_object_get(s->status, "uptime_seconds")), uptime);
	fputs("<p class=about>Times are <b id=zone>", out);
	site_zone(out);
	fputs("</b>, now ", out);
	site_time(out, s->until_us, SITE_SECOND);
	fputs(" <span id=live></span> &middot; ", out);
	html_print(out, s->monitor->host_name);
	if (vantage[0] != '\0') {
		fputs(", seen from ", out);
		html_print(out, vantage);
	}
	fputs(" &middot; t3ops ", out);
	html_print(out, site_get(s->status, "version"));
	fprintf(out, ", the monitor is up for %s</p>\n", uptime);
}

static void ranges_put(FILE *out, const struct site_data *s)
{
	fputs("<nav class=ranges aria-label=Range>", out);
	for (size_t i = 0; i < site_ranges_n; i++)
		fprintf(out, "<a href=\"/?range=%s\"%s>%s</a> ", site_ranges[i].name,
		        &site_ranges[i] == s->range ? " aria-current=page" : "", site_ranges[i].title);
	fputs("</nav>\n", out);
}

char *site_page(const struct site_data *s, size_t *len)
{
	char *text = NULL;
	FILE *out = open_memstream(&text, len);

	if (out == NULL)
		return NULL;
	top_put(out, s);
	fputs("<main id=main>\n", out);
	headline_put(out, s);
	about_put(out, s);
	ranges_put(out, s);
	site_timeline(out, s);
	site_story(out, s);
	site_verdicts_put(out, s);
	site_segments_put(out, s);
	site_users_put(out, s);
	site_legs_put(out, s);
	site_processes_put(out, s);
	fputs(
	    "<footer>For programs: <a href=/status>status</a> <a href=/verdicts>verdicts</a> <a href=/metrics>metrics"
	    "</a></footer>\n</main></body></html>\n",
	    out);
	if (fclose(out) == 0)
		return text;
	free(text);
	return NULL;
}
