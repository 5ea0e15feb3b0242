/* SPDX-License-Identifier: MIT */
/*
 * Newer t3 can manage one server of a user by itself (`t3 service install`): a unit of the user's own service manager
 * starts a launcher, which runs BASE/runtime/versions/VERSION and replaces it when somebody clicks on "update".
 * Whoever else moves that server, or starts a second one on the same directory, fights it.  So where it is in charge,
 * or would be at the next login, nobody is moved from here.
 */
#ifndef T3OPS_PLUGINS_UPGRADE_MANAGED_H
#define T3OPS_PLUGINS_UPGRADE_MANAGED_H

#include "plugin.h"

enum managed {
	MANAGED_T3OPS, /* by the link */
	MANAGED_T3,    /* its own updater runs the server, or is enabled and nothing runs */
	MANAGED_BOTH,  /* its own updater is enabled, and the server that runs is not one of its */
};

const char *managed_name(enum managed m); /* "t3ops", "t3", "both" */

/* Looks at the files that it leaves and at the process that has the database open.  text: one line with what was
 * found, and what to do where that is something. */
enum managed managed_find(const struct t3ops_user *user, const char *base_dir, const char *database, char *text,
                          size_t size);

/* Pure: whether an argv, as /proc shows it, runs a program below the directory. */
bool argv_runs_below(const char *argv, size_t len, const char *dir);

#endif
