/* SPDX-License-Identifier: MIT */
/* The texts of an S3 store: what URLs and queries hold, and the little that is read of its XML.  Pure. */
#ifndef T3OPS_PLUGINS_BACKUP_S3_TEXT_H
#define T3OPS_PLUGINS_BACKUP_S3_TEXT_H

#include <stdbool.h>
#include <stddef.h>

/* Percent signs for all but letters, digits and -._~; slashes stay if keep is '/'.  -ENAMETOOLONG. */
int s3_escape(char *out, size_t size, const char *text, char keep);

/* The text between <NAME> and </NAME>, from *at on, which moves behind it.  False: there is none, or it does not
 * fit. */
bool s3_element(const char **at, const char *name, char *out, size_t size);

#endif
