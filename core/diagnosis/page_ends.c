/* SPDX-License-Identifier: MIT */
/* Ends that wait for what comes next; see page_ends.h. */
#include "diagnosis/page_ends.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "diagnosis/incident_timing.h"
#include "tbl/room.h"

void page_ends_fini(struct page_ends *e)
{
	free(e->rows);
	free(e->navigations);
	*e = (struct page_ends){.n = 0};
}

static bool is_within(uint64_t a_us, uint64_t b_us, uint64_t apart_us)
{
	return (a_us > b_us ? a_us - b_us : b_us - a_us) <= apart_us;
}

static bool are_together(const struct page_end_row *a, const struct page_end_row *b)
{
	return a->drop.user != b->drop.user && a->facts.end == PAGE_END_CLIENT_CUT &&
	       b->facts.end == PAGE_END_CLIENT_CUT && is_within(a->drop.seen_us, b->drop.seen_us, TOGETHER_US);
}

/* Two tabs that gave up: each when its own patience was over.  What makes all tabs replace their connections does so
 * at one moment. */
static bool are_tabs(const struct page_end_row *a, const struct page_end_row *b)
{
	return a->drop.user == b->drop.user && a->facts.end == PAGE_END_CLIENT_CLOSE &&
	       b->facts.end == PAGE_END_CLIENT_CLOSE && a->facts.few_pings == 0 && b->facts.few_pings == 0 &&
	       is_within(a->drop.seen_us, b->drop.seen_us, a->facts.period_us) &&
	       !is_within(a->drop.seen_us, b->drop.seen_us, TABS_APART_US);
}

/* Tabs of one browser that were cut with its connection. */
static bool are_cut_tabs(const struct page_end_row *a, const struct page_end_row *b)
{
	return a->drop.user == b->drop.user && a->facts.end == PAGE_END_CLIENT_CUT &&
	       b->facts.end == PAGE_END_CLIENT_CUT && is_within(a->drop.seen_us, b->drop.seen_us, TABS_CUT_US);
}

/* Those that are too old to matter, and the user's earlier one, which the next stands for. */
static void navigations_forget(struct page_ends *e, const char *user, uint64_t now_us)
{
	size_t kept = 0;

	for (size_t i = 0; i < e->n_navigations; i++)
		if (e->navigations[i].user != user && now_us < e->navigations[i].at_us + NAVIGATION_US)
			e->navigations[kept++] = e->navigations[i];
	e->n_navigations = kept;
}

static bool has_navigated(const struct page_ends *e, const struct drop *d)
{
	for (size_t i = 0; i < e->n_navigations; i++)
		if (e->navigations[i].user == d->user && d->seen_us < e->navigations[i].at_us + NAVIGATION_US)
			return true;
	return false;
}

static void count_each_other(struct page_end_row *a, struct page_end_row *b)
{
	bool together = are_together(a, b), tabs = are_tabs(a, b), cut = are_cut_tabs(a, b);

	a->facts.others_ended += together;
	b->facts.others_ended += together;
	a->facts.tabs_ended += tabs;
	b->facts.tabs_ended += tabs;
	a->facts.tabs_cut += cut;
	b->facts.tabs_cut += cut;
}

int page_ends_add(struct page_ends *e, const struct page_end_row *row)
{
	struct page_end_row *added, *rows = room_for_one(e->rows, e->n, &e->room, sizeof *rows);

	if (rows == NULL)
		return -ENOMEM;
	e->rows = rows;
	added = &e->rows[e->n++];
	*added = *row;
	added->navigated = has_navigated(e, &row->drop);
	added->facts.with_leg = row->facts.end == PAGE_END_CLIENT_CUT && e->leg_broke_us > 0 &&
	                        is_within(row->drop.seen_us, e->leg_broke_us, TOGETHER_US);
	for (size_t i = 0; i + 1 < e->n; i++)
		count_each_other(&e->rows[i], added);
	return 0;
}

