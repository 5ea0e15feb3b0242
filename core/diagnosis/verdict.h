/* SPDX-License-Identifier: MIT */
/*
 * A verdict: which segments are left as suspects of one fault, with the evidence that left them.
 * The last ones are kept in a ring for /verdicts and t3opsctl.  Monitor process; no I/O.
 */
#ifndef T3OPS_DIAGNOSIS_VERDICT_H
#define T3OPS_DIAGNOSIS_VERDICT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "obs/event.h"

#define VERDICTS_KEPT 100

struct verdict {
	uint64_t id;        /* of the incident; several independent faults share it */
	uint64_t wall_us;   /* when it was given */
	uint64_t drop_us;   /* first drop, since 1970 */
	uint64_t delay_us;  /* from the first drop */
	uint64_t continues; /* incident whose fault goes on, 0: a new fault */
	uint64_t failing;   /* paths that failed */
	bool exonerated;    /* only the user's own network is left */
	char user[64];      /* of the only suspect, if it is one user's own */
	char segments[160]; /* "cloudflare tunnel", "host", "unknown" */
	char text[320];     /* one summary */
	json_t *evidence;   /* array, one object a path or fact; owned */
};

void verdict_fini(struct verdict *v);

/* "cloudflare or tunnel" for people. */
void verdict_joined(const char *segments, char *out, size_t size);
/* The same without users, for a metric: "serve(alice)" counts as "serve". */
void verdict_label(const char *segments, char *out, size_t size);

/* The event that goes to log and journal. */
void verdict_event(const struct verdict *v, struct event *e);
/* New reference; NULL without memory. */
json_t *verdict_json(const struct verdict *v);

struct verdict_ring {
	json_t *rows[VERDICTS_KEPT];
	uint64_t given; /* serial of the last one */
};

/* Stamps the verdict's "serial", keeps a reference, forgets the oldest.  Returns the serial. */
uint64_t verdict_ring_add(struct verdict_ring *r, json_t *verdict);
/* Those of an earlier process, with the serials that they had. */
void verdict_ring_restore(struct verdict_ring *r, const json_t *newest_first);
void verdict_ring_fini(struct verdict_ring *r);
/* New reference: array, newest first, at most limit, of those with a serial above `after`. */
json_t *verdict_ring_json(const struct verdict_ring *r, uint64_t after, size_t limit);

#endif
