/* SPDX-License-Identifier: MIT */
/* What one user is shown of their own connection.  Pure but for the clock's zone. */
#ifndef T3OPS_MONITOR_USER_PAGE_HTML_H
#define T3OPS_MONITOR_USER_PAGE_HTML_H

#include <jansson.h>
#include <stddef.h>

/* row: of roster_json, NULL: the user is not known.  verdicts: about the user, newest first (verdicts_since.h); what
 * they say of others is left out.  drops: of user_drops_make.  The caller frees it; NULL without memory. */
char *user_page_html(const char *user, const json_t *row, const json_t *verdicts, const json_t *drops, size_t *len);

/* Whose fault that verdict is and what to do, in plain words without markup.  The caller frees it; NULL without
 * memory. */
char *user_verdict_words(const json_t *verdict);

#endif
