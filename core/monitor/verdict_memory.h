/* SPDX-License-Identifier: MIT */
/* What the next monitor has to know of the verdicts that this one follows: written to the journal's file whenever it
 * changed, read when a monitor begins.  Monitor process. */
#ifndef T3OPS_MONITOR_VERDICT_MEMORY_H
#define T3OPS_MONITOR_VERDICT_MEMORY_H

#include "diagnosis/diagnosis.h"
#include "monitor/journal.h"

/* What was written last, so that only changes are. */
struct verdict_memory {
	struct verdict_memory_row {
		uint64_t id;
		char *text;
	} * rows;
	size_t n, room;
};

void verdict_memory_fini(struct verdict_memory *m);
/* Writes what changed, and removes what the diagnosis has forgotten.  0 or -ENOMEM: tried again next time. */
int verdict_memory_write(struct verdict_memory *m, struct journal *j, const struct diagnosis *d);
/* Hands everything that was written to a new diagnosis.  0 or -ENOMEM: some are forgotten. */
int verdict_memory_read(struct journal *j, struct diagnosis *d, uint64_t mono_us, uint64_t wall_us);

/* One as text, which the caller frees; NULL without memory.  And back: 0, -EINVAL: it is none; -ENOMEM. */
char *verdict_memory_text(const struct recall *r);
int verdict_memory_recall(struct diagnosis *d, const char *text, uint64_t mono_us, uint64_t wall_us);

#endif
