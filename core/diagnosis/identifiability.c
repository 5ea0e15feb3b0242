/* SPDX-License-Identifier: MIT */
/* Every fault, played through; see identifiability.h. */
#include "diagnosis/identifiability.h"

#include <errno.h>
#include <stdlib.h>

#include "diagnosis/evidence.h"
#include "plugin.h"

/* How the edge of a leg is silent: it takes no connection, or takes it and says no more. */
enum silence { SILENCE_HOLE, SILENCE_HANG };

struct fault {
	const char *segment;
	unsigned class;
	enum silence silence;
};

/* What is known of a fault so far. */
struct view {
	struct topology *t;
	const struct fault *fault;
	struct tomo_path suspects, acquitted;
	bool seen; /* something fails */
};

enum position { POSITION_NONE, POSITION_BEFORE, POSITION_EDGE, POSITION_BEHIND };

static enum position position_of(const struct leg_def *leg, const char *segment)
{
	for (size_t i = 0; i < leg->segments.n; i++)
		if (leg->segments.segments[i] == segment)
			return i < leg->edge ? POSITION_BEFORE : i == leg->edge ? POSITION_EDGE : POSITION_BEHIND;
	return POSITION_NONE;
}

/* ---- one leg ----------------------------------------------------------------------------------------------------
 */

/* How its next attempt ends. */
static struct leg_end end_of(const struct fault *f, enum position at)
{
	static const struct leg_end unreachable = {T3OPS_STEP_CONNECT, T3OPS_R_UNREACHABLE, 0},
	                            refused = {T3OPS_STEP_CONNECT, T3OPS_R_REFUSED, 0},
	                            status = {T3OPS_STEP_HTTP, T3OPS_R_HTTP_STATUS, 502},
	                            hole = {T3OPS_STEP_CONNECT, T3OPS_R_CONNECT_TIMEOUT, 0},
	                            hang = {T3OPS_STEP_HTTP, T3OPS_R_HTTP_TIMEOUT, 0};
	bool loud = f->class == FAULT_LOUD;

	if (at == POSITION_BEFORE)
		return loud ? unreachable : hole;
	if (at == POSITION_EDGE)
		return loud ? refused : f->silence == SILENCE_HOLE ? hole : hang;
	return loud ? status : hang;
}

static void path_fails(struct view *v, const struct tomo_path *path)
{
	if (v->seen)
		tomo_path_intersect(&v->suspects, path);
	else
		v->suspects = *path;
	v->seen = true;
}

static void leg_plays(struct view *v, const struct leg_def *leg, enum position at)
{
	bool attempts = v->fault->class == FAULT_LOUD || v->fault->class == FAULT_SILENT;
	struct leg seen = {.def = leg, .attempted = attempts, .latest = end_of(v->fault, at)};
	struct end_evidence e = {PART_NONE, PART_ALL, true};
	struct tomo_path path;

	if (v->fault->class == FAULT_LARGE && !leg->large)
		return;
	if (at != POSITION_NONE) {
		e = evidence_of_leg(&seen);
		topology_leg_path(v->t, leg, "", e.accused, &path);
		path_fails(v, &path);
	}
	topology_leg_path(v->t, leg, "", e.acquitted, &path);
	tomo_path_join(&v->acquitted, &path);
}

/* Its look-ups, which a leg makes anew for each attempt while it has an address to go on with. */
static void resolver_plays(struct view *v, const struct leg_def *leg)
{
	struct tomo_path path;

	if (!leg->looks_up || v->fault->class == FAULT_BRIEF || v->fault->class == FAULT_LARGE)
		return;
	topology_leg_path(v->t, leg, "", PART_RESOLVER, &path);
	if (tomo_path_has(&path, v->fault->segment))
		path_fails(v, &path);
	else
		tomo_path_join(&v->acquitted, &path);
}

/* ---- one fault ----------------------------------------------------------------------------------------------------
 */

/* No leg sees it.  The page of a user knows its server's faults from others. */
static void user_plays(struct view *v)
{
	struct tomo_path serve, path;

	topology_user_path(v->t, "", USER_SERVE, &serve);
	topology_user_path(v->t, "", tomo_path_has(&serve, v->fault->segment) ? USER_SERVE : USER_TO_DISPATCH, &path);
	path_fails(v, &path);
}

