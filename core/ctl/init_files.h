/* SPDX-License-Identifier: MIT */
/* The files of init: made from templates, checked by t3ops, written. */
#ifndef T3OPS_CTL_INIT_FILES_H
#define T3OPS_CTL_INIT_FILES_H

#include <jansson.h>
#include <stdbool.h>

struct init_file {
	char *path, *text;
	unsigned mode;
};

struct init_files {
	struct init_file *all;
	size_t n;
};

/* What the manifest in that directory lists, filled in.  False after an error that has been printed; to be freed by
 * init_files_fini in any case. */
bool init_files_make(struct init_files *f, const char *templates, json_t *values);
void init_files_fini(struct init_files *f);
/* One template of that directory, to be freed; NULL after an error that has been printed. */
char *init_template(const char *templates, const char *name, json_t *values);
/* Whether nothing would be lost: prints those that are there with another text. */
bool init_files_are_new(const struct init_files *f, const char *root);
/* Each at once, with its directories; says which.  report: say so on standard output. */
bool init_files_write(const struct init_files *f, const char *root, bool report);

#endif
