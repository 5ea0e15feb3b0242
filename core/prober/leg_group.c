/* SPDX-License-Identifier: MIT */
/* Counting the legs of a section, and choosing whose series are shown; see leg_group.h. */
#include "prober/leg_group.h"

static const struct t3ops_metric legs_family = {.name = "t3ops_legs",
                                                .type = T3OPS_GAUGE,
                                                .labels = {"leg", "state"},
                                                .help = "Legs of the section by state: up, down, or absent; all of "
                                                        "them, whatever metrics_per_user says."};
static const struct t3ops_metric unlisted_family = {
    .name = "t3ops_legs_unlisted",
    .type = T3OPS_GAUGE,
    .labels = {"leg"},
    .help = "Legs of the section without series of their own, for there are more than metrics_per_user."};

void leg_group_init(struct leg_group *g, struct metrics *m, const char *section, int64_t limit)
{
	*g = (struct leg_group){
	    .limit = limit,
	    .up = metrics_series(m, &legs_family, NULL, NULL, (const char *[]){section, "up"}),
	    .down = metrics_series(m, &legs_family, NULL, NULL, (const char *[]){section, "down"}),
	    .absent = metrics_series(m, &legs_family, NULL, NULL, (const char *[]){section, "absent"}),
	    .unlisted = metrics_series(m, &unlisted_family, NULL, NULL, (const char *[]){section})};
	TAILQ_INIT(&g->calm);
	TAILQ_INIT(&g->troubled);
}

static void counts_show(struct leg_group *g)
{
	series_set(g->up, (double)g->counts[GROUP_UP]);
	series_set(g->down, (double)(g->counts[GROUP_DOWN] + g->counts[GROUP_NEW]));
	series_set(g->absent, (double)g->counts[GROUP_ABSENT]);
	series_set(g->unlisted, (double)(g->n - g->n_listed));
}

static struct group_members *members_of(struct leg_group *g, enum group_state state)
{
	return state == GROUP_DOWN ? &g->troubled : &g->calm;
}

static void unlist(struct leg_group *g, struct group_member *member)
{
	TAILQ_REMOVE(members_of(g, member->state), member, link);
	g->n_listed--;
	member->is_listed = false;
	member->list(member->arg, false);
}

/* One who is in trouble needs a place more than one who is not. */
static void room_make(struct leg_group *g, const struct group_member *member)
{
	struct group_member *calmest = TAILQ_FIRST(&g->calm);

	if ((int64_t)g->n_listed >= g->limit && member->state == GROUP_DOWN && calmest)
		unlist(g, calmest);
}

static void list(struct leg_group *g, struct group_member *member)
{
	room_make(g, member);
	if ((int64_t)g->n_listed >= g->limit)
		return;
	TAILQ_INSERT_TAIL(members_of(g, member->state), member, link);
	g->n_listed++;
	member->is_listed = true;
	member->list(member->arg, true);
}

void leg_group_join(struct leg_group *g, struct group_member *member)
{
	member->state = GROUP_NEW;
	member->is_listed = false;
	g->n++;
	g->counts[GROUP_NEW]++;
	list(g, member);
	counts_show(g);
}

void leg_group_set(struct leg_group *g, struct group_member *member, enum group_state state)
{
	if (member->state == state)
		return;
	if (member->is_listed) {
		TAILQ_REMOVE(members_of(g, member->state), member, link);
		TAILQ_INSERT_TAIL(members_of(g, state), member, link);
	}
	g->counts[member->state]--;
	g->counts[state]++;
	member->state = state;
	if (!member->is_listed)
		list(g, member);
	counts_show(g);
}

void leg_group_leave(struct leg_group *g, struct group_member *member)
{
	if (member->is_listed)
		unlist(g, member);
	g->counts[member->state]--;
	g->n--;
	counts_show(g);
}
