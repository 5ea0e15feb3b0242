/* SPDX-License-Identifier: MIT */
/*
 * Loads plugin files and checks them: owner and mode of the file, the exported descriptor, its
 * ABI numbers, its tables.  RTLD_NOW | RTLD_LOCAL, never closed.  Any process but the supervisor.
 */
#ifndef T3OPS_LOADER_LOADER_H
#define T3OPS_LOADER_LOADER_H

#include <dirent.h>
#include <stddef.h>

#include "plugin.h"

/* Opens DIR/MODULE.so and copies its descriptor, zeroed beyond what it declares, into *out.
 * 0, or -errno with one line in why that says file, found, expected and what to do. */
int loader_open(const char *dir, const char *module, struct t3ops_plugin *out, char *why, size_t why_size);
/* The same for a complete path (a config's file.path). */
int loader_open_file(const char *path, const char *module, struct t3ops_plugin *out, char *why, size_t why_size);

/* For scandir(3): whether a name is that of a plugin file, MODULE.so. */
int loader_is_plugin(const struct dirent *e);

/* The core's row for an option of a leg's section, its default replaced by the plugin's own. */
struct t3ops_option loader_leg_row(const struct t3ops_plugin *p, const struct t3ops_option *row);

/* The check alone, for tests: p as the plugin declares it. */
int loader_check(const struct t3ops_plugin *p, const char *module, struct t3ops_plugin *out, char *why,
                 size_t why_size);

#endif
