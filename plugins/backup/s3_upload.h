/* SPDX-License-Identifier: MIT */
/* A file becomes an object: at once, or in parts that are not sent again when a later run goes on with it. */
#ifndef T3OPS_PLUGINS_BACKUP_S3_UPLOAD_H
#define T3OPS_PLUGINS_BACKUP_S3_UPLOAD_H

#include "s3.h"

struct s3_upload {
	struct s3 *s;
	int dir_fd;           /* of the file; what is known of its parts is kept there */
	const char *file;     /* its name */
	const char *key;      /* of the object */
	const char *sha256;   /* of the file */
	long long part_bytes; /* a larger file goes in parts of that size, or larger ones if there were too many */
	unsigned parts_kept;  /* out: that an earlier run had sent */
};

/* There is no object of that name before it is whole; afterwards its length has been compared.  0 or -errno with one
 * line in s->why. */
int s3_upload(struct s3_upload *u);

/* The file whose upload in parts was begun and is not over; false: there is none. */
bool s3_upload_pending(int dir_fd, char *file, size_t size);

/* Nobody will go on with that upload: the store drops its parts, and it is forgotten here, unless the store could not
 * be asked.  0 or -errno with one line in s->why; -EPROTO: the store does not do that. */
int s3_upload_give_up(struct s3 *s, int dir_fd);

#endif
