/* SPDX-License-Identifier: MIT */
/*
 * What browsers report of requests that failed (the option browser_reports): documents carry the headers NEL and
 * Report-To, and /probe/nel/TOKEN takes the reports.  Each becomes an event for the monitor; it is a line of evidence
 * there, and convicts nobody.  Proxy.
 */
#ifndef T3OPS_PROXY_BROWSER_REPORTS_H
#define T3OPS_PROXY_BROWSER_REPORTS_H

#include <stdbool.h>

#include "proxy/exchange_state.h"

#define BROWSER_REPORTS_PATH "/probe/nel/"

/* Adds the headers to what answers a user's navigation. */
void browser_reports_offer(struct exchange *x);
bool browser_reports_is_asked(const struct exchange *x);
/* Collects the body, then responds; x may be gone. */
void browser_reports_begin(struct exchange *x);
/* More of the body has come; x may be gone. */
void browser_reports_readable(struct exchange *x);
/* The rest of it did not come in time. */
void browser_reports_timeout(struct exchange *x);

#endif
