/* SPDX-License-Identifier: MIT */
/*
 * Evidence of one incident: what was seen of every leg and user, and which segments it accuses or
 * acquits.  This is where the table of incident.h is applied.  Monitor process; pure.
 */
#ifndef T3OPS_DIAGNOSIS_EVIDENCE_H
#define T3OPS_DIAGNOSIS_EVIDENCE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "obs/event.h"
#include "diagnosis/probe_table.h"
#include "monitor/host_pressure.h"
#include "diagnosis/topology.h"

#define INCIDENT_USERS 64

/* Tunnels of one user that ended for one side's fault in this incident. */
struct drop {
	char user[64];
	uint16_t reason, code;
	char address[48], colo[8];
	uint64_t quiet_us;    /* how long the side at fault had sent nothing */
	uint64_t received_us; /* CLOCK_MONOTONIC: when it last sent something */
	uint64_t opened_us;   /* of the tunnel, 0: not known */
	unsigned tunnels;
	bool returned, moved, other_colo; /* came back; from another address; over another location */
};

/* A tunnel that carried data after the drop. */
struct tunnel_alive {
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
	struct tunnel_alive alive_tunnels[INCIDENT_USERS];
	size_t n_alive_tunnels;
	uint64_t frozen_us; /* longest loop lag that overlaps */
	char frozen_process[16];
	struct host_pressure host_pressure;
};

/* One thing seen, and what follows from it.  Exactly one of leg, drop, tunnel_alive is set. */
struct observation {
	struct leg *leg;
	const struct drop *drop;
	const struct tunnel_alive *tunnel_alive;
	bool resolver; /* of leg: about its lookups, not its connection */
	struct tomo_path accused, acquitted;
};

struct observations {
	struct observation *rows; /* legs that fail, users that fail, then what works */
	size_t n, n_failing;
};

/* Gathers; 0 or -ENOMEM.  Pointers into in and legs stay borrowed. */
int observations_init(struct observations *f, const struct incident *in, const struct probe_table *legs,
                      struct topology *t);
void observations_fini(struct observations *f);

/* Whether the leg's failure counts in that incident: a late answer is no failure. */
bool leg_fails_in(const struct leg *leg, uint64_t id);

/* What a failed leg accuses by how far its latest attempt got, and what that attempt acquits. */
void classify_leg(const struct leg *leg, enum leg_part *accused, enum leg_part *acquitted, bool *resolver_acquitted);
/* The part of a user's path that the end of a tunnel accuses. */
enum user_part classify_drop(unsigned reason);

/* Whether the failing path f is among those that have these suspects. */
bool observation_supports(const struct observation *f, const struct tomo_path *suspects);

/* New reference: everything seen, for /verdicts and the journal. */
json_t *observations_json(const struct observations *f, const struct incident *in);

enum summary_kind {
	SUMMARY_FAULT,      /* suspects say which */
	SUMMARY_EXONERATED, /* only users' own networks are left */
	SUMMARY_HOST,
	SUMMARY_UNKNOWN,
};

/* The summary of a verdict. */
struct summary {
	enum summary_kind kind;
	const struct observations *observations;
	const struct incident *incident;
	const struct tomo_path *suspects;
	const struct drop *only; /* one user's drop that an earlier fault explains; else NULL */
	uint64_t continues;      /* that fault's incident, 0: a new one */
};
void summary_write(const struct summary *s, char *out, size_t size);

#endif
