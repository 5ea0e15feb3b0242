/* SPDX-License-Identifier: MIT */
/* The rows of close_reason.h, by number; see reason.h. */
#include "tbl/reason.h"

#include "plugin.h"

struct reason_row {
	const char *label;
	enum end_side side;
};

static const struct reason_row reasons[] = {
#define REASON(number, id, label, side, sentence) [number] = {label, SIDE_##side},
#include "tbl/close_reason.h"
#undef REASON
};

#define REASON(number, id, label, side, sentence)                                                                    \
	_Static_assert(number == (int)T3OPS_R_##id && number == (int)REASON_ROW_##id, "one number a reason, no "     \
	                                                                              "gap");
#include "tbl/close_reason.h"
#undef REASON

static const struct reason_row *reason_row(unsigned reason)
{
	static const struct reason_row unknown = {"unknown", SIDE_NOBODY};

	return reason < sizeof reasons / sizeof reasons[0] ? &reasons[reason] : &unknown;
}

const char *reason_label(unsigned reason)
{
	return reason_row(reason)->label;
}

enum end_side reason_side(unsigned reason)
{
	return reason_row(reason)->side;
}

const char *step_label(unsigned step)
{
	static const char *const labels[] = {"none", "dns", "connect", "tls", "http", "open"};

	return step < sizeof labels / sizeof labels[0] ? labels[step] : "unknown";
}
