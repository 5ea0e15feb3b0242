/* SPDX-License-Identifier: MIT */
/* Whether a version may come to a user at all, before anything is installed or proven.  Pure. */
#ifndef T3OPS_PLUGINS_UPGRADE_GUARD_H
#define T3OPS_PLUGINS_UPGRADE_GUARD_H

#include <stdbool.h>
#include <stddef.h>

struct guard {
	const char *version;
	const char *channel;         /* that is followed; "": none, and no pre-release is foreign to it */
	const char *current;         /* version of the user's program; "": not known */
	long long known_migration;   /* as far as the version migrates a database; -1: the gate has not seen it yet */
	long long current_migration; /* of the user's database; -1: not known */
	bool downgrade_asked, prerelease_asked;
};

/* True, or false with one line in why that says how to ask for it. */
bool guard_passes(const struct guard *g, char *why, size_t size);

#endif