void page_ends_leg_broke(struct page_ends *e, uint64_t at_us)
{
	e->leg_broke_us = at_us;
	for (size_t i = 0; i < e->n; i++)
		if (e->rows[i].facts.end == PAGE_END_CLIENT_CUT &&
		    is_within(e->rows[i].drop.seen_us, at_us, TOGETHER_US))
			e->rows[i].facts.with_leg = true;
}

void page_ends_attempt_lost(struct page_ends *e, const char *user)
{
	for (size_t i = 0; i < e->n; i++)
		if (e->rows[i].drop.user == user)
			e->rows[i].facts.attempt_lost = true;
}

int page_ends_navigation(struct page_ends *e, const char *user, uint64_t now_us)
{
	struct page_navigation *rows;

	for (size_t i = 0; i < e->n; i++)
		if (e->rows[i].drop.user == user)
			e->rows[i].navigated = true;
	navigations_forget(e, user, now_us);
	rows = room_for_one(e->navigations, e->n_navigations, &e->room_for_navigations, sizeof *rows);
	if (rows == NULL)
		return -ENOMEM;
	e->navigations = rows;
	e->navigations[e->n_navigations++] = (struct page_navigation){user, now_us};
	return 0;
}

static bool is_elsewhere(const struct drop *d, const char *address)
{
	return d->address[0] != '\0' && address[0] != '\0' && strcmp(d->address, address) != 0;
}

bool page_ends_back(struct page_ends *e, const char *user, const char *address, uint64_t now_us)
{
	bool left = false;

	for (size_t i = 0; i < e->n; i++) {
		struct page_end_row *row = &e->rows[i];

		if (row->drop.user != user || is_elsewhere(&row->drop, address))
			continue;
		row->facts.tabs_back += !row->navigated && now_us <= row->drop.seen_us + BACK_AT_ONCE_US;
		if (row->facts.back != PAGE_NOT_BACK)
			continue;
		row->facts.back = row->navigated ? PAGE_BACK_NAVIGATION : PAGE_BACK_BY_ITSELF;
		row->facts.back_after_us = now_us > row->drop.seen_us ? now_us - row->drop.seen_us : 0;
		left = left || (row->navigated && row->facts.end == PAGE_END_CLIENT_CUT && !row->facts.with_leg);
	}
	return left;
}

static void row_remove(struct page_ends *e, size_t i)
{
	memmove(&e->rows[i], &e->rows[i + 1], (e->n - i - 1) * sizeof *e->rows);
	e->n--;
}

/* Nothing more is to come.  A page that closed politely has a new tunnel before it is known whether it gets its
 * answers there; and one tab before the others. */
static bool is_over(const struct page_end_row *row, uint64_t now_us)
{
	uint64_t back_us = row->drop.seen_us + row->facts.back_after_us;

	if (row->facts.back == PAGE_NOT_BACK)
		return now_us > row->drop.seen_us + RETURN_US;
	if (row->facts.end == PAGE_END_CLIENT_CUT)
		return row->facts.tabs_cut == 0 || now_us > row->drop.seen_us + BACK_AT_ONCE_US;
	return now_us > back_us + UPGRADE_US;
}

bool page_ends_take(struct page_ends *e, uint64_t now_us, struct page_end_row *out)
{
	for (size_t i = 0; i < e->n;) {
		struct page_end_row *row = &e->rows[i];
		enum page_evidence evidence;

		row->facts.away_us = now_us - row->drop.seen_us;
		evidence = page_evidence_classify(&row->facts);
		if (page_evidence_class(evidence) == PAGE_CLASS_DROP) {
			*out = *row;
			out->drop.evidence = evidence;
			row_remove(e, i);
			return true;
		}
		if (is_over(row, now_us))
			row_remove(e, i);
		else
			i++;
	}
	return false;
}

uint64_t page_ends_due_us(const struct page_ends *e)
{
	uint64_t due = UINT64_MAX;

	for (size_t i = 0; i < e->n; i++) {
		struct page_facts later = e->rows[i].facts;
		uint64_t at = e->rows[i].drop.seen_us + AWAY_US;

		later.away_us = AWAY_US;
		if (at < due && !page_end_is_drop(&e->rows[i].facts) && page_end_is_drop(&later))
			due = at;
	}
	return due;
}
