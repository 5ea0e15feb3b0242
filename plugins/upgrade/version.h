/* SPDX-License-Identifier: MIT */
/* Versions as t3 and npm write them, 0.0.33 or 0.0.34-nightly.20261127: which is newer, and of which channel.  Pure.
 */
#ifndef T3OPS_PLUGINS_UPGRADE_VERSION_H
#define T3OPS_PLUGINS_UPGRADE_VERSION_H

#include <stdbool.h>
#include <stddef.h>

#define VERSION_SIZE 64

/* Three numbers, perhaps -PRERELEASE and +BUILD: nothing that could lead elsewhere as the name of a directory. */
bool version_is(const char *text);
/* Below, equal to or above 0, as Semantic Versioning orders them: a pre-release comes before its release. */
int version_compare(const char *a, const char *b);
/* Whether it may come through that channel: a release through any, a pre-release through the one it is named for. */
bool version_in_channel(const char *version, const char *channel);
/* The last word of what a program printed that is a version, perhaps behind a v: "t3 v0.0.28".  False: there is none.
 */
bool version_find(const char *printed, char out[VERSION_SIZE]);

#endif
