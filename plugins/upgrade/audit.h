/* SPDX-License-Identifier: MIT */
/* What a migration did to a database: columns that came and went, rows that are lost. */
#ifndef T3OPS_PLUGINS_UPGRADE_AUDIT_H
#define T3OPS_PLUGINS_UPGRADE_AUDIT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

/* {"TABLE.COLUMN": type}; NULL with one line in why. */
json_t *audit_columns(const char *database, char *why, size_t size);
/* "-auth_sessions.role +auth_sessions.scopes"; "" if they are the same. */
void audit_columns_compare(const json_t *before, const json_t *after, char *out, size_t size);
/* Whether a table that is precious has fewer rows, or none any more: which, in why.  {TABLE: rows}.  Sessions and
 * pending credentials are not: they are counted by audit_sessions_lost. */
bool audit_rows_lost(const json_t *before, const json_t *after, char *why, size_t size);
/* How many sessions are gone; the proof itself has made one. */
long long audit_sessions_lost(const json_t *before, const json_t *after);

#endif
