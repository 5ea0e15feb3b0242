/* SPDX-License-Identifier: MIT */
/* Pairs of a log line; see kv.h. */
#include "obs/kv.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sys/utf8.h"

#define TRUNCATED_ROOM 24 /* for " truncated=N" */

enum kv_type { TEXT, NUMBER, MS };

static const struct {
	const char *name;
	enum kv_type type;
} keys[KV_KEYS] = {
#define LOG_KEY(name, type, sentence) [KV_##name] = {#name, type},
#include "tbl/log_key.h"
#undef LOG_KEY
};

const char *kv_name(enum kv_key key)
{
	return (unsigned)key < KV_KEYS && keys[key].name ? keys[key].name : "unknown";
}

struct kv kv_none(void)
{
	return (struct kv){.key = KV_none};
}

struct kv kv_errno(int error)
{
	return kv_error(error != 0 ? strerror(abs(error)) : NULL);
}

const char *kv_text(char *out, size_t size, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(out, size, fmt, ap);
	va_end(ap);
	return out;
}

/* ---- values ---------------------------------------------------------------------------------- */

/* U+0080 to U+009F; U+2028 and U+2029, at which some readers of logs end a line. */
static bool is_control(const unsigned char *s)
{
	return (*s == 0xc2 && s[1] < 0xa0) || (*s == 0xe2 && s[1] == 0x80 && (s[2] == 0xa8 || s[2] == 0xa9));
}

/* How many bytes from here on may stand as they are: 0 if this one must be escaped. */
static size_t plain_length(const unsigned char *s)
{
	if (*s >= 0x80)
		return is_control(s) ? 0 : utf8_length((const char *)s);
	return *s < ' ' || *s == 0x7f || *s == '"' || *s == '\\' ? 0 : 1;
}

static bool is_plain(const char *value)
{
	const unsigned char *s = (const unsigned char *)value;
	size_t n;

	if (*s == '\0')
		return false;
	for (; *s != '\0'; s += n) {
		n = plain_length(s);
		if (n == 0 || *s == ' ' || *s == '=')
			return false;
	}
	return true;
}

/* Adds n bytes at *used if they fit whole beside the final NUL; counts them anyway. */
static void put(char *out, size_t size, size_t *used, const void *bytes, size_t n)
{
	if (*used + n < size)
		memcpy(out + *used, bytes, n);
	*used += n;
}

static void put_escaped(char *out, size_t size, size_t *used, unsigned char c)
{
	static const char letters[256] = {['\n'] = 'n', ['\r'] = 'r', ['\t'] = 't', ['"'] = '"', ['\\'] = '\\'};
	char code[7];

	if (letters[c] != '\0') {
		put(out, size, used, (char[]){'\\', letters[c]}, 2);
	} else {
		snprintf(code, sizeof code, "\\u%04x", c < 0x80 ? c : 0xfffdu);
		put(out, size, used, code, 6);
	}
}

static void put_quoted(char *out, size_t size, size_t *used, const char *value)
{
	const unsigned char *s = (const unsigned char *)value;

	put(out, size, used, "\"", 1);
	while (*s != '\0') {
		size_t n = plain_length(s);

		if (n > 0)
			put(out, size, used, s, n);
		else
			put_escaped(out, size, used, *s);
		s += n > 0 ? n : 1;
	}
	put(out, size, used, "\"", 1);
}

size_t kv_quote(char *out, size_t size, const char *value)
{
	size_t used = 0;

	if (is_plain(value))
		put(out, size, &used, value, strlen(value));
	else
		put_quoted(out, size, &used, value);
	if (size > 0)
		out[used < size ? used : size - 1] = '\0';
	return used;
}

/* ---- pairs ----------------------------------------------------------------------------------- */

/* The text, or its beginning in `room` of KV_VALUE_MAX bytes. */
static const char *limited(const char *text, char *room)
{
	size_t len = strnlen(text, KV_VALUE_MAX);

	if (len < KV_VALUE_MAX)
		return text;
	len = KV_VALUE_MAX - strlen("...") - 1;
	while (len > 0 && ((unsigned char)text[len] & 0xc0) == 0x80)
		len--;
	memcpy(room, text, len);
	strcpy(room + len, "...");
	return room;
}

