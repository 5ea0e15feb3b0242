/* SPDX-License-Identifier: MIT */
/* What `t3opsctl doctor` finds, one a line: the check, what it is about, how it came out, what to do. */
#ifndef T3OPS_CTL_FINDINGS_H
#define T3OPS_CTL_FINDINGS_H

#include <jansson.h>
#include <stdbool.h>

enum finding {
	FINDING_OK,
	FINDING_SKIP, /* could not be looked at, which is no fault */
	FINDING_WARN,
	FINDING_FAIL
};

struct findings {
	json_t *all;   /* [{"check","subject","result","text","advice"}, ...] */
	bool is_quiet; /* they are printed as JSON, at the end */
};

/* Prints it at once, unless quiet.  subject: "" for none.  advice: what to do, "" where nothing is. */
void finding_add(struct findings *f, enum finding result, const char *check, const char *subject, const char *advice,
                 const char *fmt, ...) __attribute__((format(printf, 6, 7)));
unsigned findings_count(const struct findings *f, enum finding result);

#endif
