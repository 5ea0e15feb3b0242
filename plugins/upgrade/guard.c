/* SPDX-License-Identifier: MIT */
/* See guard.h. */
#include "guard.h"

#include <stdio.h>

#include "version.h"

static bool is_older(const struct guard *g, char *why, size_t size)
{
	if (*g->current != '\0' && version_compare(g->version, g->current) < 0)
		snprintf(why, size, "%s is older than %s, which the user has: ask for it with --downgrade",
		         g->version, g->current);
	else if (g->known_migration >= 0 && g->known_migration < g->current_migration)
		snprintf(why, size,
		         "%s knows the database up to migration %lld, and the user's is at %lld: ask for it with "
		         "--downgrade",
		         g->version, g->known_migration, g->current_migration);
	else
		return false;
	return true;
}

bool guard_passes(const struct guard *g, char *why, size_t size)
{
	if (!g->prerelease_asked && *g->channel != '\0' && !version_in_channel(g->version, g->channel)) {
		snprintf(why, size, "%s is a pre-release of another channel than %s: ask for it with --prerelease",
		         g->version, g->channel);
		return false;
	}
	return g->downgrade_asked || !is_older(g, why, size);
}
