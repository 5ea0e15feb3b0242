/* SPDX-License-Identifier: MIT */
/* Reports of browsers as a worker takes them (browser_reports.h): whose they are, how many, and what became of them.
 * Proxy. */
#ifndef T3OPS_PROXY_REPORT_INTAKE_H
#define T3OPS_PROXY_REPORT_INTAKE_H

#include <stdbool.h>
#include <stdint.h>

#include "obs/metrics.h"
#include "proxy/report_tokens.h"
#include "sys/buf.h"

#define REPORT_INTAKE_PLACES 256

enum report_outcome {
	REPORT_TAKEN,
	REPORT_LEFT_OUT,
	REPORT_MALFORMED,
	REPORT_UNKNOWN_TOKEN,
	REPORT_LIMITED,
	REPORT_OUTCOMES
};

struct report_intake {
	bool on;
	unsigned rate; /* requests of a user in a minute */
	struct report_tokens tokens;
	uint64_t minute;                       /* that counts are of */
	unsigned counts[REPORT_INTAKE_PLACES]; /* requests, by a hash of the user */
	struct series *outcomes[REPORT_OUTCOMES];
};

/* A request whose body is being collected. */
struct browser_report {
	char user[T3OPS_USER_NAME_SIZE];
	struct buf body;
};

/* key: borrowed.  Nothing is counted that is not on. */
void report_intake_init(struct report_intake *in, bool on, unsigned rate, const char *key, struct metrics *arena);
void report_intake_fini(struct report_intake *in);
/* Whether one more of that user is too many; counts it. */
bool report_intake_is_full(struct report_intake *in, const char *user, uint64_t mono_us);
void report_intake_count(struct report_intake *in, enum report_outcome outcome, size_t n);

struct browser_report *browser_report_new(const char *user); /* NULL without memory */
void browser_report_free(struct browser_report *r);          /* NULL is fine */

#endif
