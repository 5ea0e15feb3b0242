/* SPDX-License-Identifier: MIT */
/*
 * Which version a user shall have next:
 *
 *   --to=/PREFIX or --to=VERSION      what somebody asks for
 *   the state's "pin"                 {"version", "why", "time", "downgrade"}: it stays this one
 *   the option candidate              a prefix that somebody else installs
 *   the option channel                its newest version
 *
 * and how it comes to be there, unless the guard (guard.h) refuses it.
 */
#ifndef T3OPS_PLUGINS_UPGRADE_CANDIDATE_H
#define T3OPS_PLUGINS_UPGRADE_CANDIDATE_H

#include "prefixes.h"

struct candidate {
	struct t3ops_ctx *ctx; /* these six are the caller's */
	const struct t3ops_user *user;
	struct state *state;
	const char *installed; /* prefix of the user's program */
	const char *database;
	uint64_t until_us;

	char prefix[PATH_MAX];
	char version[VERSION_SIZE]; /* "": a prefix whose program does not say */
	const char *source;         /* "--to", "pin", "candidate" or "channel" */
	char why[600];

	char dir[PATH_MAX]; /* its own, these three */
	struct channel channel;
	struct prefixes prefixes;
};

/* The caller has set its six. */
void candidate_init(struct candidate *c);
/* Which one, guarded; installs nothing.  0, or -errno with why. */
int candidate_choose(struct candidate *c);
/* Installs it if it is not there and was not rejected. */
int candidate_install(struct candidate *c);
/* What would happen, in words; nothing does. */
void candidate_plan(struct candidate *c, char *text, size_t size);
/* The versions that nobody needs any more go: all but the user's own, what a rollback would bring back, the last one
 * that was good, the pinned one and this candidate. */
void candidate_prune(struct candidate *c);

/* What --to calls it, for any user: a version that is installed for each, or a prefix. */
const char *candidate_name(struct candidate *c);
const char *candidate_pin(const struct state *s); /* "": none */

#endif