static size_t plain_write(char *out, size_t size, const char *text)
{
	size_t len = strnlen(text, size - 1);

	memcpy(out, text, len);
	out[len] = '\0';
	return len;
}

typedef size_t (*text_write)(char *out, size_t size, const char *text);

/* What writes the text writes it; 0: the pair is left out. */
static size_t value_write(char *out, size_t size, const struct kv *pair, text_write write)
{
	char room[KV_VALUE_MAX], number[32];

	if (pair->key == KV_none || (unsigned)pair->key >= KV_KEYS)
		return 0;
	switch (keys[pair->key].type) {
	case TEXT:
		if (!pair->text || pair->text[0] == '\0')
			return 0;
		return write(out, size, limited(pair->text, room));
	case NUMBER:
		snprintf(number, sizeof number, "%" PRId64, pair->number);
		break;
	case MS:
		if (pair->number % 1000 == 0)
			snprintf(number, sizeof number, "%" PRId64, pair->number / 1000);
		else
			snprintf(number, sizeof number, "%" PRId64 ".%03u", pair->number / 1000,
			         (unsigned)(pair->number % 1000));
	}
	return kv_quote(out, size, number);
}

size_t kv_raw(char *out, size_t size, const struct kv *pair)
{
	return value_write(out, size, pair, plain_write);
}

/* Adds the pair at *used; false: it does not fit. */
static bool pair_write(char *out, size_t size, size_t *used, const struct kv *pair)
{
	const char *space = *used > 0 ? " " : "", *name = kv_name(pair->key);
	size_t needed, value = value_write(NULL, 0, pair, kv_quote);

	if (value == 0)
		return true;
	needed = strlen(space) + strlen(name) + 1 + value;
	if (*used + needed >= size)
		return false;
	*used += (size_t)sprintf(out + *used, "%s%s=", space, name);
	*used += value_write(out + *used, size - *used, pair, kv_quote);
	return true;
}

size_t kv_format(char *out, size_t size, const struct kv *pairs, size_t n)
{
	size_t used = 0, room = size > TRUNCATED_ROOM ? size - TRUNCATED_ROOM : 0;
	int64_t truncated = 0;

	if (size > 0)
		out[0] = '\0';
	for (size_t i = 0; i < n; i++)
		truncated += !pair_write(out, room, &used, &pairs[i]);
	if (truncated > 0)
		pair_write(out, size, &used, &(struct kv){.key = KV_truncated, .number = truncated});
	return used;
}

/* ---- the same as JSON ------------------------------------------------------------------------- */

static size_t json_quote(char *out, size_t size, const char *text)
{
	size_t used = 0;

	put_quoted(out, size, &used, text);
	if (size > 0)
		out[used < size ? used : size - 1] = '\0';
	return used;
}

/* Adds the member at *used; false: it does not fit. */
static bool member_write(char *out, size_t size, size_t *used, const struct kv *pair)
{
	const char *name = kv_name(pair->key), *comma = *used > 1 ? "," : "";
	size_t needed, value = value_write(NULL, 0, pair, json_quote);

	if (value == 0)
		return true;
	needed = strlen(comma) + strlen(name) + 3 + value;
	if (*used + needed >= size)
		return false;
	*used += (size_t)sprintf(out + *used, "%s\"%s\":", comma, name);
	*used += value_write(out + *used, size - *used, pair, json_quote);
	return true;
}

size_t kv_format_json(char *out, size_t size, const struct kv *pairs, size_t n)
{
	size_t used = 1, room = size > TRUNCATED_ROOM ? size - TRUNCATED_ROOM : 0;
	int64_t truncated = 0;

	if (size < TRUNCATED_ROOM)
		return 0;
	strcpy(out, "{");
	for (size_t i = 0; i < n; i++)
		truncated += !member_write(out, room, &used, &pairs[i]);
	if (truncated > 0)
		member_write(out, size - 1, &used, &(struct kv){.key = KV_truncated, .number = truncated});
	strcpy(out + used, "}");
	return used + 1;
}
