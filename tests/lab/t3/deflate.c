/* SPDX-License-Identifier: MIT */
/* Compression; see deflate.h. */
#include "lab/t3/deflate.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <zlib.h>

#define RAW_WINDOW  (-15)
#define GZIP_WINDOW (15 + 16)
#define TAIL_BYTES  4 /* 00 00 ff ff, which a message ends with and does not carry */

struct deflater {
	z_stream packing, unpacking;
};

struct deflater *deflater_new(void)
{
	struct deflater *d = calloc(1, sizeof *d);
	int r;

	assert(d);
	r = deflateInit2(&d->packing, Z_DEFAULT_COMPRESSION, Z_DEFLATED, RAW_WINDOW, 8, Z_DEFAULT_STRATEGY);
	assert(r == Z_OK);
	r = inflateInit2(&d->unpacking, RAW_WINDOW);
	assert(r == Z_OK);
	return d;
}

void deflater_free(struct deflater *d)
{
	if (!d)
		return;
	deflateEnd(&d->packing);
	inflateEnd(&d->unpacking);
	free(d);
}

static void pack(z_stream *z, const void *data, size_t len, int flush, struct buffer *out)
{
	uint8_t part[65536];

	z->next_in = (void *)(uintptr_t)data;
	z->avail_in = (uInt)len;
	do {
		z->next_out = part;
		z->avail_out = sizeof part;
		deflate(z, flush);
		buffer_add(out, part, sizeof part - z->avail_out);
	} while (z->avail_out == 0);
}

void deflater_pack(struct deflater *d, const void *data, size_t len, struct buffer *out)
{
	pack(&d->packing, data, len, Z_SYNC_FLUSH, out);
	out->len -= TAIL_BYTES;
}

static bool unpack(z_stream *z, const void *data, size_t len, size_t max, struct buffer *out)
{
	uint8_t part[65536];
	int r;

	z->next_in = (void *)(uintptr_t)data;
	z->avail_in = (uInt)len;
	do {
		z->next_out = part;
		z->avail_out = sizeof part;
		r = inflate(z, Z_SYNC_FLUSH);
		if ((r != Z_OK && r != Z_BUF_ERROR) || out->len + sizeof part - z->avail_out > max)
			return false;
		buffer_add(out, part, sizeof part - z->avail_out);
	} while (z->avail_out == 0);
	return z->avail_in == 0;
}

bool deflater_unpack(struct deflater *d, const void *data, size_t len, size_t max, struct buffer *out)
{
	return unpack(&d->unpacking, data, len, max, out) &&
	       unpack(&d->unpacking, "\0\0\xff\xff", TAIL_BYTES, max, out);
}

void gzip_pack(const void *data, size_t len, struct buffer *out)
{
	z_stream z = {0};
	int r = deflateInit2(&z, Z_BEST_SPEED, Z_DEFLATED, GZIP_WINDOW, 8, Z_DEFAULT_STRATEGY);

	assert(r == Z_OK);
	pack(&z, data, len, Z_FINISH, out);
	deflateEnd(&z);
}
