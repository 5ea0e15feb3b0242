/* SPDX-License-Identifier: MIT */
/*
 * Tunnels that were cut while their page was well: whether that was a drop shows in what the user does next, and
 * whether others were cut at the same time.  They wait here for a few seconds.  Pure.
 */
#ifndef T3OPS_DIAGNOSIS_PAGE_ENDS_H
#define T3OPS_DIAGNOSIS_PAGE_ENDS_H

#include "diagnosis/incident.h"
#include "diagnosis/page_evidence.h"

/* A tunnel's end, and what its tunnel showed of the page. */
struct page_end_row {
	struct drop drop; /* as it will be reported, if it was one */
	struct page_facts facts;
	uint64_t wall_us; /* of the end, since 1970 */
	bool navigated;   /* a document was loaded since, or right before */
};

/* A document that a user loaded a moment ago. */
struct page_navigation {
	const char *user;
	uint64_t at_us;
};

struct page_ends {
	struct page_end_row *rows;
	size_t n, room;
	struct page_navigation *navigations; /* of the last NAVIGATION_US */
	size_t n_navigations, room_for_navigations;
};

void page_ends_fini(struct page_ends *e);
/* Whether what comes next decides about this end. */
bool page_end_waits(const struct page_facts *f);
/* Keeps it; 0 or -ENOMEM. */
int page_ends_add(struct page_ends *e, const struct page_end_row *row);
/* The user loaded a document: ends that wait, or follow within a moment, are those of a page that went away.  A
 * browser on HTTP/2 cuts the old page's tunnel when the new document is there.  0 or -ENOMEM. */
int page_ends_navigation(struct page_ends *e, const char *user, uint64_t now_us);
/* The user has a new tunnel, from that address ("": not known): one from elsewhere does not count as a return. */
void page_ends_back(struct page_ends *e, const char *user, const char *address, uint64_t now_us);
/* Takes out the next one that is decided and was a drop, classified; false if there is none.  Forgets those that were
 * none. */
bool page_ends_take(struct page_ends *e, uint64_t now_us, struct page_end_row *out);

#endif
