/* SPDX-License-Identifier: MIT */
/* Lanes; see site_timeline.h.  Every place is a percentage, so that a drawing is as wide as the screen. */
#include "monitor/site_timeline.h"

#include <stdlib.h>
#include <string.h>

#include "monitor/site_segments.h"
#include "monitor/site_write.h"
#include "monitor/verdict_span.h"
#include "net/html.h"

#define TICKS      6
#define BARS       150 /* of pressure */
#define PEOPLE_MAX 60
#define LEGS_MAX   60

static double place(const struct site_data *s, uint64_t at_us)
{
	uint64_t at = at_us < s->from_us ? s->from_us : at_us > s->until_us ? s->until_us : at_us;

	return (double)(at - s->from_us) * 100. / (double)(s->until_us - s->from_us);
}

/* Of "LEG(alice)" the user first, for the end is what a narrow screen leaves out. */
static void name_put(FILE *out, const char *name)
{
	size_t len = strcspn(name, "("), user = name[len] == '(' ? strcspn(name + len + 1, ")") : 0;
	char text[400];

	if (user > 0)
		snprintf(text, sizeof text, "%.*s: %.*s", (int)user, name + len + 1, (int)len, name);
	else
		snprintf(text, sizeof text, "%s", name);
	html_print(out, text);
}

/* A row: its name, then a drawing that the caller fills and track_end closes. */
static void track_begin(FILE *out, const char *name, const char *class)
{
	fprintf(out, "<div class=\"row %s\"><div class=name title=\"", class);
	html_print(out, name);
	fputs("\">", out);
	name_put(out, name);
	fputs("</div><svg class=track width=\"100%\" height=\"20\" role=img aria-label=\"", out);
	html_print(out, name);
	fputs("\"><rect class=ground x=0 y=9 width=\"100%\" height=2 />", out);
}

static void track_end(FILE *out)
{
	fputs("</svg></div>\n", out);
}

static void bar_put(FILE *out, const struct site_data *s, uint64_t from_us, uint64_t until_us, const char *class)
{
	double from = place(s, from_us), until = place(s, until_us);

	fprintf(out, "<rect class=\"%s\" x=\"%.3f%%\" y=4 width=\"%.3f%%\" height=12 />", class, from, until - from);
}

static void group_begin(FILE *out, const char *title)
{
	fprintf(out, "<h3>%s</h3>\n", title);
}

/* ---- the axis ------------------------------------------------------------------------------------ */

static enum site_form axis_form(const struct site_data *s)
{
	return s->range->length_us <= SITE_DAY_US ? SITE_MINUTE : SITE_DAY;
}

static void axis_put(FILE *out, const struct site_data *s)
{
	fputs("<div class=\"row axis\"><div class=name></div><svg class=track width=\"100%\" height=\"16\" "
	      "aria-hidden=true>",
	      out);
	for (int i = 0; i <= TICKS; i++) {
		uint64_t at_us = s->from_us + (s->until_us - s->from_us) / TICKS * (uint64_t)i;
		const char *class = i == 0 ? "first" : i == TICKS ? "last" : i % 2 != 0 ? "minor" : "";

		site_axis_text(out, at_us, axis_form(s), (double)i * 100. / TICKS, class);
	}
	fputs("</svg></div>\n", out);
}

/* ---- segments ---------------------------------------------------------------------------------------- */

/* "tunnel, 1 min 24 s, 3 users" */
static void mark_title(FILE *out, const json_t *v)
{
	html_print(out, site_get(v, "verdict"));
	fputs(", ", out);
	html_print(out, site_get(v, "lasted"));
	fprintf(out, ", %llu user%s, ", (unsigned long long)verdict_span_users(v),
	        verdict_span_users(v) == 1 ? "" : "s");
	html_print(out, site_get(v, "state"));
}

static void mark_put(FILE *out, const struct site_data *s, const json_t *v, const char *segment)
{
	long long id = (long long)json_integer_value(json_object_get(v, "id"));
	struct verdict_span span;

	if (!verdict_span_read(v, &span) || (span.ended_us > 0 && span.ended_us < s->from_us))
		return;
	fprintf(out, "<a class=\"mark %s\" href=\"/?range=%s&amp;verdict=%lld#evidence\" aria-label=\"",
	        site_mark_class(v, segment), s->range->name, id);
	mark_title(out, v);
	fputs("\"><title>", out);
	mark_title(out, v);
	fputs("</title>", out);
	bar_put(out, s, span.began_us, span.ended_us > 0 ? span.ended_us : s->until_us, "span");
	fprintf(out, "<circle cx=\"%.3f%%\" cy=10 r=%s /></a>", place(s, span.began_us),
	        (uint64_t)id == s->chosen ? "7" : "5");
}

