/* SPDX-License-Identifier: MIT */
/* What stands now, as metrics; see standing.h. */
#include "monitor/standing.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const struct t3ops_metric verdict_standing = {
    .name = "t3ops_verdict_standing",
    .type = T3OPS_GAUGE,
    .labels = {"kind", "segment", "user"},
    .help = "1 while a verdict stands that names it; user: whose segment it is, if it is one user's."};
static const struct t3ops_metric verdict_suspects = {
    .name = "t3ops_verdict_suspects",
    .type = T3OPS_GAUGE,
    .labels = {"verdict", "segment", "user"},
    .help =
        "1 while the verdict stands: each segment that it names, alone or among others; a location of one with its "
        "name, as cloudflare(FRA)."};
static const struct t3ops_metric user_affected = {
    .name = "t3ops_user_affected",
    .type = T3OPS_GAUGE,
    .labels = {"user", "segment"},
    .help = "1 while a verdict stands that affects the user, by what it names."};
static const struct t3ops_metric slow_now = {
    .name = "t3ops_slow", .type = T3OPS_GAUGE, .labels = {"segment"}, .help = "1 while the segment answers late."};
static const struct t3ops_metric walled_off = {.name = "t3ops_leg_walled_off",
                                               .type = T3OPS_GAUGE,
                                               .labels = {"leg", "user"},
                                               .help = "1 while the leg is redirected to a sign-in page."};
static const struct t3ops_metric user_verdicts_total = {
    .name = "t3ops_user_verdicts_total",
    .type = T3OPS_COUNTER,
    .labels = {"user", "segment"},
    .help = "Verdicts that affected the user and have ended, by what they named."};

void standing_init(struct standing *s)
{
	*s = (struct standing){.verdicts = {.family = &verdict_standing},
	                       .suspects = {.family = &verdict_suspects},
	                       .affected = {.family = &user_affected, .hides = true},
	                       .slow = {.family = &slow_now},
	                       .walled_off = {.family = &walled_off}};
}

void standing_fini(struct standing *s)
{
	gauge_round_fini(&s->verdicts);
	gauge_round_fini(&s->suspects);
	gauge_round_fini(&s->affected);
	gauge_round_fini(&s->slow);
	gauge_round_fini(&s->walled_off);
}

void standing_kind(struct metrics *m, enum verdict_kind kind)
{
	const char *name = verdict_kind_name(kind);

	series_set(metrics_series(m, &verdict_standing, NULL, NULL, (const char *[]){name, name, ""}), 0);
}

void standing_segment(struct metrics *m, const char *segment)
{
	series_set(metrics_series(m, &verdict_standing, NULL, NULL, (const char *[]){"fault", segment, ""}), 0);
	series_set(metrics_series(m, &slow_now, NULL, NULL, (const char *[]){segment}), 0);
}

/* "alice" of serve(alice), else "".  The caller frees it. */
static char *owner_of(const char *segment, const struct topology *t)
{
	size_t base = segment_base_len(segment), len = strlen(segment);
	const char *colo;

	return len > base + 2 && !topology_is_location(t, segment, &colo)
	           ? strndup(segment + base + 1, len - base - 2)
	           : strdup("");
}

static int suspect_add(struct standing *s, const char *verdict, const char *segment, const struct topology *t,
                       struct metrics *m)
{
	char *owner = owner_of(segment, t);
	char *name = owner == NULL ? NULL
	                           : strndup(segment, owner[0] != '\0' ? segment_base_len(segment) : strlen(segment));
	int r = name == NULL ? -ENOMEM : gauge_round_add(&s->suspects, m, (const char *[]){verdict, name, owner});

	free(name);
	free(owner);
	return r;
}

static int suspects_add(struct standing *s, const struct verdict_conclusion *c, const struct topology *t,
                        const char *verdict, struct metrics *m)
{
	int r = 0;

	for (size_t i = 0; c->kind == VERDICT_FAULT && i < c->suspects.n && r == 0; i++)
		r = suspect_add(s, verdict, c->suspects.segments[i], t, m);
	return r;
}

static int verdict_add(struct standing *s, const struct verdict *v, const struct topology *t, const char *name,
                       struct metrics *m)
{
	const struct tomo_path *suspects = &v->conclusion.suspects;
	const char *kind = verdict_kind_name(v->conclusion.kind);
	char *owner = owner_of(suspects->n == 1 ? suspects->segments[0] : "",
	                       t); /* if that is all that is suspected */
	int r = owner == NULL
	            ? -ENOMEM
	            : gauge_round_add(&s->verdicts, m, (const char *[]){kind != NULL ? kind : "fault", name, owner});

	if (r == 0)
		r = suspects_add(s, &v->conclusion, t, name, m);
	for (size_t i = 0; i < v->users.n && r == 0; i++)
		r = gauge_round_add(&s->affected, m, (const char *[]){v->users.names[i], name});
	free(owner);
	return r;
}

int standing_update(struct standing *s, const struct verdict_table *t, const struct topology *topology,
                    struct metrics *m)
{
	int r = 0;

	gauge_round_begin(&s->verdicts);
	gauge_round_begin(&s->suspects);
	gauge_round_begin(&s->affected);
	for (size_t i = 0; i < t->n && r == 0; i++) {
		char *name = verdict_name(&t->rows[i]->conclusion, false);

		r = name == NULL ? -ENOMEM : 0;
		if (r == 0 && t->rows[i]->state == VERDICT_STANDING)
			r = verdict_add(s, t->rows[i], topology, name, m);
		free(name);
	}
	return r;
}

int standing_slow(struct standing *s, const struct slow_report *report, struct metrics *m)
{
	struct verdict_conclusion where = {.kind = VERDICT_FAULT, .suspects = *report->where};
	char *name = verdict_name(&where, false);
	int r = name == NULL ? -ENOMEM : 0;

	gauge_round_begin(&s->slow);
	if (r == 0 && !report->over)
		r = gauge_round_add(&s->slow, m, (const char *[]){name});
	free(name);
	return r;
}

int standing_walls(struct standing *s, const struct probe_table *legs, struct metrics *m)
{
	int r = 0;

	gauge_round_begin(&s->walled_off);
	for (size_t i = 0; i < legs->n && r == 0; i++) {
		const struct leg *leg = legs->rows[i];

		if (leg->state == LEG_IS_WALLED_OFF)
			r = gauge_round_add(&s->walled_off, m, (const char *[]){leg->def->name, leg->user});
	}
	return r;
}

int standing_count(const struct verdict *v, struct metrics *m)
{
	char *name = verdict_name(&v->conclusion, false);

	if (name == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < v->users.n; i++)
		series_add(
		    metrics_series(m, &user_verdicts_total, NULL, NULL, (const char *[]){v->users.names[i], name}),
		    1);
	free(name);
	return 0;
}
