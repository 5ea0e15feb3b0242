/* SPDX-License-Identifier: MIT */
/* What the rows of close_reason.h say of a reason (enum t3ops_reason), and the names of steps.  Pure. */
#ifndef T3OPS_TBL_REASON_H
#define T3OPS_TBL_REASON_H

/* Who is at fault for an end, as far as the end alone can say. */
enum end_side { SIDE_NOBODY = 0, SIDE_PATH, SIDE_CLIENT, SIDE_SERVE, SIDE_CONFIG };

/* How many there are; they are numbered from 0 without a gap. */
enum {
#define REASON(number, id, label, side, sentence) REASON_ROW_##id,
#include "tbl/close_reason.h"
#undef REASON
	REASONS
};

const char *reason_label(unsigned reason); /* "unknown" beyond the table */
enum end_side reason_side(unsigned reason);
const char *step_label(unsigned step); /* dns connect tls http open */

#endif
