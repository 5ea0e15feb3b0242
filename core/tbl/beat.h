/* SPDX-License-Identifier: MIT */
/* What the rows of beat_trace.h say: how far a heartbeat got that was not answered.  Pure. */
#ifndef T3OPS_TBL_BEAT_H
#define T3OPS_TBL_BEAT_H

enum beat_trace {
#define BEAT_TRACE(id, label, sentence) BEAT_##id,
#include "tbl/beat_trace.h"
#undef BEAT_TRACE
	BEAT_TRACES
};

const char *beat_trace_label(unsigned trace);    /* "" of UNTRACED and beyond the table */
const char *beat_trace_sentence(unsigned trace); /* the same */

#endif
