/* SPDX-License-Identifier: MIT */
/* A verdict: which segments are left as suspects of one fault, with the evidence that left them.  Plain values;
 * how it is written down is the monitor's.  Pure. */
#ifndef T3OPS_DIAGNOSIS_VERDICT_H
#define T3OPS_DIAGNOSIS_VERDICT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "diagnosis/evidence.h"

enum verdict_kind {
	VERDICT_FAULT,      /* suspects say which */
	VERDICT_EXONERATED, /* only users' own networks are left */
	VERDICT_HOST,       /* t3ops itself was frozen */
	VERDICT_UNKNOWN,    /* everything on the failing paths also worked */
};

/* All pointers are borrowed from the incident that is being judged. */
struct verdict {
	enum verdict_kind kind;
	uint64_t id;        /* of the incident; several independent faults share it */
	uint64_t wall_us;   /* when it was given */
	uint64_t drop_us;   /* first drop, since 1970 */
	uint64_t delay_us;  /* from the first drop */
	uint64_t continues; /* incident whose fault goes on, 0: a new fault */
	size_t failing;     /* paths that failed */
	struct tomo_path suspects;
	const struct drop *only; /* one user's drop that an earlier fault explains; else NULL */
	const struct observations *observations;
	const struct incident *incident;
};

/* Writes "serve(alice)" as its user, "alice"; "" unless one user's own segment is the only suspect. */
void verdict_user(const struct verdict *v, char *out, size_t size);
/* "cloudflare or tunnel", "host", "unknown"; with_users false: "serve" for "serve(alice)".  The caller frees it;
 * NULL without memory. */
char *verdict_name(const struct verdict *v, bool with_users);
/* Name of a kind that has no segments ("host", "unknown"); NULL of the others. */
const char *verdict_kind_name(enum verdict_kind kind);

#endif
