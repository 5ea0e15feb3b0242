/* SPDX-License-Identifier: MIT */
/*
 * The pairs of a log line, logfmt: key=value key="a value".  Every key is a row of tbl/log_key.h and has a function
 * of its own, so that a wrong key or type does not compile; values are escaped here and nowhere else.  Pure.
 *
 *   kv_user(name), kv_duration_ms(us), kv_error(textf("line %u: %s", n, why)), kv_errno(-r)
 */
#ifndef T3OPS_OBS_KV_H
#define T3OPS_OBS_KV_H

#include <stddef.h>
#include <stdint.h>

#define PRINTF_LIKE(f, a) __attribute__((format(printf, f, a)))

enum kv_key {
	KV_none,
#define LOG_KEY(name, type, sentence) KV_##name,
#include "tbl/log_key.h"
#undef LOG_KEY
	KV_KEYS
};

/* One pair.  Left out of the line: KV_none, a text that is NULL or "". */
struct kv {
	enum kv_key key;
	const char *text; /* borrowed until the line is written */
	int64_t number;   /* for MS in us */
};

#define KV_TYPE_TEXT   const char *
#define KV_TYPE_NUMBER int64_t
#define KV_TYPE_MS     uint64_t
#define KV_SET_TEXT    .text = value
#define KV_SET_NUMBER  .number = value
#define KV_SET_MS      .number = (int64_t)value

/* kv_NAME(value) */
#define LOG_KEY(name, type, sentence)                                                                                \
	static inline struct kv kv_##name(KV_TYPE_##type value)                                                      \
	{                                                                                                            \
		return (struct kv){.key = KV_##name, KV_SET_##type};                                                 \
	}
#include "tbl/log_key.h"
#undef LOG_KEY

/* error= with the system's text for an errno, positive or negative; left out for 0. */
struct kv kv_errno(int error);
struct kv kv_none(void);

/* A text made on the spot; lives until the end of the enclosing block. */
#define KV_TEXT_MAX 512
#define textf(...)  kv_text((char[KV_TEXT_MAX]){0}, KV_TEXT_MAX, __VA_ARGS__)
const char *kv_text(char *out, size_t size, const char *fmt, ...) PRINTF_LIKE(3, 4);

/* Writes the pairs, a space between them, and a NUL; never beyond size.  A pair that does not fit is left out
 * whole and counted in truncated=.  A text longer than KV_VALUE_MAX bytes is cut at a character.  Returns the
 * length. */
#define KV_VALUE_MAX 2048
size_t kv_format(char *out, size_t size, const struct kv *pairs, size_t n);
/* The same as a JSON object, with numbers as numbers. */
size_t kv_format_json(char *out, size_t size, const struct kv *pairs, size_t n);

/* Writes one value: bare if it is a plain word, else in double quotes with \" \\ \n \r \t, \u00NN for other control
 * bytes and \ufffd for each byte that is not UTF-8.  Returns the length it needs without NUL, like snprintf. */
size_t kv_quote(char *out, size_t size, const char *value);

/* The value alone, as it is, cut like others and with a NUL; size: KV_VALUE_MAX.  Returns its length, 0 if the pair
 * is left out. */
size_t kv_raw(char *out, size_t size, const struct kv *pair);

const char *kv_name(enum kv_key key);

#endif
