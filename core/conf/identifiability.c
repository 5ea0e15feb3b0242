/* SPDX-License-Identifier: MIT */
/* Which segments can be reported apart; see identify.h. */
#include "conf/identifiability.h"

#include <stdbool.h>
#include <string.h>

#include "conf/resolved_config.h"

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

static void leg_add(struct view *v, const json_t *row)
{
	const json_t *options = json_object_get(row, "options"), *list = json_object_get(options, "segments");
	const char *edge = json_string_value(json_object_get(options, "edge"));
	enum side side = SIDE_BEFORE;
	size_t leg = v->n_legs, i;
	json_t *item;

	if (leg == LEGS_MAX)
		return;
	v->legs[v->n_legs++] = json_string_value(json_object_get(row, "name"));
	if (!edge || edge[0] == '\0')
		edge = json_string_value(json_array_get(list, 0));
	json_array_foreach ((json_t *)list, i, item) {
		const char *segment = json_string_value(item);
		bool at = edge && strcmp(segment, edge) == 0;

		side_set(v, segment, leg, at ? SIDE_AT : side);
		side = at ? SIDE_BEHIND : side;
	}
	json_array_foreach (json_object_get(options, "resolver_segments"), i, item)
		side_set(v, json_string_value(item), leg, SIDE_RESOLVER);
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

void identifiability_print(const json_t *core, const json_t *plugins, FILE *out)
{
	struct view v = {.n = 0};
	bool done[SEGMENTS_MAX] = {false}, any = false;
	json_t *row;
	size_t i;

	json_array_foreach (json_object_get(json_object_get(core, "core"), "user_path"), i, row)
		segment_index(&v, json_string_value(row));
	json_array_foreach (json_object_get(plugins, "plugins"), i, row)
		if (section_has_role(row, T3OPS_ROLE_LEG))
			leg_add(&v, row);
	if (v.n_legs == 0) {
		fputs(
		    "segments: no leg is configured; a drop can only be said to be the user's path or the instance\n",
		    out);
		return;
	}
	for (i = 0; i < v.n; i++)
		if (!done[i])
			any = group_print(&v, i, done, out) || any;
	if (!any)
		fprintf(out, "segments: every one of %zu can be reported apart\n", v.n);
}
