/* SPDX-License-Identifier: MIT */
/* What the end of a user's tunnel says: whether it was a drop, since when, and of what.  Pure. */
#ifndef T3OPS_DIAGNOSIS_TUNNEL_END_H
#define T3OPS_DIAGNOSIS_TUNNEL_END_H

#include <stdbool.h>
#include <stdint.h>

#include "diagnosis/incident.h"
#include "diagnosis/page_evidence.h"

/* A user's tunnel ended. */
struct end_report {
	const char *user, *address, *colo;
	const char *why; /* what t3ops itself has to say of it; "": nothing */
	uint64_t tunnel; /* its number */
	uint16_t reason, code;
	bool dropped;              /* whoever reported it called it a drop */
	uint64_t wall_us, mono_us; /* when; mono_us 0: now */
	uint64_t age_us;           /* of the tunnel, 0: not known */
	uint64_t idle_client_us, idle_upstream_us;
	struct page_facts page; /* end NONE: nothing is known of the page; period and age are filled in here */
};

/* What the end was, as far as it can be said at once.  NONE: nothing is known of the page. */
enum page_evidence tunnel_end_evidence(const struct end_report *r);
bool tunnel_end_is_drop(const struct end_report *r, enum page_evidence evidence);
/* *d as it is reported, if it was one; user: interned. */
void tunnel_end_drop(struct drop *d, const struct end_report *r, const char *user, enum page_evidence evidence,
                     uint64_t now_us);
/* The same of one that waited, and was a drop: fills in when it had begun, by its evidence. */
void tunnel_end_decided(struct drop *d, const struct page_facts *f);
/* Which of two tunnels of one user says more: whether a does. */
bool tunnel_end_says_more(enum page_evidence a, enum page_evidence b);

#endif
