/* SPDX-License-Identifier: MIT */
/* Users in parts of about the same size, whatever the user table is: each is in exactly one of them.  Pure. */
#ifndef T3OPS_PLUGINS_UPGRADE_PART_H
#define T3OPS_PLUGINS_UPGRADE_PART_H

#include <stdbool.h>

/* part: "K/N", K from 0; NULL, or what is none: everybody. */
bool part_has(const char *part, const char *user);

#endif
