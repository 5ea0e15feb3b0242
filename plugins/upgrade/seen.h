/* SPDX-License-Identifier: MIT */
/* What the gate saw of each version, as the candidate or as the installed one, in the state's "seen": {VERSION:
 * FACTS}.
 */
#ifndef T3OPS_PLUGINS_UPGRADE_SEEN_H
#define T3OPS_PLUGINS_UPGRADE_SEEN_H

#include "state.h"

/* facts: what proof.h reports, with "version"; nothing happens without that.  proof: "works", or what it failed at.
 * migration: how far it migrated a database. */
void seen_take(struct state *s, const json_t *facts, const char *proof, long long migration);
/* -1: not known. */
long long seen_migration(const struct state *s, const char *version);

/* One row for each version, oldest first. */
void seen_report(struct t3ops_ctx *ctx, const struct state *s);

#endif
