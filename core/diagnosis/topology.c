/* SPDX-License-Identifier: MIT */
/* Paths of the configuration and their interned segments; see topology.h. */
#include "diagnosis/topology.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SEGMENT_MAX 128

struct topology {
	char **names; /* interned; never freed before the topology */
	size_t n_names, room_for_names;
	struct tomo_path user_path;
	struct tomo_path per_user;
	struct leg_def *legs;
	size_t n_legs;
};

static const char *intern(struct topology *t, const char *name)
{
	char *copy;

	for (size_t i = 0; i < t->n_names; i++)
		if (strcmp(t->names[i], name) == 0)
			return t->names[i];
	if (t->n_names == t->room_for_names) {
		size_t more = t->room_for_names > 0 ? 2 * t->room_for_names : 32;
		char **names = realloc(t->names, more * sizeof *names);

		if (names == NULL)
			return NULL;
		t->names = names;
		t->room_for_names = more;
	}
	copy = strdup(name);
	if (copy != NULL)
		t->names[t->n_names++] = copy;
	return copy;
}

static void add_name(struct topology *t, struct tomo_path *p, const char *name)
{
	const char *interned = intern(t, name);

	if (interned != NULL)
		tomo_path_add(p, interned);
}

static void add_list(struct topology *t, struct tomo_path *p, const json_t *list)
{
	size_t i;
	json_t *item;

	json_array_foreach (list, i, item)
		if (json_is_string(item))
			add_name(t, p, json_string_value(item));
}

static void leg_def_read(struct topology *t, struct leg_def *leg, const json_t *row)
{
	const char *name = json_string_value(json_object_get(row, "name"));
	const char *edge = json_string_value(json_object_get(row, "edge"));

	leg->name = intern(t, name != NULL ? name : "");
	leg->per_user = json_is_true(json_object_get(row, "per_user"));
	add_list(t, &leg->segments, json_object_get(row, "segments"));
	add_list(t, &leg->resolver, json_object_get(row, "resolver_segments"));
	leg->looks_up = leg->resolver.n > 0;
	if (!leg->looks_up)
		add_name(t, &leg->resolver, "dns");
	for (size_t i = 0; edge != NULL && i < leg->segments.n; i++)
		if (strcmp(leg->segments.segments[i], edge) == 0)
			leg->edge = i;
}

struct topology *topology_new(const json_t *config)
{
	const json_t *core = json_object_get(config, "core"), *legs = json_object_get(config, "legs");
	struct topology *t = calloc(1, sizeof *t);
	size_t i;
	json_t *row;

	if (t == NULL)
		return NULL;
	add_list(t, &t->user_path, json_object_get(core, "user_path"));
	add_list(t, &t->per_user, json_object_get(core, "per_user"));
	t->legs = calloc(json_array_size(legs) + 1, sizeof *t->legs);
	if (t->legs == NULL) {
		topology_free(t);
		return NULL;
	}
	json_array_foreach (legs, i, row)
		leg_def_read(t, &t->legs[t->n_legs++], row);
	return t;
}

void topology_free(struct topology *t)
{
	if (t == NULL)
		return;
	for (size_t i = 0; i < t->n_names; i++)
		free(t->names[i]);
	free(t->names);
	free(t->legs);
	free(t);
}

const struct leg_def *topology_leg(const struct topology *t, const char *name)
{
	for (size_t i = 0; i < t->n_legs; i++)
		if (t->legs[i].name != NULL && strcmp(t->legs[i].name, name) == 0)
			return &t->legs[i];
	return NULL;
}

size_t topology_n_legs(const struct topology *t)
{
	return t->n_legs;
}

const struct leg_def *topology_leg_at(const struct topology *t, size_t i)
{
	return &t->legs[i];
}

/* Adds a configured segment as this user has it: "serve" becomes "serve(alice)" where it is per user. */
static void add_segment(struct topology *t, struct tomo_path *out, const char *segment, const char *user)
{
	char own[SEGMENT_MAX];

	if (user == NULL || user[0] == '\0' || !tomo_path_has(&t->per_user, segment)) {
		tomo_path_add(out, segment);
		return;
	}
	if (snprintf(own, sizeof own, "%s(%s)", segment, user) < (int)sizeof own)
		add_name(t, out, own);
}

static void add_range(struct topology *t, struct tomo_path *out, const struct tomo_path *from, const char *user,
                      size_t first, size_t end)
{
	for (size_t i = first; i < end && i < from->n; i++)
		add_segment(t, out, from->segments[i], user);
}

void topology_leg_path(struct topology *t, const struct leg_def *leg, const char *user, enum leg_part part,
                       struct tomo_path *out)
{
	const char *whose = leg->per_user ? user : NULL;
	size_t n = leg->segments.n, edge = leg->edge;

	out->n = 0;
	switch (part) {
	case PART_NONE:
		break;
	case PART_ALL:
		add_range(t, out, &leg->segments, whose, 0, n);
		break;
	case PART_TO_EDGE:
		add_range(t, out, &leg->segments, whose, 0, edge + 1);
		break;
	case PART_BEFORE_EDGE:
		add_range(t, out, &leg->segments, whose, 0, edge);
		break;
	case PART_FROM_EDGE:
		add_range(t, out, &leg->segments, whose, edge, n);
		break;
	case PART_AFTER_EDGE:
		add_range(t, out, &leg->segments, whose, edge + 1 < n ? edge + 1 : edge, n);
		break;
	case PART_RESOLVER:
		add_range(t, out, &leg->resolver, whose, 0, leg->resolver.n);
		break;
	}
}

void topology_user_path(struct topology *t, const char *user, enum user_part part, struct tomo_path *out)
{
	size_t n = t->user_path.n;

	out->n = 0;
	if (n == 0 || part == USER_NONE)
		return;
	if (part == USER_SERVE)
		add_range(t, out, &t->user_path, user, n - 1, n);
	else
		add_range(t, out, &t->user_path, user, 0, part == USER_ALL ? n : n - 1);
}

static bool is_instance_of(const char *segment, const char *base)
{
	size_t len = strlen(base);

	return strncmp(segment, base, len) == 0 && (segment[len] == '\0' || segment[len] == '(');
}

bool topology_is_last_mile(const struct topology *t, const char *segment)
{
	return t->user_path.n > 1 && tomo_path_has(&t->per_user, t->user_path.segments[0]) &&
	       is_instance_of(segment, t->user_path.segments[0]);
}

bool topology_is_serve(const struct topology *t, const char *segment)
{
	return t->user_path.n > 0 && is_instance_of(segment, t->user_path.segments[t->user_path.n - 1]);
}

void segment_base(const char *segment, char *out, size_t size)
{
	size_t len = strcspn(segment, "(");

	if (len >= size)
		len = size - 1;
	memcpy(out, segment, len);
	out[len] = '\0';
}
