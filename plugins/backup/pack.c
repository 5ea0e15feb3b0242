/* SPDX-License-Identifier: MIT */
/* Packing and unpacking, streamed; see pack.h. */
#include "pack.h"

#include <errno.h>

#ifdef HAVE_ZSTD
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zstd.h>
#include <zstd_errors.h>

#include "common/due.h"

#define WINDOW_LOG 27 /* 128 MiB: the most that zstd(1) unpacks without being told to */

/* What both ways need. */
struct stream {
	int from, to;
	uint64_t until_us;
	ZSTD_inBuffer in;
	ZSTD_outBuffer out;
	size_t in_size;
	char *in_bytes; /* in.src, writable */
	struct digest *digest;
};

static int stream_init(struct stream *s, int from, int to, uint64_t until_us, size_t in_size, size_t out_size)
{
	*s = (struct stream){.from = from, .to = to, .until_us = until_us, .in_size = in_size};
	s->in_bytes = malloc(in_size);
	s->in.src = s->in_bytes;
	s->out.dst = malloc(out_size);
	s->out.size = out_size;
	s->digest = digest_new();
	return s->in_bytes != NULL && s->out.dst != NULL && s->digest != NULL ? 0 : -ENOMEM;
}

static void stream_fini(struct stream *s)
{
	free(s->in_bytes);
	free(s->out.dst);
	digest_free(s->digest);
}

/* The next piece of the input; 1: there is one, 0: it has ended. */
static int stream_read(struct stream *s)
{
	ssize_t n;

	if (is_due(s->until_us))
		return -ETIMEDOUT;
	do
		n = read(s->from, s->in_bytes, s->in_size);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	s->in.size = (size_t)n;
	s->in.pos = 0;
	return n > 0;
}

static int stream_write(struct stream *s)
{
	const char *at = s->out.dst;
	size_t left = s->to >= 0 ? s->out.pos : 0;

	while (left > 0) {
		ssize_t n = write(s->to, at, left);

		if (n < 0 && errno != EINTR)
			return -errno;
		at += n > 0 ? n : 0;
		left -= n > 0 ? (size_t)n : 0;
	}
	s->out.pos = 0;
	return 0;
}

bool pack_is_there(void)
{
	return true;
}

/* ---- packing ------------------------------------------------------------------------------------------ */

static int packer_set(ZSTD_CCtx *z, int from, int level)
{
	struct stat st;
	bool ok = !ZSTD_isError(ZSTD_CCtx_setParameter(z, ZSTD_c_compressionLevel, level)) &&
	          !ZSTD_isError(ZSTD_CCtx_setParameter(z, ZSTD_c_enableLongDistanceMatching, 1)) &&
	          !ZSTD_isError(ZSTD_CCtx_setParameter(z, ZSTD_c_windowLog, WINDOW_LOG)) &&
	          !ZSTD_isError(ZSTD_CCtx_setParameter(z, ZSTD_c_checksumFlag, 1));

	/* a small file then has a small window */
	if (ok && fstat(from, &st) == 0)
		ok = !ZSTD_isError(ZSTD_CCtx_setPledgedSrcSize(z, (unsigned long long)st.st_size));
	return ok ? 0 : -EINVAL;
}

/* One piece of the input, or the end. */
static int piece_pack(struct stream *s, ZSTD_CCtx *z, ZSTD_EndDirective end)
{
	size_t left;
	int r;

	do {
		left = ZSTD_compressStream2(z, &s->out, &s->in, end);
		if (ZSTD_isError(left))
			return -EIO;
		r = stream_write(s);
	} while (r == 0 && (end == ZSTD_e_end ? left > 0 : s->in.pos < s->in.size));
	return r;
}

static int stream_pack(struct stream *s, ZSTD_CCtx *z)
{
	int r;

	while ((r = stream_read(s)) > 0) {
		r = digest_feed(s->digest, s->in_bytes, s->in.size);
		if (r == 0)
			r = piece_pack(s, z, ZSTD_e_continue);
		if (r < 0)
			return r;
	}
	return r < 0 ? r : piece_pack(s, z, ZSTD_e_end);
}

int pack(int from, int to, int level, uint64_t until_us, char inner[DIGEST_SIZE])
{
	ZSTD_CCtx *z = ZSTD_createCCtx();
	struct stream s;
	int r = stream_init(&s, from, to, until_us, ZSTD_CStreamInSize(), ZSTD_CStreamOutSize());

	if (r == 0)
		r = z != NULL ? packer_set(z, from, level) : -ENOMEM;
	if (r == 0)
		r = stream_pack(&s, z);
	if (r == 0)
		r = digest_end(s.digest, inner);
	stream_fini(&s);
	ZSTD_freeCCtx(z);
	return r;
}

/* ---- unpacking ----------------------------------------------------------------------------------------- */

/* One piece of the input; *more: what is missing to the end of the frame, 0: nothing. */
static int piece_unpack(struct stream *s, ZSTD_DCtx *z, size_t *more)
{
	bool is_full;
	int r;

	do {
		*more = ZSTD_decompressStream(z, &s->out, &s->in);
		if (ZSTD_isError(*more))
			return ZSTD_getErrorCode(*more) == ZSTD_error_memory_allocation ? -ENOMEM : -EBADMSG;
		is_full = s->out.pos == s->out.size; /* it may hold more than that */
		r = digest_feed(s->digest, s->out.dst, s->out.pos);
		if (r == 0)
			r = stream_write(s);
	} while (r == 0 && (is_full || s->in.pos < s->in.size));
	return r;
}

static int stream_unpack(struct stream *s, ZSTD_DCtx *z)
{
	size_t more = 1;
	int r;

	while ((r = stream_read(s)) > 0) {
		r = piece_unpack(s, z, &more);
		if (r < 0)
			return r;
	}
	return r < 0 ? r : more == 0 ? 0 : -EBADMSG;
}

int unpack(int from, int to, uint64_t until_us, char inner[DIGEST_SIZE])
{
	ZSTD_DCtx *z = ZSTD_createDCtx();
	struct stream s;
	int r = stream_init(&s, from, to, until_us, ZSTD_DStreamInSize(), ZSTD_DStreamOutSize());

	if (r == 0)
		r = z != NULL ? stream_unpack(&s, z) : -ENOMEM;
	if (r == 0)
		r = digest_end(s.digest, inner);
	stream_fini(&s);
	ZSTD_freeDCtx(z);
	return r;
}

#else

bool pack_is_there(void)
{
	return false;
}

int pack(int from, int to, int level, uint64_t until_us, char inner[DIGEST_SIZE])
{
	(void)from, (void)to, (void)level, (void)until_us, (void)inner;
	return -ENOTSUP;
}

int unpack(int from, int to, uint64_t until_us, char inner[DIGEST_SIZE])
{
	(void)from, (void)to, (void)until_us, (void)inner;
	return -ENOTSUP;
}

#endif
