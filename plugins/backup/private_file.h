/* SPDX-License-Identifier: MIT */
/* A short file that nobody but its owner may read. */
#ifndef T3OPS_PLUGINS_BACKUP_PRIVATE_FILE_H
#define T3OPS_PLUGINS_BACKUP_PRIVATE_FILE_H

#include <stddef.h>

/* Its text, for the caller to wipe.  0, or -errno with one line in why, which begins with what: -EPERM, others may
 * read it, or it is another account's. */
int private_file_read(const char *path, const char *what, char *text, size_t size, char *why, size_t why_size);

#endif
