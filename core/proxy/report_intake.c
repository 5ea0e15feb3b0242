/* SPDX-License-Identifier: MIT */
/* Reports as they are taken; see report_intake.h. */
#include "proxy/report_intake.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tbl/hash.h"

#define MINUTE_US UINT64_C(60000000)

void report_intake_init(struct report_intake *in, bool on, unsigned rate, const char *key, struct metrics *arena)
{
	static const char *const names[REPORT_OUTCOMES] = {[REPORT_TAKEN] = "taken",
	                                                   [REPORT_LEFT_OUT] = "left_out",
	                                                   [REPORT_MALFORMED] = "malformed",
	                                                   [REPORT_UNKNOWN_TOKEN] = "unknown_token",
	                                                   [REPORT_LIMITED] = "limited"};
	static const struct t3ops_metric family = {
	    .name = "t3ops_browser_reports_total",
	    .type = T3OPS_COUNTER,
	    .labels = {"outcome"},
	    .help =
	        "Reports of browsers that were taken or left out (success, other types, too old, too many at once), "
	        "and requests with them that were refused: malformed, with an unknown token, or beyond "
	        "browser_reports_rate."};

	in->on = on;
	in->rate = rate;
	in->tokens.key = key;
	for (unsigned i = 0; on && i < REPORT_OUTCOMES; i++)
		in->outcomes[i] = metrics_series(arena, &family, NULL, NULL, (const char *[]){names[i]});
}

void report_intake_fini(struct report_intake *in)
{
	report_tokens_forget(&in->tokens);
}

/* Users who share a place share its limit: it is there against floods, not to be fair. */
bool report_intake_is_full(struct report_intake *in, const char *user, uint64_t mono_us)
{
	unsigned *count = &in->counts[hash_text(HASH_START, user) % REPORT_INTAKE_PLACES];
	uint64_t minute = mono_us / MINUTE_US;

	if (in->minute != minute) {
		memset(in->counts, 0, sizeof in->counts);
		in->minute = minute;
	}
	return (*count)++ >= in->rate;
}

void report_intake_count(struct report_intake *in, enum report_outcome outcome, size_t n)
{
	series_add(in->outcomes[outcome], n);
}

struct browser_report *browser_report_new(const char *user)
{
	struct browser_report *r = calloc(1, sizeof *r);

	if (r != NULL)
		snprintf(r->user, sizeof r->user, "%s", user);
	return r;
}

void browser_report_free(struct browser_report *r)
{
	if (r == NULL)
		return;
	buf_fini(&r->body);
	free(r);
}
