/* SPDX-License-Identifier: MIT */
/*
 * The values of one section by name, as the file and the defaults give them, and their form as JSON: what
 * crosses a pipe or an exec is written and read here and nowhere else.  Any process.
 */
#ifndef T3OPS_OPTIONS_OPTION_SET_H
#define T3OPS_OPTIONS_OPTION_SET_H

#include <jansson.h>

#include "options/option.h"

struct option_set {
	struct named_value {
		char *name;
		struct option_value value;
	} * rows;
	size_t n;
};

/* Takes what value holds; a value of that name is replaced. */
void option_set_put(struct option_set *s, const char *name, struct option_value value);
void option_set_remove(struct option_set *s, const char *name);
void option_set_fini(struct option_set *s);

/* NULL: no such option. */
const struct option_value *option_set_get(const struct option_set *s, const char *name);
/* The text of a textual option; NULL: it is missing, or not textual. */
const char *option_set_text(const struct option_set *s, const char *name);
/* The list of a list option; an empty one if it is missing, or not a list. */
const struct text_list *option_set_list(const struct option_set *s, const char *name);

/* Brings a set that another version wrote to these rows: a value of another type goes, a missing one becomes its
 * default.  Others stay. */
void option_set_complete(struct option_set *s, const struct t3ops_option *rows, size_t n);

/* Same names, types and values in the same order. */
bool option_set_equal(const struct option_set *a, const struct option_set *b);

/* [[NAME, TYPE, VALUE], ...], a new reference. */
json_t *option_set_json(const struct option_set *s);
/* Fills *s with what option_set_json wrote; false: it is anything else, and *s is empty. */
bool option_set_read(struct option_set *s, const json_t *rows);

#endif
