/* SPDX-License-Identifier: MIT */
/* Which segments can be told apart; see identifiability.h. */
#include "conf/identifiability.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define SEGMENTS_MAX 64
#define LEGS_MAX     64

enum side { SIDE_NONE = 0, SIDE_BEFORE, SIDE_AT, SIDE_BEHIND, SIDE_RESOLVER };

/* As many segments and legs as the config has. */
struct view {
	const char **segments;
	size_t n;
	const char **legs;
	size_t n_legs, room_for_legs;
	unsigned char *sides; /* of segment i and leg k: [i * room_for_legs + k] */
};

static void *room(size_t n, size_t size)
{
	void *p = calloc(n > 0 ? n : 1, size);

	if (!p)
		abort();
	return p;
}

static void view_init(struct view *v, const struct resolved_config *c)
{
	size_t n = c->options.user_path.n;

	for (size_t i = 0; i < c->n_plugins; i++)
		n += c->plugins[i].leg.segments.n + c->plugins[i].leg.resolver_segments.n;
	*v = (struct view){.segments = room(n, sizeof *v->segments),
	                   .legs = room(c->n_plugins, sizeof *v->legs),
	                   .room_for_legs = c->n_plugins,
	                   .sides = room(n * c->n_plugins, 1)};
}

static void view_fini(struct view *v)
{
	free(v->segments);
	free(v->legs);
	free(v->sides);
}

static unsigned char *side_at(const struct view *v, size_t segment, size_t leg)
{
	return &v->sides[segment * v->room_for_legs + leg];
}

static size_t segment_index(struct view *v, const char *name)
{
	size_t i = 0;

	while (i < v->n && strcmp(v->segments[i], name) != 0)
		i++;
	if (i == v->n)
		v->segments[v->n++] = name;
	return i;
}

static void side_set(struct view *v, const char *segment, size_t leg, enum side side)
{
	unsigned char *at = side_at(v, segment_index(v, segment), leg);

	if (*at == SIDE_NONE)
		*at = (unsigned char)side;
}

static void leg_add(struct view *v, const struct plugin_section *s)
{
	const struct leg_options *o = &s->leg;
	const char *edge = o->edge[0] != '\0' ? o->edge : o->segments.items[0];
	enum side side = SIDE_BEFORE;
	size_t leg = v->n_legs;

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
	return memcmp(side_at(v, a, 0), side_at(v, b, 0), v->n_legs) == 0;
}

static bool is_seen(const struct view *v, size_t segment)
{
	for (size_t leg = 0; leg < v->n_legs; leg++)
		if (*side_at(v, segment, leg) != SIDE_NONE)
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
		if (*side_at(v, segment, leg) != SIDE_NONE) {
			fprintf(out, "%s%s", gap, v->legs[leg]);
			gap = ", ";
		}
}

/* The segments that look like this one, itself included; each gets the number of its group. */
static size_t group_mark(const struct view *v, size_t first, size_t *group)
{
	size_t n = 0;

	for (size_t i = first; i < v->n; i++)
		if (same_view(v, first, i)) {
			group[i] = first + 1;
			n++;
		}
	return n;
}

/* One line for a group of several. */
static void group_print(const struct view *v, size_t first, const size_t *group, size_t n, FILE *out)
{
	size_t printed = 0;

	fputs("segments that cannot be told apart: ", out);
	for (size_t i = first; i < v->n; i++)
		if (group[i] == first + 1) {
			fprintf(out, "%s%s", printed == 0 ? "" : printed + 1 == n ? " and " : ", ", v->segments[i]);
			printed++;
		}
	fputs(" (", out);
	legs_print(v, first, out);
	fputs("; a leg that crosses only one of them would tell)\n", out);
}

static void groups_print(const struct view *v, FILE *out)
{
	size_t *group = room(v->n, sizeof *group); /* 0: in none so far */
	bool any = false;

	for (size_t i = 0; i < v->n; i++) {
		size_t n = group[i] == 0 ? group_mark(v, i, group) : 0;

		if (n < 2)
			continue;
		group_print(v, i, group, n, out);
		any = true;
	}
	if (!any)
		fprintf(out, "segments: all %zu can be told apart\n", v->n);
	free(group);
}

void identifiability_print(const struct resolved_config *c, FILE *out)
{
	struct view v;

	view_init(&v, c);
	for (size_t i = 0; i < c->options.user_path.n; i++)
		segment_index(&v, c->options.user_path.items[i]);
	for (size_t i = 0; i < c->n_plugins; i++)
		if (c->plugins[i].roles & T3OPS_ROLE_LEG)
			leg_add(&v, &c->plugins[i]);
	if (v.n_legs > 0)
		groups_print(&v, out);
	else
		fputs("segments: no leg is configured; the cause of a drop can only be the user's path or the t3 "
		      "server\n",
		      out);
	view_fini(&v);
}
