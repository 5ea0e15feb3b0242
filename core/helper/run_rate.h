/* SPDX-License-Identifier: MIT */
/* How often a process had something started for a user, within the last minute.  Pure, the clock is the caller's. */
#ifndef T3OPS_HELPER_RUN_RATE_H
#define T3OPS_HELPER_RUN_RATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ipc/message.h"

#define RUN_RATE_WINDOW_US UINT64_C(60000000)

/* Zeroed is empty and valid. */
struct run_rate {
	struct run_rate_row {
		char user[T3OPS_USER_NAME_SIZE];
		enum process_id process;
		uint64_t began_us; /* of its minute */
		unsigned n;
	} * rows;
	size_t n, room;
};

/* Counts one more; false: it would be more than `most` in a minute, or there is no memory to count it. */
bool run_rate_passes(struct run_rate *r, enum process_id process, const char *user, unsigned most, uint64_t now_us);
void run_rate_fini(struct run_rate *r);

#endif
