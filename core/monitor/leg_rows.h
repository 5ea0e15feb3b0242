/* SPDX-License-Identifier: MIT */
/* The legs as they are shown: copies, for the table of the diagnosis goes on meanwhile.  Monitor process. */
#ifndef T3OPS_MONITOR_LEG_ROWS_H
#define T3OPS_MONITOR_LEG_ROWS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "diagnosis/probe_table.h"
#include "monitor/monitor_state.h"

struct leg_row {
	const struct leg_def *def;
	const char *user, *state;
	bool failed; /* last says how */
	uint64_t since_us, rtt_us;
	struct leg_end last;
	char colo[8];
	enum resolver_state resolver;
	enum aspect_state fresh, large;
};
/* In no order, of one user or (NULL) all; to be freed before the diagnosis is.  NULL without memory. */
struct leg_row *leg_rows(const struct monitor *d, const char *user, size_t *n);
/* Their order, by name and user. */
int leg_row_compare(const struct leg_row *a, const struct leg_row *b);
/* New reference; the words of whoever refused it are as they are now. */
json_t *leg_row_json(const struct monitor *d, const struct leg_row *leg);

#endif
