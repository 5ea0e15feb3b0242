/* SPDX-License-Identifier: MIT */
/*
 * Reports of Network Error Logging as browsers send them (application/reports+json): what a browser experienced where
 * no server was there to see it.  Whoever sends one may lie; it is data, not proof.  Pure.
 */
#ifndef T3OPS_NET_NEL_REPORT_H
#define T3OPS_NET_NEL_REPORT_H

#include <stddef.h>
#include <stdint.h>

#define NEL_BODY_MAX    16384
#define NEL_REPORTS_MAX 8                      /* of one request that are read */
#define NEL_AGE_MAX_US  (UINT64_C(3600000000)) /* an older one is not taken */

struct nel_report {
	uint64_t age_us;     /* how long ago it happened, when it was sent */
	uint64_t elapsed_us; /* how long the request had taken by then */
	unsigned status;     /* HTTP; 0: none came */
	char type[48];       /* "tcp.reset" */
	char phase[12];      /* "dns", "connection" or "application" */
	char method[12];
	char path[128]; /* of the URL, without its query */
};

/* The errors among them; -EPROTO if it is not such a list.  *left_out: how many more entries it has, of other types,
 * of success, too old, about the reports themselves, not well formed, or beyond NEL_REPORTS_MAX. */
int nel_reports_read(const char *bytes, size_t len, struct nel_report out[NEL_REPORTS_MAX], size_t *left_out);

#endif