static void suspects_find(struct view *v, const struct path_shape *shape, struct tomo_path *out)
{
	for (size_t i = 0; i < shape->n_legs; i++) {
		const struct leg_def *leg = topology_leg(v->t, shape->legs[i].name);

		leg_plays(v, leg, position_of(leg, v->fault->segment));
		resolver_plays(v, leg);
	}
	if (!v->seen)
		user_plays(v);
	out->n = 0;
	for (size_t i = 0; i < v->suspects.n; i++)
		if (!tomo_path_has(&v->acquitted, v->suspects.segments[i]))
			tomo_path_add(out, v->suspects.segments[i]);
}

/* ---- all of them
 * ---------------------------------------------------------------------------------------------------- */

static bool sets_equal(const struct tomo_path *a, const struct tomo_path *b)
{
	struct tomo_path shared;

	tomo_paths_meet(a, b, &shared);
	return a->n == b->n && shared.n == a->n;
}

static void row_add(struct identifiability *out, const struct tomo_path *suspects, unsigned class)
{
	size_t i = 0;

	if (suspects->n < 2)
		return;
	while (i < out->n && !sets_equal(&out->rows[i].segments, suspects))
		i++;
	if (i == out->n)
		out->rows[out->n++] = (struct inseparable){.segments = *suspects};
	out->rows[i].classes |= class;
	out->classes |= class;
}

static unsigned classes_of(const struct path_shape *shape)
{
	for (size_t i = 0; i < shape->n_legs; i++)
		if (shape->legs[i].large)
			return FAULT_LOUD | FAULT_SILENT | FAULT_BRIEF | FAULT_LARGE;
	return FAULT_LOUD | FAULT_SILENT | FAULT_BRIEF;
}

static void segment_play(const struct path_shape *shape, struct topology *t, const char *segment,
                         struct identifiability *out)
{
	for (unsigned class = FAULT_LOUD; class <= out->played; class <<= 1)
		for (int silence = SILENCE_HOLE; silence <= (class == FAULT_SILENT ? SILENCE_HANG : SILENCE_HOLE);
		     silence++) {
			struct fault fault = {segment, class, (enum silence)silence};
			struct view v = {.t = t, .fault = &fault};
			struct tomo_path suspects;

			suspects_find(&v, shape, &suspects);
			row_add(out, &suspects, class);
		}
}

/* The names of a list that are new, each once. */
static size_t names_add(struct topology *t, const char **names, size_t n, const struct name_list *list)
{
	for (size_t i = 0; i < list->n; i++) {
		const char *name = topology_name(t, list->names[i]);
		size_t k = 0;

		while (k < n && names[k] != name)
			k++;
		if (k == n)
			names[n++] = name;
	}
	return n;
}

static size_t names_max(const struct path_shape *shape)
{
	size_t n = shape->user_path.n;

	for (size_t i = 0; i < shape->n_legs; i++)
		n += shape->legs[i].segments.n + shape->legs[i].resolver_segments.n;
	return n;
}

static int rows_find(const struct path_shape *shape, struct topology *t, struct identifiability *out)
{
	size_t max = names_max(shape), n;
	const char **names = calloc(max + 1, sizeof *names);

	out->rows = calloc((FAULT_CLASSES + 1) * max + 1, sizeof *out->rows);
	if (!names || !out->rows) {
		free(names);
		return -ENOMEM;
	}
	n = names_add(t, names, 0, &shape->user_path);
	for (size_t i = 0; i < shape->n_legs; i++) {
		n = names_add(t, names, n, &shape->legs[i].segments);
		n = names_add(t, names, n, &shape->legs[i].resolver_segments);
	}
	out->n_segments = n;
	out->played = classes_of(shape);
	for (size_t i = 0; i < n; i++)
		segment_play(shape, t, names[i], out);
	free(names);
	return 0;
}

int identifiability_find(const struct path_shape *shape, struct topology **t, struct identifiability *out)
{
	const char *which;
	int r = topology_new(shape, t, &which);

	*out = (struct identifiability){.n = 0};
	return r < 0 ? r : rows_find(shape, *t, out);
}

void identifiability_fini(struct identifiability *i)
{
	free(i->rows);
	*i = (struct identifiability){.n = 0};
}
