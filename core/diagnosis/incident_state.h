/* SPDX-License-Identifier: MIT */
/* What incident.c (events in) and judgement.c (verdicts out) share; nobody else includes it. */
#ifndef T3OPS_DIAGNOSIS_INCIDENT_STATE_H
#define T3OPS_DIAGNOSIS_INCIDENT_STATE_H

#include "diagnosis/evidence.h"
#include "diagnosis/fault.h"
#include "diagnosis/incident.h"

/* The latest freeze of a loop of ours. */
struct lag {
	uint64_t us, end_us;
	char process[16];
};

struct incidents {
	struct topology *topology;
	struct probe_table legs;
	struct faults faults;
	struct pressure_ring pressure;
	struct incident now; /* id 0: none is open */
	struct lag lag;
	uint64_t next_id;
	uint64_t ping_timeout_us;
	uint32_t prober_serial; /* process whose legs the table has */
	const struct incident_actions *actions;
	void *arg;
};

/* Judges the open incident, gives its verdicts, closes it. */
void incident_close(struct incidents *i, uint64_t now_us);
/* Ends the faults whose evidence works again. */
void faults_heal(struct incidents *i, uint64_t now_us);

#endif
