/* SPDX-License-Identifier: MIT */
/* What the roles of a plugin are called.  Pure, any process. */
#ifndef T3OPS_LOADER_PLUGIN_KIND_H
#define T3OPS_LOADER_PLUGIN_KIND_H

#include <stddef.h>
#include <stdint.h>

/* "request plugin, leg"; roles: enum t3ops_role, "service" if there are none.  Returns out. */
const char *plugin_kind(uint32_t roles, char *out, size_t size);

#endif
