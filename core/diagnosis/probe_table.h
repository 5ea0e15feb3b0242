/* SPDX-License-Identifier: MIT */
/*
 * What the monitor knows of every leg, from the events of the prober: its state now, and how it
 * failed in the incident that accused it last.  Monitor process; no I/O, no clock.
 */
#ifndef T3OPS_DIAGNOSIS_PROBE_TABLE_H
#define T3OPS_DIAGNOSIS_PROBE_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "obs/event.h"
#include "diagnosis/topology.h"

/*
 *   UNKNOWN --LEG_UP, LEG_ALIVE--> UP --LEG_LATE--> LATE --LEG_DOWN--> DOWN --LEG_UP--> UP
 *   LATE --LEG_ALIVE, LEG_UP--> UP;  any --process gone, ended by t3ops itself--> UNKNOWN
 */
enum leg_state { LEG_IS_UNKNOWN, LEG_IS_UP, LEG_IS_LATE, LEG_IS_DOWN };

/* One end of an attempt, or of an established leg. */
struct leg_end {
	uint16_t step, reason, code;
};

struct leg {
	const struct leg_def *def;
	char user[64];
	enum leg_state state;
	bool walled;                       /* the last attempt met a login page */
	bool resolver_ok, resolver_failed; /* neither: never said */
	uint64_t since_us;                 /* since 1970: of this state */
	struct leg_end last;               /* why it is or was down */
	uint64_t rtt_us;                   /* of the last answer */
	uint64_t alive_id;                 /* the last incident whose ping it answered */

	uint64_t failed_id;          /* the incident it failed in; 0: none, or it works again */
	struct leg_end first;        /* how it failed there; step 0: it was late only */
	struct leg_end latest;       /* of the latest attempt, if attempted */
	bool attempted;              /* an attempt ended since */
	bool recovered;              /* it works again, though it failed in that incident */
	uint64_t reported_id;        /* the last incident whose probe an attempt of it ended for */
	uint64_t fault;              /* number of the standing fault it is evidence of, 0: none */
	uint64_t resolver_failed_id; /* the incident its resolver failed in */
	uint64_t resolver_fault;
};

struct probe_table {
	struct leg **rows; /* pointers stay valid until the leg is removed */
	size_t n, process;
};

void probe_table_fini(struct probe_table *b);
/* By section name and user; made if new and configured.  NULL: not configured, or no memory. */
struct leg *probe_table_get(struct probe_table *b, const struct topology *t, const char *name, const char *user);
void probe_table_remove(struct probe_table *b, struct leg *leg);

/* "probe_t3serve(alice)" */
void leg_label(const struct leg *leg, char *out, size_t size);
const char *leg_state_name(const struct leg *leg); /* up late down walled_off unknown */

#endif
