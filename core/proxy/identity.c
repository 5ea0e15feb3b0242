/* SPDX-License-Identifier: MIT */
/* Reading the identity header; see identity.h. */
#include "proxy/identity.h"

#include <ctype.h>
#include <stdint.h>
#include <string.h>

#include "sys/utf8.h"

/* ---- its value -------------------------------------------------------------------------------------- */

static int digit_of(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : tolower((unsigned char)c) - 'a' + 10;
}

/* Of what is percent-encoded; false: it is not, or too long. */
static enum identity_result percent_decode(struct span value, char out[T3OPS_USER_NAME_SIZE])
{
	size_t n = 0;

	for (size_t i = 0; i < value.len; i++, n++) {
		const char *at = value.at + i;

		if (n == T3OPS_USER_NAME_SIZE - 1)
			return IDENTITY_LENGTH;
		out[n] = *at;
		if (*at != '%')
			continue;
		if (value.len - i < 3 || !isxdigit((unsigned char)at[1]) || !isxdigit((unsigned char)at[2]))
			return IDENTITY_ENCODING;
		out[n] = (char)(digit_of(at[1]) << 4 | digit_of(at[2]));
		if (out[n] == '\0')
			return IDENTITY_CONTROL;
		i += 2;
	}
	out[n] = '\0';
	return utf8_valid(out) ? IDENTITY_FOUND : IDENTITY_ENCODING;
}

/* Every byte is a character. */
static enum identity_result latin1_decode(struct span value, char out[T3OPS_USER_NAME_SIZE])
{
	size_t n = 0;

	for (size_t i = 0; i < value.len; i++) {
		uint8_t c = (uint8_t)value.at[i];

		if (n + (c < 0x80 ? 1 : 2) >= T3OPS_USER_NAME_SIZE)
			return IDENTITY_LENGTH;
		if (c >= 0x80)
			out[n++] = (char)(0xc0 | c >> 6);
		out[n++] = (char)(c < 0x80 ? c : 0x80 | (c & 0x3f));
	}
	out[n] = '\0';
	return IDENTITY_FOUND;
}

static enum identity_result value_decode(struct span value, bool percent_encoded, char out[T3OPS_USER_NAME_SIZE])
{
	if (percent_encoded)
		return percent_decode(value, out);
	if (value.len < T3OPS_USER_NAME_SIZE) {
		memcpy(out, value.at, value.len);
		out[value.len] = '\0';
		if (utf8_valid(out))
			return IDENTITY_FOUND;
	}
	return latin1_decode(value, out);
}

/* C0, DEL and C1 of valid UTF-8. */
static bool has_control(const char *text)
{
	for (const uint8_t *c = (const uint8_t *)text; *c != '\0'; c++)
		if (*c < ' ' || *c == 0x7f || (*c == 0xc2 && c[1] < 0xa0))
			return true;
	return false;
}

/* What is left of it is a name, or not. */
static enum identity_result text_take(char text[T3OPS_USER_NAME_SIZE], const struct identity_form *form)
{
	char *sign = form->strip_domain ? strchr(text, '@') : NULL;

	if (has_control(text))
		return IDENTITY_CONTROL;
	if (sign)
		*sign = '\0';
	return text[0] != '\0' ? IDENTITY_FOUND : IDENTITY_LENGTH;
}

static enum identity_result value_take(struct span value, const struct identity_form *form,
                                       char out[T3OPS_USER_NAME_SIZE])
{
	enum identity_result result = value_decode(value, form->percent_encoded, out);

	return result == IDENTITY_FOUND ? text_take(out, form) : result;
}

bool identity_read(const char *text, const struct identity_form *form, char out[T3OPS_USER_NAME_SIZE])
{
	size_t len = strlen(text);

	if (len >= T3OPS_USER_NAME_SIZE || !utf8_valid(text))
		return false;
	memcpy(out, text, len + 1);
	return text_take(out, form) == IDENTITY_FOUND;
}

/* ---- its field -------------------------------------------------------------------------------------- */

enum identity_result identity_find(const struct http_head *h, const struct identity_form *form, bool trusted,
                                   char out[T3OPS_USER_NAME_SIZE])
{
	enum identity_result result;
	const struct http_field *found = NULL;
	bool aliased = false;
	size_t n = 0;

	out[0] = '\0';
	for (size_t i = 0; i < h->n; i++)
		if (identity_is_named(h->fields[i].name, form->name)) {
			found = &h->fields[i];
			aliased = aliased || !span_is_nocase(found->name, form->name.at);
			n++;
		}
	if (n == 0)
		return IDENTITY_NONE;
	if (!trusted)
		return IDENTITY_IGNORED;
	if (aliased)
		return IDENTITY_ALIASED;
	if (n > 1)
		return IDENTITY_TWICE;
	if (http_list_has(h, "connection", form->name.at))
		return IDENTITY_CONNECTION;
	if (found->value.len == 0)
		return IDENTITY_NONE; /* the proxy says that nobody is signed in */
	result = value_take(found->value, form, out);
	if (result != IDENTITY_FOUND)
		out[0] = '\0';
	return result;
}
