/* SPDX-License-Identifier: MIT */
/* Compression: permessage-deflate (RFC 7692, with context takeover both ways) and gzip for files. */
#ifndef T3STUB_DEFLATE_H
#define T3STUB_DEFLATE_H

#include <stdbool.h>

#include "lab/t3/conn.h"

/* Both directions of one WebSocket. */
struct deflater *deflater_new(void);
void deflater_free(struct deflater *d);
/* Appends a whole message, compressed. */
void deflater_pack(struct deflater *d, const void *data, size_t len, struct buffer *out);
/* Appends a whole message, decompressed; false if it is broken or longer than max. */
bool deflater_unpack(struct deflater *d, const void *data, size_t len, size_t max, struct buffer *out);

/* Appends a gzip file. */
void gzip_pack(const void *data, size_t len, struct buffer *out);

#endif
