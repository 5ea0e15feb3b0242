/* SPDX-License-Identifier: MIT */
/*
 * The second step of reading t3ops.conf: one section at a time, strictly, by libconfuse, against
 * an option table.  Only this module knows libconfuse.  Any process.
 */
#ifndef T3OPS_CONF_CONF_H
#define T3OPS_CONF_CONF_H

#include "conf/conf_scan.h"
#include "options/option_set.h"
#include "plugin.h"

/* The typed options of sections[section], defaults included.  Everything that is wrong is added to c; *out then lacks
 * those options. */
void conf_read(const struct conf_scan *s, size_t section, const struct t3ops_option *rows, size_t n,
               struct option_set *out, struct config_errors *c);

bool conf_has(const struct conf_scan *s, size_t section, const char *option);
/* Line of the option in the section; the section's own if it is not there. */
unsigned conf_line(const struct conf_scan *s, size_t section, const char *option);

/* "", "plugin x: ", "command x: " or "leg_defaults: ": how a config_error about the section begins. */
const char *conf_label(const struct conf_scan *s, size_t section, char *out, size_t size);

#endif
