/* SPDX-License-Identifier: MIT */
/* What a process still needs once it has started; all else its sandbox (sys/sandbox.h) takes away. */
#ifndef T3OPS_PROCESS_CONFINEMENT_H
#define T3OPS_PROCESS_CONFINEMENT_H

#include "conf/process_config.h"
#include "sys/sandbox.h"

/* Owns its texts; zeroed is empty. */
struct confinement {
	struct sandbox_rules rules;
	bool no_memory; /* something is missing from it */
};

/* A file, or a directory and all below it; one that does not exist is passed over.  Writing includes reading. */
void confinement_read(struct confinement *c, const char *path);
void confinement_write(struct confinement *c, const char *path);
/* The directory of a file that may be replaced by rename, or of all files of a pattern: what stands before %u; and
 * the directory of what it is a link to. */
void confinement_read_beside(struct confinement *c, const char *path);
/* A directory that may be made, or replaced by rename, later: what is beside it can be written, too, as far as the
 * account may. */
void confinement_write_beside(struct confinement *c, const char *dir);
/* What resolving a name, a TLS connection and the C library take. */
void confinement_read_system(struct confinement *c);
/* Files that options of its plugins name. */
void confinement_read_options(struct confinement *c, const struct process_config *config);
void confinement_fini(struct confinement *c);

#endif
