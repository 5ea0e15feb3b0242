/* SPDX-License-Identifier: MIT */
/* The bill of each segment; see site_segments.h. */
#include "monitor/site_segments.h"

#include <stdlib.h>
#include <string.h>

#include "monitor/duration_words.h"
#include "monitor/site_write.h"
#include "monitor/verdict_span.h"
#include "net/html.h"
#include "tbl/room.h"

static const uint64_t windows_us[SITE_WINDOWS] = {SITE_DAY_US, 30 * SITE_DAY_US, 90 * SITE_DAY_US};
static const char *const window_names[SITE_WINDOWS] = {"24 h", "30 d", "90 d"};
static const char *const kinds[] = {"exonerated", "host", "prober", "unknown", "inconclusive"};

static void segment_add(struct site_segments *all, const char *name, bool is_kind)
{
	struct site_segment *rows;

	for (size_t i = 0; i < all->n; i++)
		if (strcmp(all->rows[i].name, name) == 0)
			return;
	rows = room_for_one(all->rows, all->n, &all->room, sizeof *rows);
	if (rows == NULL)
		return;
	all->rows = rows;
	all->rows[all->n++] = (struct site_segment){.name = name, .is_kind = is_kind, .now = "ok"};
}

static void segments_add(struct site_segments *all, const struct text_list *names)
{
	for (size_t i = 0; i < names->n; i++)
		segment_add(all, names->items[i], false);
}

static bool is_alone(const json_t *verdict)
{
	return json_array_size(json_object_get(verdict, "segments")) == 1;
}

const char *site_mark_class(const json_t *verdict, const char *segment)
{
	if (json_is_true(json_object_get(verdict, "infra_exonerated")))
		return "cleared";
	for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
		if (strcmp(kinds[i], segment) == 0)
			return "other";
	return is_alone(verdict) ? "alone" : "shared";
}

/* The part of the span from then on, in seconds. */
static double part_s(const struct verdict_span *span, uint64_t from_us, uint64_t until_us)
{
	uint64_t from = span->began_us > from_us ? span->began_us : from_us;
	uint64_t until = span->ended_us > 0 && span->ended_us < until_us ? span->ended_us : until_us;

	return until > from ? (double)(until - from) / 1e6 : 0;
}

static void verdict_count(struct site_segment *g, const struct site_data *s, const json_t *v)
{
	struct verdict_span span;
	double in_range;

	if (!verdict_span_read(v, &span))
		return;
	in_range = part_s(&span, s->from_us, s->until_us);
	g->verdicts += span.ended_us == 0 || span.ended_us >= s->from_us;
	if (is_alone(v))
		g->lost_s += in_range * (double)verdict_span_users(v);
	else
		g->shared_s += in_range * (double)verdict_span_users(v);
	for (size_t w = 0; is_alone(v) && w < SITE_WINDOWS; w++)
		g->down_s[w] += part_s(&span, s->until_us - windows_us[w], s->until_us);
	if (span.ended_us == 0)
		g->now = is_alone(v) ? "down" : strcmp(g->now, "down") == 0 ? "down" : "suspect";
}

static void known_fill(struct site_segment *g, const struct site_data *s)
{
	uint64_t age_us = s->until_us - s->first_us;

	for (size_t w = 0; w < SITE_WINDOWS; w++)
		g->known_s[w] = (double)(age_us < windows_us[w] ? age_us : windows_us[w]) / 1e6;
}

void site_segments_init(struct site_segments *all, const struct site_data *s)
{
	const struct process_config *config = s->monitor->process->config;
	json_t *v;
	size_t i;

	*all = (struct site_segments){.n = 0};
	segments_add(all, &config->core.user_path);
	for (i = 0; i < config->n_sections; i++) {
		segments_add(all, &config->sections[i].leg.segments);
		segments_add(all, &config->sections[i].leg.resolver_segments);
	}
	for (i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
		segment_add(all, kinds[i], true);
	for (size_t k = 0; k < all->n; k++) {
		known_fill(&all->rows[k], s);
		json_array_foreach (s->verdicts, i, v)
			if (verdict_span_has_segment(v, all->rows[k].name))
				verdict_count(&all->rows[k], s, v);
	}
}

void site_segments_fini(struct site_segments *all)
{
	free(all->rows);
	*all = (struct site_segments){.n = 0};
}

/* ---- the table -------------------------------------------------------------------------------------- */

/* Never rounded up: "100 %" is said of nothing that was down. */
static void availability_put(FILE *out, const struct site_segment *g, size_t w)
{
	double down = g->down_s[w] < g->known_s[w] ? g->down_s[w] : g->known_s[w];
	double parts = g->known_s[w] > 0 ? (1 - down / g->known_s[w]) * 1e5 : 1e5;
	char words[DURATION_WORDS_SIZE];

	site_cell(out, window_names[w], "figure");
	duration_words(down, words);
	if (down <= 0)
		fputs("100&#8239;%", out);
	else
		fprintf(out, "<span title=\"down for %s\">%.3f&#8239;%%</span>", words,
		        (double)(long)(parts < 99999 ? parts : 99999) / 1000);
}

static void lost_put(FILE *out, const struct site_segment *g)
{
	site_cell(out, "User-min lost", "figure");
	fprintf(out, "%.1f", g->lost_s / 60);
	if (g->shared_s > 0)
		fprintf(out, " <small>and %.1f with others</small>", g->shared_s / 60);
}

static void row_put(FILE *out, const struct site_segment *g)
{
	fputs("<tr><th scope=row>", out);
	html_print(out, g->name);
	site_cell(out, "Now", g->now);
	fputs(strcmp(g->now, "ok") == 0 ? "ok" : g->now, out);
	lost_put(out, g);
	for (size_t w = 0; w < SITE_WINDOWS; w++)
		availability_put(out, g, w);
	site_cell(out, "Verdicts", "figure");
	fprintf(out, "%zu", g->verdicts);
}

void site_segments_put(FILE *out, const struct site_data *s)
{
	struct site_segments all;

	site_segments_init(&all, s);
	fprintf(out,
	        "<section><h2>Segments</h2><p class=note>User-minutes and verdicts of the last %s; availability "
	        "counts the "
	        "time in which a verdict named the segment alone",
	        s->range->title);
	if (s->until_us - s->first_us < windows_us[SITE_OF_QUARTER]) {
		fputs(", since the journal began on ", out);
		site_time(out, s->first_us, SITE_DATE);
	}
	fputs(".</p><table><thead><tr><th>Segment<th>Now<th class=figure>User-minutes lost<th class=figure>24 h<th "
	      "class=figure>30 d<th class=figure>90 d<th class=figure>Verdicts</thead><tbody>",
	      out);
	for (size_t i = 0; i < all.n; i++)
		if (!all.rows[i].is_kind)
			row_put(out, &all.rows[i]);
	fputs("</table></section>\n", out);
	site_segments_fini(&all);
}
