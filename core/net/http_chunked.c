/* SPDX-License-Identifier: MIT */
/* Reading chunked bodies; see http_chunked.h. */
#include "net/http_chunked.h"

#include <string.h>

#include "net/request_validation.h"

#define DIGITS_MAX   15
#define OVERHEAD_MAX (16u << 10)

static int hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

static enum chunked_state size_read(struct chunked *c, char byte)
{
	int digit = hex(byte);

	if (digit >= 0) {
		c->left = c->left * 16 + (uint64_t)digit;
		return ++c->digits <= DIGITS_MAX ? CHUNKED_SIZE : CHUNKED_BAD;
	}
	if (c->digits == 0)
		return CHUNKED_BAD;
	if (byte == ';')
		return CHUNKED_EXT;
	return byte == '\r' ? CHUNKED_SIZE_LF : CHUNKED_BAD;
}

/* Extensions and trailers: anything printable, bounded, up to CR. */
static enum chunked_state text_read(struct chunked *c, char byte, enum chunked_state after)
{
	if (byte == '\r')
		return after;
	if (((unsigned char)byte < ' ' && byte != '\t') || byte == 0x7f || ++c->overhead > OVERHEAD_MAX)
		return CHUNKED_BAD;
	return c->state;
}

static enum chunked_state size_end(struct chunked *c, char byte)
{
	if (byte != '\n')
		return CHUNKED_BAD;
	c->digits = 0;
	return c->left > 0 ? CHUNKED_DATA : CHUNKED_TRAILER_START;
}

/* A trailer is held to what a field of the head is: behind us it could be taken for a line of its own. */
static enum chunked_state trailer_name_read(struct chunked *c, char byte)
{
	if (++c->overhead > OVERHEAD_MAX)
		return CHUNKED_BAD;
	if (byte == ':' && c->state == CHUNKED_TRAILER_NAME)
		return CHUNKED_TRAILER;
	return http_is_token_char((unsigned char)byte) ? CHUNKED_TRAILER_NAME : CHUNKED_BAD;
}

static enum chunked_state byte_read(struct chunked *c, char byte)
{
	switch (c->state) {
	case CHUNKED_SIZE:
		return size_read(c, byte);
	case CHUNKED_EXT:
		return text_read(c, byte, CHUNKED_SIZE_LF);
	case CHUNKED_SIZE_LF:
		return size_end(c, byte);
	case CHUNKED_DATA_CR:
		return byte == '\r' ? CHUNKED_DATA_LF : CHUNKED_BAD;
	case CHUNKED_DATA_LF:
		return byte == '\n' ? CHUNKED_SIZE : CHUNKED_BAD;
	case CHUNKED_TRAILER_START:
		return byte == '\r' ? CHUNKED_END_LF : trailer_name_read(c, byte);
	case CHUNKED_TRAILER_NAME:
		return trailer_name_read(c, byte);
	case CHUNKED_TRAILER:
		return text_read(c, byte, CHUNKED_TRAILER_LF);
	case CHUNKED_TRAILER_LF:
		return byte == '\n' ? CHUNKED_TRAILER_START : CHUNKED_BAD;
	case CHUNKED_END_LF:
		return byte == '\n' ? CHUNKED_DONE : CHUNKED_BAD;
	default:
		return CHUNKED_BAD;
	}
}

/* Reads up to where data begins or ends; how much of it was data is what is returned. */
static size_t step_read(struct chunked *c, const char *bytes, size_t n, size_t *used)
{
	size_t take;

	*used = 1;
	if (c->state != CHUNKED_DATA) {
		c->state = byte_read(c, *bytes);
		return 0;
	}
	*used = take = c->left < n ? (size_t)c->left : n;
	c->left -= take;
	if (c->left == 0)
		c->state = CHUNKED_DATA_CR;
	return take;
}

size_t chunked_read(struct chunked *c, const char *bytes, size_t n)
{
	size_t at = 0, used;

	for (; at < n && c->state != CHUNKED_DONE && c->state != CHUNKED_BAD; at += used)
		step_read(c, bytes + at, n - at, &used);
	return at;
}

size_t chunked_decode(struct chunked *c, char *bytes, size_t n, size_t *data)
{
	size_t at = 0, used;

	*data = 0;
	for (; at < n && c->state != CHUNKED_DONE && c->state != CHUNKED_BAD; at += used) {
		size_t take = step_read(c, bytes + at, n - at, &used);

		memmove(bytes + *data, bytes + at, take);
		*data += take;
	}
	return at;
}
