/* SPDX-License-Identifier: MIT */
/* Paths of the config and their interned segments; see topology.h. */
#include "diagnosis/topology.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tbl/hash.h"

struct topology {
	char **names;                   /* interned, where their hash says; never freed before the topology */
	size_t n_names, room_for_names; /* a power of two, at most half full */
	struct tomo_path user_path;
	struct tomo_path per_user;
	struct tomo_path located; /* segments that have locations */
	struct leg_def *legs;
	size_t n_legs;
};

/* Where the name is, or belongs. */
static char **name_place(char **names, size_t room, const char *text)
{
	size_t at = (size_t)hash_text(HASH_START, text) & (room - 1);

	while (names[at] != NULL && strcmp(names[at], text) != 0)
		at = (at + 1) & (room - 1);
	return &names[at];
}

/* Room for one more name. */
static bool names_reserve(struct topology *t)
{
	size_t more = t->room_for_names > 0 ? 2 * t->room_for_names : 64;
	char **names;

	if (2 * (t->n_names + 1) <= t->room_for_names)
		return true;
	names = calloc(more, sizeof *names);
	if (names == NULL)
		return false;
	for (size_t i = 0; i < t->room_for_names; i++)
		if (t->names[i] != NULL)
			*name_place(names, more, t->names[i]) = t->names[i];
	free(t->names);
	t->names = names;
	t->room_for_names = more;
	return true;
}

const char *topology_name(struct topology *t, const char *text)
{
	char **place;

	if (!names_reserve(t))
		return NULL;
	place = name_place(t->names, t->room_for_names, text);
	if (*place == NULL) {
		*place = strdup(text);
		t->n_names += *place != NULL;
	}
	return *place;
}

static void add_name(struct topology *t, struct tomo_path *p, const char *name)
{
	const char *interned = topology_name(t, name);

	if (interned != NULL)
		tomo_path_add(p, interned);
}

/* 0, -E2BIG or -ENOMEM. */
static int list_read(struct topology *t, struct tomo_path *p, const struct name_list *list)
{
	if (list->n > TOPOLOGY_LIST_MAX)
		return -E2BIG;
	for (size_t i = 0; i < list->n; i++) {
		const char *interned = topology_name(t, list->names[i]);

		if (interned == NULL)
			return -ENOMEM;
		tomo_path_add(p, interned);
	}
	return 0;
}

static int leg_read(struct topology *t, struct leg_def *leg, const struct leg_shape *shape)
{
	static const char *const by_default[] = {"dns"};
	static const struct name_list dns = {by_default, 1};
	int r;

	leg->name = topology_name(t, shape->name);
	leg->per_user = shape->per_user;
	leg->large = shape->large;
	leg->looks_up = shape->resolver_segments.n > 0;
	r = leg->name != NULL ? list_read(t, &leg->segments, &shape->segments) : -ENOMEM;
	if (r == 0)
		r = list_read(t, &leg->resolver, leg->looks_up ? &shape->resolver_segments : &dns);
	for (size_t i = 0; shape->edge != NULL && i < leg->segments.n; i++)
		if (strcmp(leg->segments.segments[i], shape->edge) == 0) {
			leg->edge = i;
			leg->has_edge = true;
		}
	return r;
}

static int shape_read(struct topology *t, const struct path_shape *shape, const char **which)
{
	int r;

	*which = "user_path";
	r = list_read(t, &t->user_path, &shape->user_path);
	if (r < 0)
		return r;
	*which = "per_user";
	r = list_read(t, &t->per_user, &shape->per_user);
	t->legs = calloc(shape->n_legs + 1, sizeof *t->legs);
	if (t->legs == NULL)
		return -ENOMEM;
	for (size_t i = 0; r == 0 && i < shape->n_legs; i++) {
		*which = shape->legs[i].name;
		r = leg_read(t, &t->legs[t->n_legs++], &shape->legs[i]);
	}
	return r;
}

int topology_new(const struct path_shape *shape, struct topology **out, const char **which)
{
	struct topology *t = calloc(1, sizeof *t);
	int r;

	*out = NULL;
	if (t == NULL)
		return -ENOMEM;
	r = shape_read(t, shape, which);
	if (r < 0) {
		topology_free(t);
		return r;
	}
	*out = t;
	return 0;
}

