/* SPDX-License-Identifier: MIT */
/* Requests to a store that speaks Amazon's S3, signed by libcurl.  They block: for a job's process only. */
#ifndef T3OPS_PLUGINS_BACKUP_S3_H
#define T3OPS_PLUGINS_BACKUP_S3_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "digest.h"

struct s3_options {
	const char *url;         /* of the bucket: https://HOST/BUCKET or https://BUCKET.HOST */
	const char *region;      /* "us-east-1" */
	const char *credentials; /* path of the file */
	const char *ca_file;     /* "": the system's */
	uint64_t until_us;       /* of CLOCK_MONOTONIC: nothing goes on after it */
};

struct s3 {
	void *easy; /* CURL */
	struct s3_options options;
	char provider[96];
	char *why;
	size_t why_size;
	/* of the last request */
	long status;
	long long length; /* Content-Length; -1: not said */
	char etag[128];
	char code[64]; /* of an error: NoSuchUpload; "": none was said */
};

/* What is sent: a part of a file, or bytes.  Its digest is signed, so the store refuses what arrives otherwise. */
struct s3_body {
	int fd; /* -1: bytes */
	const char *bytes;
	long long at, len;
	char sha256[DIGEST_SIZE];
};

/* Where a response goes: to a file, or into text that is the caller's to free. */
struct s3_sink {
	int fd; /* -1: text */
	char *text;
	size_t len;
	long long most; /* of a file: what is longer ends with -EMSGSIZE; 0: as long as it is */
};

/* Reads the credentials, whose file nobody but its owner may read.  0 or -errno with one line in why, which stays in
 * use. */
int s3_open(struct s3 *s, const struct s3_options *o, char *why, size_t why_size);
void s3_close(struct s3 *s);

/* key: of the object, "": the bucket itself; query: its names in alphabetical order, each with an =, its values as
 * s3_escape writes them, or NULL.  body and sink may be NULL.  What fails for a moment is tried again.  0 or -errno
 * with one line in why: -ENOENT (404), -EACCES (401, 403), -EPROTO (another status), -EHOSTUNREACH, -ETIMEDOUT. */
int s3_request(struct s3 *s, const char *method, const char *key, const char *query, const struct s3_body *body,
               struct s3_sink *sink);

#endif