static void segment_lane(FILE *out, const struct site_data *s, const char *segment)
{
	track_begin(out, segment, "segment");
	for (size_t i = json_array_size(s->verdicts); i-- > 0;) {
		const json_t *v = json_array_get(s->verdicts, i);

		if (verdict_span_has_segment(v, segment))
			mark_put(out, s, v, segment);
	}
	track_end(out);
}

static void segments_put(FILE *out, const struct site_data *s)
{
	struct site_segments all;

	group_begin(out, "Segments <small>what the verdicts say of each</small>");
	site_segments_init(&all, s);
	for (size_t i = 0; i < all.n; i++)
		if (!all.rows[i].is_kind || all.rows[i].verdicts > 0)
			segment_lane(out, s, all.rows[i].name);
	site_segments_fini(&all);
}

/* ---- legs and users ------------------------------------------------------------------------------------ */

static void lane_put(FILE *out, const struct site_data *s, const struct site_lane *lane)
{
	static const char *const classes[] = {
	    [SITE_UP] = "up", [SITE_LATE] = "late", [SITE_DOWN] = "down", [SITE_CONNECTED] = "connected"};

	track_begin(out, lane->name, "lane");
	for (size_t i = 0; i < lane->n; i++) {
		const struct site_span *span = &lane->spans[i];

		if (span->kind != SITE_DROP)
			bar_put(out, s, span->from_us, span->until_us, classes[span->kind]);
	}
	for (size_t i = 0; i < lane->n; i++)
		if (lane->spans[i].kind == SITE_DROP)
			fprintf(out, "<circle class=drop cx=\"%.3f%%\" cy=10 r=4 />",
			        place(s, lane->spans[i].from_us));
	track_end(out);
}

static void lanes_put(FILE *out, const struct site_data *s, const struct site_lanes *lanes, size_t most,
                      const char *title)
{
	if (lanes->n == 0)
		return;
	group_begin(out, title);
	for (size_t i = 0; i < lanes->n && i < most; i++)
		lane_put(out, s, &lanes->rows[i]);
	if (lanes->n > most)
		fprintf(out, "<p class=note>and %zu more: t3opsctl users, t3opsctl legs</p>", lanes->n - most);
}

/* ---- the host -------------------------------------------------------------------------------------------- */

static unsigned part_get(const struct journal_minute *m, int which)
{
	return which == 0 ? m->memory : which == 1 ? m->io : m->cpu;
}

/* The worst minute of each bar. */
static void bars_fill(const struct site_data *s, int which, unsigned bars[BARS])
{
	memset(bars, 0, BARS * sizeof *bars);
	for (size_t i = 0; i < s->n_minutes; i++) {
		size_t bar = (size_t)(place(s, s->minutes[i].time_us) * BARS / 100.);
		unsigned part = part_get(&s->minutes[i], which);

		bar = bar < BARS ? bar : BARS - 1;
		bars[bar] = part > bars[bar] ? part : bars[bar];
	}
}

static void pressure_lane(FILE *out, const struct site_data *s, int which, const char *name)
{
	double minute = 60e6 * 100. / (double)(s->until_us - s->from_us), width = 100. / BARS;
	unsigned bars[BARS];

	bars_fill(s, which, bars);
	track_begin(out, name, "host");
	for (int i = 0; i < BARS; i++) {
		double height = bars[i] / 10000. * 18.;

		if (bars[i] > 50)
			fprintf(out,
			        "<rect class=\"%s\" x=\"%.3f%%\" y=\"%.1f\" width=\"%.3f%%\" height=\"%.1f\"><title>"
			        "%.1f %%</title></rect>",
			        bars[i] > 2000 ? "strained" : "pressure", i * width, 19. - height,
			        minute > width ? minute : width, height + 1, bars[i] / 100.);
	}
	track_end(out);
}

static void pressure_put(FILE *out, const struct site_data *s)
{
	group_begin(out, "Host <small>part of each minute in which this machine stood still for lack of it</small>");
	if (s->n_minutes == 0) {
		fputs("<p class=note>Nothing is known of it in this time.</p>", out);
		return;
	}
	pressure_lane(out, s, 0, "memory");
	pressure_lane(out, s, 1, "io");
	pressure_lane(out, s, 2, "cpu");
}

void site_timeline(FILE *out, const struct site_data *s)
{
	fputs("<section class=timeline aria-label=Timeline>\n", out);
	segments_put(out, s);
	axis_put(out, s);
	lanes_put(out, s, &s->legs, LEGS_MAX, "Legs <small>the permanent probes</small>");
	lanes_put(out, s, &s->people, PEOPLE_MAX,
	          s->people.drops_only ? "Users <small>drops</small>" : "Users <small>connected, and drops</small>");
	pressure_put(out, s);
	axis_put(out, s);
	if (s->cut)
		fputs("<p class=note>So much happened that the oldest part of this range is not drawn.</p>", out);
	fputs("</section>\n", out);
}
