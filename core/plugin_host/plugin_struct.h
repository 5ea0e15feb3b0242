/* SPDX-License-Identifier: MIT */
/* Structs that cross to and from a plugin of another minor version (plugin.h: struct_size).  Pure. */
#ifndef T3OPS_PLUGIN_HOST_PLUGIN_STRUCT_H
#define T3OPS_PLUGIN_HOST_PLUGIN_STRUCT_H

#include <stddef.h>

/* Copies what both sides know of a struct that begins with struct_size, and zeroes the rest of ours. */
void plugin_struct_take(void *ours, size_t size, const void *theirs);
/* The same the other way round: into a plugin's struct, which keeps its struct_size. */
void plugin_struct_give(void *theirs, const void *ours, size_t size);

#endif
