/* SPDX-License-Identifier: MIT */
/* Which segments can be reported apart; see identifiability.h. */
#include "conf/identifiability.h"

#include <stdbool.h>
#include <string.h>

#define SEGMENTS_MAX 64
#define LEGS_MAX     64

enum side { SIDE_NONE = 0, SIDE_BEFORE, SIDE_AT, SIDE_BEHIND, SIDE_RESOLVER };

struct view {
	const char *segments[SEGMENTS_MAX];
	size_t n;
	const char *legs[LEGS_MAX];
	size_t n_legs;
	unsigned char side[SEGMENTS_MAX][LEGS_MAX];
};

static size_t segment_index(struct view *v, const char *name)
{
	size_t i = 0;

	while (i < v->n && strcmp(v->segments[i], name) != 0)
		i++;
	if (i == v->n && v->n < SEGMENTS_MAX)
		v->segments[v->n++] = name;
	return i;
}

static void side_set(struct view *v, const char *segment, size_t leg, enum side side)
{
	size_t i = segment_index(v, segment);

	if (i < SEGMENTS_MAX && v->side[i][leg] == SIDE_NONE)
		v->side[i][leg] = (unsigned char)side;
}

static void leg_add(struct view *v, const struct plugin_section *s)
{
	const struct leg_options *o = &s->leg;
	const char *edge = o->edge[0] != '\0' ? o->edge : o->segments.items[0];
	enum side side = SIDE_BEFORE;
	size_t leg = v->n_legs;

	if (leg == LEGS_MAX)
		return;
	v->legs[v->n_legs++] = s->name;
	for (size_t i = 0; i < o->segments.n; i++) {
		bool at = strcmp(o->segments.items[i], edge) == 0;

		side_set(v, o->segments.items[i], leg, at ? SIDE_AT : side);
		side = at ? SIDE_BEHIND : side;
	}
	for (size_t i = 0; i < o->resolver_segments.n; i++)
		side_set(v, o->resolver_segments.items[i], leg, SIDE_RESOLVER);
}

static bool same_view(const struct view *v, size_t a, size_t b)
{
	return memcmp(v->side[a], v->side[b], v->n_legs) == 0;
}

static bool is_seen(const struct view *v, size_t segment)
{
	for (size_t leg = 0; leg < v->n_legs; leg++)
		if (v->side[segment][leg] != SIDE_NONE)
			return true;
	return false;
}

static void legs_print(const struct view *v, size_t segment, FILE *out)
{
	const char *gap = "";

	if (!is_seen(v, segment)) {
		fputs("no leg crosses any of them", out);
		return;
	}
	fputs("the same legs cross them: ", out);
	for (size_t leg = 0; leg < v->n_legs; leg++)
		if (v->side[segment][leg] != SIDE_NONE) {
			fprintf(out, "%s%s", gap, v->legs[leg]);
			gap = ", ";
		}
}

/* One line if the group that begins with this segment has others; those are marked done. */
static bool group_print(const struct view *v, size_t first, bool *done, FILE *out)
{
	size_t members[SEGMENTS_MAX], n = 0;

	for (size_t i = first; i < v->n; i++)
		if (same_view(v, first, i)) {
			done[i] = true;
			members[n++] = i;
		}
	if (n < 2)
		return false;
	fputs("segments that cannot be reported apart: ", out);
	for (size_t i = 0; i < n; i++)
		fprintf(out, "%s%s", i == 0 ? "" : i + 1 == n ? " and " : ", ", v->segments[members[i]]);
	fputs(" (", out);
	legs_print(v, first, out);
	fputs("; a leg that crosses only one of them would report)\n", out);
	return true;
}

void identifiability_print(const struct resolved_config *c, FILE *out)
{
	struct view v = {.n = 0};
	bool done[SEGMENTS_MAX] = {false}, any = false;

	for (size_t i = 0; i < c->options.user_path.n; i++)
		segment_index(&v, c->options.user_path.items[i]);
	for (size_t i = 0; i < c->n_plugins; i++)
		if (c->plugins[i].roles & T3OPS_ROLE_LEG)
			leg_add(&v, &c->plugins[i]);
	if (v.n_legs == 0) {
		fputs(
		    "segments: no leg is configured; a drop can only be said to be the user's path or the instance\n",
		    out);
		return;
	}
	for (size_t i = 0; i < v.n; i++)
		if (!done[i])
			any = group_print(&v, i, done, out) || any;
	if (!any)
		fprintf(out, "segments: every one of %zu can be reported apart\n", v.n);
}
