/* SPDX-License-Identifier: MIT */
/* The rows of beat_trace.h; see beat.h. */
#include "tbl/beat.h"

static const struct {
	const char *label, *sentence;
} rows[] = {
#define BEAT_TRACE(id, label, sentence) {label, sentence},
#include "tbl/beat_trace.h"
#undef BEAT_TRACE
};

const char *beat_trace_label(unsigned trace)
{
	return trace < BEAT_TRACES ? rows[trace].label : "";
}

const char *beat_trace_sentence(unsigned trace)
{
	return trace < BEAT_TRACES ? rows[trace].sentence : "";
}
