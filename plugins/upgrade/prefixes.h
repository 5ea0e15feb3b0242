/* SPDX-License-Identifier: MIT */
/*
 * The versions that were installed for one user, side by side: VERSIONS/USER/VERSION, which nobody changes
 * afterwards. One that is being installed is named in the state, as "installing", so that what a kill leaves half
 * made is made anew. What is known of any prefix, the version that it has, is kept as "versions": {PREFIX: VERSION}.
 */
#ifndef T3OPS_PLUGINS_UPGRADE_PREFIXES_H
#define T3OPS_PLUGINS_UPGRADE_PREFIXES_H

#include <limits.h>

#include "channel.h"
#include "state.h"

struct prefixes {
	struct channel *channel; /* its why gets every reason */
	struct state *state;
	const char *dir; /* VERSIONS/USER */
};

int prefix_of(struct prefixes *p, const char *version, char out[PATH_MAX]);
/* Whole, by a run that came to its end. */
bool prefix_is_there(const struct prefixes *p, const char *prefix);

/* What one more version takes, by the largest that is there, or by the user's own one; 0: nobody knows. */
long long prefix_predict(const struct prefixes *p, const char *like);
/* Bytes that are free where they are; -1: not known. */
long long prefix_room(const struct prefixes *p);

/* Nothing if it is there.  0, or -errno with why: -ENOSPC, before anything is fetched. */
int prefix_install(struct prefixes *p, const char *version, const char *like);

/* The version of any prefix; "" if its program does not say. */
const char *prefix_version(struct prefixes *p, const char *prefix);

/* Removes every version of the user's that is none of these (NULL-terminated; "" is none). */
void prefixes_prune(struct prefixes *p, const char *const *needed);

#endif
