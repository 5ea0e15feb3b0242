/* SPDX-License-Identifier: MIT */
/*
 * The first of the two steps in which t3ops.conf is read: a scan that knows braces, strings and
 * comments but no option.  It finds the sections and the line of every option, so that plugins
 * can be loaded before the strict parse, and it blanks comments and whatever it reported
 * with spaces: libconfuse then sees clean text whose lines are where the file has them.
 * Pure but for memory; takes any bytes.  Any process.
 */
#ifndef T3OPS_CONF_CONF_SCAN_H
#define T3OPS_CONF_CONF_SCAN_H

#include <stdbool.h>
#include <stddef.h>

#include "obs/config_errors.h"

enum conf_kind { CONF_CORE, CONF_PLUGIN, CONF_COMMAND, CONF_LEG_DEFAULTS, CONF_NOTIFY };
#define CONF_KINDS (CONF_NOTIFY + 1)
/* The word that such a section begins with; NULL of CONF_CORE. */
const char *conf_kind_word(enum conf_kind kind);

/* sections[0] is all that is outside sections. */
struct conf_section {
	enum conf_kind kind;
	char *title;  /* of leg_defaults, which has none: that word */
	char *module; /* the option `module` of a plugin section, NULL if not given */
	unsigned line;
	size_t begin, end; /* bytes, keyword and closing brace included */
	bool broken;       /* not closed: reported */
};

/* NAME = VALUE. */
struct conf_option {
	char *name;
	size_t section;
	unsigned line;
	size_t begin, end;
	bool is_list; /* { ... } */
	bool bad;     /* its form is wrong: reported, and blanked */
};

struct conf_scan {
	char *text; /* blanked, NUL-terminated, without other NUL bytes */
	size_t len;
	struct conf_section *sections;
	size_t n_sections;
	struct conf_option *options;
	size_t n_options;
};

/* Always fills s; free it with conf_scan_fini.  A file is well-formed if nothing was added to c. */
void conf_scan(struct conf_scan *s, const char *bytes, size_t len, struct config_errors *c);
void conf_scan_fini(struct conf_scan *s);

/* Spaces over [begin, end), newlines stay. */
void conf_blank(char *text, size_t begin, size_t end);

#endif
