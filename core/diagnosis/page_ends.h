/* SPDX-License-Identifier: MIT */
/*
 * Tunnels that ended while their page seemed well: whether that was a drop shows in what the user does next, and in
 * what else broke at the same time.  They wait here for as long as pages take to come back.  Pure.
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
	uint64_t leg_broke_us;               /* when a shared leg last broke; 0: never */
	struct page_navigation *navigations; /* of the last NAVIGATION_US */
	size_t n_navigations, room_for_navigations;
};

void page_ends_fini(struct page_ends *e);
/* Keeps it; 0 or -ENOMEM. */
int page_ends_add(struct page_ends *e, const struct page_end_row *row);
/* The user loaded a document: ends that wait, or follow within a moment, are those of a page that went away.  A
 * browser on HTTP/2 cuts the old page's tunnel when the new document is there.  0 or -ENOMEM. */
int page_ends_navigation(struct page_ends *e, const char *user, uint64_t now_us);
/* An upgrade of the user was answered, and nothing was ever sent on it, or not for long: what came back with it did
 * not. */
void page_ends_attempt_lost(struct page_ends *e, const char *user);
/* A shared leg broke: what was cut at the same time has the same cause. */
void page_ends_leg_broke(struct page_ends *e, uint64_t at_us);
/* The user has a new tunnel, from that address ("": not known): one from elsewhere does not count as a return.
 * Whether a page of the user was left for a document, without a word. */
bool page_ends_back(struct page_ends *e, const char *user, const char *address, uint64_t now_us);
/* Takes out the next one that is decided and was a drop, classified; false if there is none.  Forgets those that were
 * none. */
bool page_ends_take(struct page_ends *e, uint64_t now_us, struct page_end_row *out);
/* When the next one is decided if nothing happens; UINT64_MAX: none is. */
uint64_t page_ends_due_us(const struct page_ends *e);

#endif
