/* SPDX-License-Identifier: MIT */
/*
 * What a shared object does beside defining its descriptor, as its file says: nothing of it is loaded.  For the one
 * who made it; the loader itself needs none of this.  A process that serves nothing.
 */
#ifndef T3OPS_LOADER_PLUGIN_ELF_H
#define T3OPS_LOADER_PLUGIN_ELF_H

#include <stdbool.h>
#include <stddef.h>

struct plugin_elf {
	bool relocates_text, executable_stack;
	char run_path[256];  /* where it looks for libraries beside the system's; "" */
	size_t constructors; /* that run as it is loaded, beyond the compiler's own */
	size_t n_exported;   /* symbols beside the descriptor's */
	char exported[256];  /* the first of them, with spaces between */
};

/* descriptor: its name.  False: it is no shared object of this machine. */
bool plugin_elf_look(const char *path, const char *descriptor, struct plugin_elf *out);

#endif
