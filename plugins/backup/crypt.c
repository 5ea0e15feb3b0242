/* SPDX-License-Identifier: MIT */
/*
 * Encrypting and decrypting, streamed; see crypt.h.  A file is the magic, which names the key by a digest of it,
 * secretstream's header, and messages of CHUNK
 * bytes, the last one shorter, empty or not, and marked as the last.
 */
#include "crypt.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "private_file.h"

static int hex_value(int c)
{
	return isdigit(c) ? c - '0' : isxdigit(c) ? tolower(c) - 'a' + 10 : -1;
}

/* 64 digits, and nothing but white space after them. */
static bool hex_take(struct crypt_key *key, const char *text)
{
	for (size_t i = 0; i < CRYPT_KEY_BYTES; i++, text += 2) {
		int high = hex_value((unsigned char)text[0]);
		int low = high >= 0 ? hex_value((unsigned char)text[1]) : -1;

		if (low < 0)
			return false;
		key->bytes[i] = (unsigned char)(high << 4 | low);
	}
	return text[strspn(text, " \t\r\n")] == '\0';
}

int crypt_key_read(struct crypt_key *key, const char *path, char *why, size_t why_size)
{
	char text[256];
	int r = private_file_read(path, "key", text, sizeof text, why, why_size);

	if (r == 0 && !hex_take(key, text)) {
		snprintf(why, why_size,
		         "key %.160s: expected 64 hexadecimal digits, as openssl rand -hex 32 makes them", path);
		r = -EINVAL;
	}
	explicit_bzero(text, sizeof text);
	return r;
}

void crypt_key_wipe(struct crypt_key *key)
{
	explicit_bzero(key, sizeof *key);
}

#ifdef HAVE_SODIUM
#include <sodium.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/due.h"

#define MAGIC  "t3ops-backup-1\n"
#define CHUNK  (64u << 10)
#define EXTRA  crypto_secretstream_xchacha20poly1305_ABYTES
#define HEADER crypto_secretstream_xchacha20poly1305_HEADERBYTES
#define KEY_ID 16
#define LAST   crypto_secretstream_xchacha20poly1305_TAG_FINAL

struct stream {
	int from, to;
	uint64_t until_us;
	crypto_secretstream_xchacha20poly1305_state state;
	unsigned char in[CHUNK + EXTRA], out[CHUNK + EXTRA];
};

bool crypt_is_there(void)
{
	return sodium_init() >= 0;
}

/* As many bytes as there are, up to n; less only at the end. */
static ssize_t bytes_read(const struct stream *s, void *to, size_t n)
{
	size_t got = 0;

	if (is_due(s->until_us))
		return -ETIMEDOUT;
	while (got < n) {
		ssize_t more = read(s->from, (char *)to + got, n - got);

		if (more < 0 && errno == EINTR)
			continue;
		if (more < 0)
			return -errno;
		if (more == 0)
			break;
		got += (size_t)more;
	}
	return (ssize_t)got;
}

static int bytes_write(const struct stream *s, const void *from, size_t n)
{
	const char *at = from;

	while (n > 0 && s->to >= 0) {
		ssize_t done = write(s->to, at, n);

		if (done < 0 && errno != EINTR)
			return -errno;
		at += done > 0 ? done : 0;
		n -= done > 0 ? (size_t)done : 0;
	}
	return 0;
}

/* What tells a wrong key from a damaged file. */
static void key_id(const struct crypt_key *key, unsigned char out[KEY_ID])
{
	crypto_generichash(out, KEY_ID, (const unsigned char *)MAGIC, sizeof MAGIC - 1, key->bytes,
	                   sizeof key->bytes);
}

static int stream_encrypt(struct stream *s, const struct crypt_key *key)
{
	unsigned char header[HEADER], id[KEY_ID];
	ssize_t n;
	int r;

	key_id(key, id);
	crypto_secretstream_xchacha20poly1305_init_push(&s->state, header, key->bytes);
	r = bytes_write(s, MAGIC, sizeof MAGIC - 1);
	if (r == 0)
		r = bytes_write(s, id, sizeof id);
	if (r == 0)
		r = bytes_write(s, header, sizeof header);
	do {
		n = r == 0 ? bytes_read(s, s->in, CHUNK) : r;
		if (n < 0)
			return (int)n;
		crypto_secretstream_xchacha20poly1305_push(&s->state, s->out, NULL, s->in, (unsigned long long)n,
		                                           NULL, 0, n < (ssize_t)CHUNK ? LAST : 0);
		r = bytes_write(s, s->out, (size_t)n + EXTRA);
	} while (r == 0 && n == (ssize_t)CHUNK);
	return r;
}

static int head_read(struct stream *s, const struct crypt_key *key)
{
	unsigned char head[sizeof MAGIC - 1 + KEY_ID + HEADER], id[KEY_ID];
	ssize_t n = bytes_read(s, head, sizeof head);

	if (n < 0)
		return (int)n;
	if (n != sizeof head || memcmp(head, MAGIC, sizeof MAGIC - 1) != 0)
		return -EBADMSG;
	key_id(key, id);
	if (memcmp(head + sizeof MAGIC - 1, id, sizeof id) != 0)
		return -EKEYREJECTED;
	return crypto_secretstream_xchacha20poly1305_init_pull(&s->state, head + sizeof head - HEADER, key->bytes) ==
	               0
	           ? 0
	           : -EBADMSG;
}

static int stream_decrypt(struct stream *s, const struct crypt_key *key)
{
	int r = head_read(s, key);
	unsigned char tag = 0;
	ssize_t n;

	while (r == 0 && tag != LAST) {
		n = bytes_read(s, s->in, sizeof s->in);
		if (n < (ssize_t)EXTRA)
			return n < 0 ? (int)n : -EBADMSG;
		if (crypto_secretstream_xchacha20poly1305_pull(&s->state, s->out, NULL, &tag, s->in,
		                                               (unsigned long long)n, NULL, 0) != 0)
			return -EBADMSG;
		r = bytes_write(s, s->out, (size_t)n - EXTRA);
	}
	return r == 0 && bytes_read(s, s->in, 1) != 0 ? -EBADMSG : r; /* nothing comes after the last */
}

static int stream_run(int from, int to, const struct crypt_key *key, uint64_t until_us,
                      int (*work)(struct stream *s, const struct crypt_key *key))
{
	struct stream *s = crypt_is_there() ? malloc(sizeof *s) : NULL;
	int r;

	if (s == NULL)
		return -ENOMEM;
	s->from = from;
	s->to = to;
	s->until_us = until_us;
	r = work(s, key);
	sodium_memzero(s, sizeof *s);
	free(s);
	return r;
}

int encrypt_file(int from, int to, const struct crypt_key *key, uint64_t until_us)
{
	return stream_run(from, to, key, until_us, stream_encrypt);
}

int decrypt_file(int from, int to, const struct crypt_key *key, uint64_t until_us)
{
	return stream_run(from, to, key, until_us, stream_decrypt);
}

#else

bool crypt_is_there(void)
{
	return false;
}

int encrypt_file(int from, int to, const struct crypt_key *key, uint64_t until_us)
{
	(void)from, (void)to, (void)key, (void)until_us;
	return -ENOTSUP;
}

int decrypt_file(int from, int to, const struct crypt_key *key, uint64_t until_us)
{
	(void)from, (void)to, (void)key, (void)until_us;
	return -ENOTSUP;
}

#endif
