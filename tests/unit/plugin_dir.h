/* SPDX-License-Identifier: MIT */
/*
 * A temporary plugin directory for tests: private copies of the modules that tests/plugins built,
 * whatever the umask of the build was.
 */
#ifndef TESTS_PLUGIN_FOLDER_H
#define TESTS_PLUGIN_FOLDER_H

#include <stddef.h>

struct plugin_dir {
	char path[64];
};

/* Makes it, readable for all; ends the test program if it cannot. */
void plugin_dir_init(struct plugin_dir *f);
/* Removes it and every file in it. */
void plugin_dir_fini(struct plugin_dir *f);

/* Copies a built module in as NAME.so; ends the test program if it is not built. */
void plugin_dir_add(struct plugin_dir *f, const char *module, const char *name);
/* Writes a file with that text; for config files and files that are no plugins. */
void plugin_dir_write(struct plugin_dir *f, const char *name, const char *text, size_t len);
/* "FOLDER/NAME" in out. */
const char *plugin_dir_file(const struct plugin_dir *f, const char *name, char *out, size_t size);

#endif
