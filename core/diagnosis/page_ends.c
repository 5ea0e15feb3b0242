/* SPDX-License-Identifier: MIT */
/* Ends that wait for what comes next; see page_ends.h. */
#include "diagnosis/page_ends.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "diagnosis/incident_timing.h"

void page_ends_fini(struct page_ends *e)
{
	free(e->rows);
	free(e->navigations);
	*e = (struct page_ends){.n = 0};
}

bool page_end_waits(const struct page_facts *f)
{
	enum page_class class = page_evidence_class(page_evidence_classify(f));

	return f->end == PAGE_END_CLIENT_CUT && (class == PAGE_CLASS_LEFT || class == PAGE_CLASS_UNKNOWN);
}

static bool are_together(const struct page_end_row *a, const struct page_end_row *b)
{
	uint64_t apart = a->drop.seen_us > b->drop.seen_us ? a->drop.seen_us - b->drop.seen_us
	                                                   : b->drop.seen_us - a->drop.seen_us;

	return a->drop.user != b->drop.user && apart <= TOGETHER_US;
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

int page_ends_add(struct page_ends *e, const struct page_end_row *row)
{
	struct page_end_row *added;

	if (e->n == e->room) {
		size_t more = e->room > 0 ? 2 * e->room : 8;
		struct page_end_row *rows = reallocarray(e->rows, more, sizeof *rows);

		if (rows == NULL)
			return -ENOMEM;
		e->rows = rows;
		e->room = more;
	}
	added = &e->rows[e->n++];
	*added = *row;
	added->navigated = has_navigated(e, &row->drop);
	for (size_t i = 0; i + 1 < e->n; i++)
		if (are_together(&e->rows[i], added)) {
			e->rows[i].facts.others_ended++;
			added->facts.others_ended++;
		}
	return 0;
}

int page_ends_navigation(struct page_ends *e, const char *user, uint64_t now_us)
{
	for (size_t i = 0; i < e->n; i++)
		if (e->rows[i].drop.user == user)
			e->rows[i].navigated = true;
	navigations_forget(e, user, now_us);
	if (e->n_navigations == e->room_for_navigations) {
		size_t more = e->room_for_navigations > 0 ? 2 * e->room_for_navigations : 8;
		struct page_navigation *rows = reallocarray(e->navigations, more, sizeof *rows);

		if (rows == NULL)
			return -ENOMEM;
		e->navigations = rows;
		e->room_for_navigations = more;
	}
	e->navigations[e->n_navigations++] = (struct page_navigation){user, now_us};
	return 0;
}

static bool is_elsewhere(const struct drop *d, const char *address)
{
	return d->address[0] != '\0' && address[0] != '\0' && strcmp(d->address, address) != 0;
}

void page_ends_back(struct page_ends *e, const char *user, const char *address, uint64_t now_us)
{
	for (size_t i = 0; i < e->n; i++) {
		struct page_end_row *row = &e->rows[i];

		if (row->drop.user != user || row->facts.back != PAGE_NOT_BACK || is_elsewhere(&row->drop, address))
			continue;
		row->facts.back = row->navigated ? PAGE_BACK_NAVIGATION : PAGE_BACK_BY_ITSELF;
		row->facts.back_after_us = now_us > row->drop.seen_us ? now_us - row->drop.seen_us : 0;
	}
}

static void row_remove(struct page_ends *e, size_t i)
{
	memmove(&e->rows[i], &e->rows[i + 1], (e->n - i - 1) * sizeof *e->rows);
	e->n--;
}

bool page_ends_take(struct page_ends *e, uint64_t now_us, struct page_end_row *out)
{
	for (size_t i = 0; i < e->n;) {
		struct page_end_row *row = &e->rows[i];
		enum page_evidence evidence = page_evidence_classify(&row->facts);

		if (page_evidence_class(evidence) == PAGE_CLASS_DROP) {
			*out = *row;
			out->drop.evidence = evidence;
			row_remove(e, i);
			return true;
		}
		if (row->facts.back != PAGE_NOT_BACK || now_us > row->drop.seen_us + RETURN_US)
			row_remove(e, i);
		else
			i++;
	}
	return false;
}
