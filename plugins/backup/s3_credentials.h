/* SPDX-License-Identifier: MIT */
/* The key of an S3 store, in a file as its other clients have it:  aws_access_key_id = ...  */
#ifndef T3OPS_PLUGINS_BACKUP_S3_CREDENTIALS_H
#define T3OPS_PLUGINS_BACKUP_S3_CREDENTIALS_H

#include <stddef.h>

struct s3_credentials {
	char id[160], secret[160];
};

/* 0, or -errno with one line in why, which never quotes the file: -EPERM (others may read it), -EINVAL. */
int s3_credentials_read(struct s3_credentials *c, const char *path, char *why, size_t why_size);
void s3_credentials_wipe(struct s3_credentials *c);

#endif