void topology_free(struct topology *t)
{
	if (t == NULL)
		return;
	for (size_t i = 0; i < t->room_for_names; i++)
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

/* Adds a configured segment as this user has it: "serve" becomes "serve(alice)" where it is per user. */
static void add_segment(struct topology *t, struct tomo_path *out, const char *segment, const char *user)
{
	char *own = NULL;

	if (user == NULL || user[0] == '\0' || !tomo_path_has(&t->per_user, segment)) {
		tomo_path_add(out, segment);
		return;
	}
	if (asprintf(&own, "%s(%s)", segment, user) < 0)
		return;
	add_name(t, out, own);
	free(own);
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
	switch (part) {
	case USER_SERVE:
		add_range(t, out, &t->user_path, user, n - 1, n);
		break;
	case USER_DISPATCH:
		add_range(t, out, &t->user_path, user, n > 1 ? n - 2 : 0, n > 1 ? n - 1 : n);
		break;
	case USER_SHARED:
		add_range(t, out, &t->user_path, user, topology_is_last_mile(t, t->user_path.segments[0]), n - 1);
		break;
	default:
		add_range(t, out, &t->user_path, user, 0, part == USER_ALL ? n : n - 1);
		break;
	}
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

/* ---- locations --------------------------------------------------------------------------------------------- */

void topology_set_located(struct topology *t, const struct leg_def *leg)
{
	if (leg->has_edge && leg->edge < leg->segments.n && t->located.n < TOMO_PATH_MAX)
		tomo_path_add(&t->located, leg->segments.segments[leg->edge]);
}

void topology_recall_located(struct topology *t, const char *segment)
{
	for (size_t i = 0; i < t->n_legs; i++) {
		const struct leg_def *leg = &t->legs[i];
		const char *edge = leg->edge < leg->segments.n ? leg->segments.segments[leg->edge] : NULL;

		if (edge != NULL && segment != edge && is_instance_of(segment, edge) &&
		    !tomo_path_has(&t->per_user, edge))
			topology_set_located(t, leg);
	}
}

bool topology_is_located(const struct topology *t)
{
	return t->located.n > 0;
}

const struct tomo_path *topology_located(const struct topology *t)
{
	return &t->located;
}

void topology_restore_located(struct topology *t, const struct tomo_path *located)
{
	t->located = *located;
}

void topology_locate(struct topology *t, const char *colo, struct tomo_path *p)
{
	size_t n = p->n;

	for (size_t i = 0; colo[0] != '\0' && i < n && p->n < TOMO_PATH_MAX; i++) {
		char *own = NULL;

		if (!tomo_path_has(&t->located, p->segments[i]) || asprintf(&own, "%s(%s)", p->segments[i], colo) < 0)
			continue;
		add_name(t, p, own);
		free(own);
	}
}

bool topology_is_location(const struct topology *t, const char *segment, const char **colo)
{
	for (size_t i = 0; i < t->located.n; i++) {
		if (segment == t->located.segments[i] || !is_instance_of(segment, t->located.segments[i]))
			continue;
		*colo = segment + strlen(t->located.segments[i]) + 1;
		return true;
	}
	return false;
}

bool topology_is_personal(const struct topology *t, const struct tomo_path *suspects)
{
	size_t own = 0, locations = 0;
	const char *colo;

	for (size_t i = 0; i < suspects->n; i++) {
		own += topology_is_last_mile(t, suspects->segments[i]);
		locations += topology_is_location(t, suspects->segments[i], &colo);
	}
	return own > 0 && locations > 0;
}

const char *topology_shared_name(struct topology *t, const char *segment)
{
	size_t len = segment_base_len(segment);
	char *base = segment[len] != '\0' ? strndup(segment, len) : NULL;
	const char *name = base != NULL ? topology_name(t, base) : NULL;

	free(base);
	return name;
}

size_t segment_base_len(const char *segment)
{
	return strcspn(segment, "(");
}
