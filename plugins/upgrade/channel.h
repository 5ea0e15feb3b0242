/* SPDX-License-Identifier: MIT */
/*
 * Where new versions come from: three programs of the configuration, run as the user.
 *
 *   resolve   prints the newest version of the channel            npm view t3@CHANNEL version
 *   install   puts a version at a prefix, where nothing is yet    npm install --global --prefix PREFIX t3@VERSION
 *   current   prints the version that a prefix has                PREFIX/bin/t3 --version
 */
#ifndef T3OPS_PLUGINS_UPGRADE_CHANNEL_H
#define T3OPS_PLUGINS_UPGRADE_CHANNEL_H

#include "plugin.h"
#include "version.h"

struct channel {
	struct t3ops_ctx *ctx;
	const struct t3ops_user *user;
	uint64_t until_us;
	char why[400]; /* of the last failure */
};

/* Each 0, or -errno with why. */
int channel_resolve(struct channel *c, char version[VERSION_SIZE]);
int channel_install(struct channel *c, const char *version, const char *prefix);
int channel_current(struct channel *c, const char *prefix, char version[VERSION_SIZE]);

/* Pure: an item of an argv with %v version, %p prefix, %c channel, %h home, %u OS user, %n table name, %%.  0,
 * -EINVAL or -ENAMETOOLONG. */
struct channel_words {
	const char *version, *prefix, *channel;
	const struct t3ops_user *user;
};
int channel_fill(char *out, size_t size, const char *item, const struct channel_words *w);

#endif
