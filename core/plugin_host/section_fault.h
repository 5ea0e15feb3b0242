/* SPDX-License-Identifier: MIT */
/* A fault of a plugin section, beginning with the value of the option: what option_fault of the host reports. */
#ifndef T3OPS_PLUGIN_HOST_SECTION_FAULT_H
#define T3OPS_PLUGIN_HOST_SECTION_FAULT_H

#include "conf/config_faults.h"
#include "conf/resolved_config.h"

/* option: NULL for the section as a whole. */
void section_fault_error(const struct config_faults *f, const struct plugin_section *s, const char *option,
                         const char *text);
void section_fault_warn(const struct config_faults *f, const struct plugin_section *s, const char *option,
                        const char *text);

#endif
