/* SPDX-License-Identifier: MIT */
/*
 * Evidence of one incident: what was seen of every leg and user, and which segments it accuses or
 * acquits.  This is where the table of incident.h is applied.  Desk room; pure.
 */
#ifndef T3OPS_DESK_EVIDENCE_H
#define T3OPS_DESK_EVIDENCE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/event.h"
#include "desk/legbook.h"
#include "desk/pressure.h"
#include "desk/topology.h"

#define INCIDENT_USERS 64

/* Tunnels of one user that ended for one side's fault in this incident. */
struct drop {
	char user[64];
	uint16_t reason, code;
	char address[48], colo[8];
	uint64_t quiet_us;  /* how long the side at fault had sent nothing */
	uint64_t heard_us;  /* CLOCK_MONOTONIC: when it last sent something */
	uint64_t opened_us; /* of the tunnel, 0: not known */
	unsigned tunnels;
	bool returned, moved, other_colo; /* came back; from another address; over another location */
};

/* A tunnel that carried data after the drop. */
struct witness {
	char user[64];
	bool serve; /* data of the instance, too */
};

struct incident {
	uint64_t id;
	uint64_t opened_us; /* CLOCK_MONOTONIC, here */
	uint64_t first_us;  /* CLOCK_MONOTONIC of the first drop */
	uint64_t first_wall_us;
	uint64_t last_us; /* arrival of the last drop */
	struct drop drops[INCIDENT_USERS];
	size_t n_drops;
	struct witness witnesses[INCIDENT_USERS];
	size_t n_witnesses;
	uint64_t frozen_us; /* longest loop lag that overlaps */
	char frozen_room[16];
	struct distress distress;
};

/* One thing seen, and what follows from it.  Exactly one of leg, drop, witness is set. */
struct finding {
	struct leg *leg;
	const struct drop *drop;
	const struct witness *witness;
	bool resolver; /* of leg: about its lookups, not its connection */
	struct tomo_path accused, acquitted;
};

struct findings {
	struct finding *rows; /* legs that fail, users that fail, then what works */
	size_t n, n_failing;
};

/* Gathers; 0 or -ENOMEM.  Pointers into in and legs stay borrowed. */
int findings_init(struct findings *f, const struct incident *in, const struct legbook *legs, struct topology *t);
void findings_fini(struct findings *f);

/* Whether the leg's failure counts in that incident: a late answer is no failure. */
bool leg_fails_in(const struct leg *leg, uint64_t id);

/* What a failed leg accuses by how far its latest attempt got, and what that attempt acquits. */
void leg_judge(const struct leg *leg, enum leg_part *accused, enum leg_part *acquitted, bool *resolver_acquitted);
/* The part of a user's path that the end of a tunnel accuses. */
enum user_part drop_judge(unsigned reason);

/* Whether the failing path f is among those that have these suspects. */
bool finding_supports(const struct finding *f, const struct tomo_path *suspects);

/* New reference: everything seen, for /verdicts and the journal. */
json_t *findings_json(const struct findings *f, const struct incident *in);

enum sentence_kind {
	SENTENCE_FAULT,      /* suspects say which */
	SENTENCE_EXONERATED, /* only users' own networks are left */
	SENTENCE_HOST,
	SENTENCE_UNKNOWN,
};

/* The sentence of a verdict. */
struct sentence {
	enum sentence_kind kind;
	const struct findings *findings;
	const struct incident *incident;
	const struct tomo_path *suspects;
	const struct drop *only; /* one user's drop that an earlier fault explains; else NULL */
	uint64_t continues;      /* that fault's incident, 0: a new one */
};
void sentence_write(const struct sentence *s, char *out, size_t size);

#endif
