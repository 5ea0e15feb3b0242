/* SPDX-License-Identifier: MIT */
/* Short messages; see ws_short.h. */
#include "net/ws_short.h"

#include <stdint.h>

#include "sys/utf8.h"

#define FIN      0x80
#define MASKED   0x80
#define OP_TEXT  1
#define OP_BIN   2
#define HEAD_LEN 6 /* of a short frame that is masked */

static void unmask(struct ws_short *m, const char *mask)
{
	uint32_t key, word;

	memcpy(&key, mask, sizeof key);
	for (size_t i = 0; i < m->len; i += sizeof word) { /* the buffer's size is a multiple of it */
		memcpy(&word, m->payload + i, sizeof word);
		word ^= key;
		memcpy(m->payload + i, &word, sizeof word);
	}
	m->payload[m->len] = '\0';
}

/* The NUL behind it ends what is cut short. */
static bool is_utf8(const struct ws_short *m)
{
	size_t at = 0, n = 1;

	while (at < m->len && n > 0)
		at += n = utf8_length(m->payload + at);
	return n > 0;
}

bool ws_short_read(struct ws_short *out, const char *bytes, size_t n)
{
	const unsigned char *head = (const unsigned char *)bytes;
	size_t len;

	if (n < HEAD_LEN || (head[0] != (FIN | OP_TEXT) && head[0] != (FIN | OP_BIN)) || !(head[1] & MASKED))
		return false;
	len = head[1] & 0x7f;
	if (len > WS_SHORT_MAX || n < HEAD_LEN + len)
		return false;
	out->frame_len = HEAD_LEN + len;
	out->op = head[0] & 0x0f;
	out->len = len;
	memcpy(out->payload, bytes + HEAD_LEN, len);
	unmask(out, bytes + 2);
	return out->op == OP_BIN || is_utf8(out);
}

bool ws_frame_add(struct buf *out, int op, const void *data, size_t len)
{
	unsigned char head[10] = {(unsigned char)(FIN | op)};
	size_t n = len <= WS_SHORT_MAX ? 0 : len <= UINT16_MAX ? 2 : 8; /* bytes of a longer length */

	head[1] = (unsigned char)(n == 0 ? len : n == 2 ? WS_SHORT_MAX + 1 : WS_SHORT_MAX + 2);
	for (size_t i = 0; i < n; i++)
		head[2 + i] = (unsigned char)(len >> (8 * (n - 1 - i)));
	return buf_reserve(out, 2 + n + len) && buf_add(out, head, 2 + n) && buf_add(out, data, len);
}
