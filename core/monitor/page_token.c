/* SPDX-License-Identifier: MIT */
/* Tokens and cookies; see page_token.h. */
#include "monitor/page_token.h"

#include <inttypes.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>

#define DAY_S UINT64_C(86400)

static bool token_ok(const char *at, size_t len, const unsigned char digest[SECRET_DIGEST_BYTES])
{
	unsigned char shown[SECRET_DIGEST_BYTES];

	secret_digest(at, len, shown);
	return CRYPTO_memcmp(shown, digest, sizeof shown) == 0;
}

static bool bearer_ok(const struct http_head *h, const unsigned char digest[SECRET_DIGEST_BYTES])
{
	static const char scheme[] = "Bearer ";
	const struct http_field *f = http_field_find(h, "Authorization", 0);
	size_t n = sizeof scheme - 1;

	if (http_field_count(h, "Authorization") != 1 || f->value.len <= n ||
	    strncasecmp(f->value.at, scheme, n) != 0)
		return false;
	return token_ok(f->value.at + n, f->value.len - n, digest);
}

/* ---- cookies ----------------------------------------------------------------------------------------------- */

/* Hashed twice, with the key before each: what is known of one tells nothing of a longer one. */
static void mac_make(const unsigned char key[SECRET_DIGEST_BYTES], const char expires[17],
                     char hex[SECRET_DIGEST_HEX])
{
	unsigned char inner[SECRET_DIGEST_BYTES + 16], outer[2 * SECRET_DIGEST_BYTES], mac[SECRET_DIGEST_BYTES];

	memcpy(inner, key, SECRET_DIGEST_BYTES);
	memcpy(inner + SECRET_DIGEST_BYTES, expires, 16);
	memcpy(outer, key, SECRET_DIGEST_BYTES);
	secret_digest((const char *)inner, sizeof inner, outer + SECRET_DIGEST_BYTES);
	secret_digest((const char *)outer, sizeof outer, mac);
	for (size_t i = 0; i < sizeof mac; i++)
		snprintf(hex + 2 * i, 3, "%02x", mac[i]);
}

void page_cookie_make(const unsigned char digest[SECRET_DIGEST_BYTES], uint64_t now_s, char out[PAGE_COOKIE_SIZE])
{
	char mac[SECRET_DIGEST_HEX];

	snprintf(out, PAGE_COOKIE_SIZE, "%016" PRIx64 ".", now_s + PAGE_COOKIE_DAYS * DAY_S);
	mac_make(digest, out, mac);
	memcpy(out + 17, mac, sizeof mac);
}

static bool cookie_ok(struct span value, const unsigned char digest[SECRET_DIGEST_BYTES], uint64_t now_s)
{
	char copy[PAGE_COOKIE_SIZE], mac[SECRET_DIGEST_HEX];
	uint64_t expires = 0;
	int used = 0;

	if (value.len != sizeof copy - 1)
		return false;
	memcpy(copy, value.at, value.len);
	copy[value.len] = '\0';
	if (strspn(copy, "0123456789abcdef") != 16 || copy[16] != '.')
		return false;
	sscanf(copy, "%16" SCNx64 "%n", &expires, &used);
	mac_make(digest, copy, mac);
	return CRYPTO_memcmp(copy + 17, mac, sizeof mac - 1) == 0 && used == 16 && expires > now_s &&
	       expires <= now_s + (PAGE_COOKIE_DAYS + 1) * DAY_S;
}

/* The next "NAME=VALUE" of a Cookie; false: there is none. */
static bool pair_next(struct span *rest, struct span *name, struct span *value)
{
	const char *end = rest->at + rest->len, *stop, *equals;

	while (rest->at < end && (*rest->at == ' ' || *rest->at == ';'))
		rest->at++;
	if (rest->at == end)
		return false;
	stop = memchr(rest->at, ';', (size_t)(end - rest->at));
	stop = stop != NULL ? stop : end;
	equals = memchr(rest->at, '=', (size_t)(stop - rest->at));
	*name = (struct span){rest->at, (size_t)((equals != NULL ? equals : stop) - rest->at)};
	*value = equals != NULL ? (struct span){equals + 1, (size_t)(stop - equals - 1)} : (struct span){stop, 0};
	*rest = (struct span){stop, (size_t)(end - stop)};
	return true;
}

static bool cookies_ok(const struct http_head *h, const unsigned char digest[SECRET_DIGEST_BYTES], uint64_t now_s)
{
	struct span found = {NULL, 0}, rest, name, value;
	size_t n = 0;

	for (size_t i = 0; i < h->n; i++) {
		if (!span_is_nocase(h->fields[i].name, "Cookie"))
			continue;
		rest = h->fields[i].value;
		while (pair_next(&rest, &name, &value))
			if (span_is(name, PAGE_COOKIE)) {
				found = value;
				n++;
			}
	}
	return n == 1 && cookie_ok(found, digest, now_s);
}

bool page_token_is_shown(const struct http_head *h, const unsigned char digest[SECRET_DIGEST_BYTES], uint64_t now_s)
{
	return bearer_ok(h, digest) || cookies_ok(h, digest, now_s);
}

/* ---- the form ------------------------------------------------------------------------------------------------ */

static int hex_of(char c)
{
	return c >= '0' && c <= '9'   ? c - '0'
	       : c >= 'a' && c <= 'f' ? c - 'a' + 10
	       : c >= 'A' && c <= 'F' ? c - 'A' + 10
	                              : -1;
}

/* Of application/x-www-form-urlencoded; false: it is too long, or no such text. */
static bool form_decode(const char *at, size_t len, char *out, size_t size, size_t *n)
{
	*n = 0;
	for (size_t i = 0; i < len; i++) {
		char c = at[i] == '+' ? ' ' : at[i];

		if (c == '%') {
			int high = i + 2 < len ? hex_of(at[i + 1]) : -1, low = i + 2 < len ? hex_of(at[i + 2]) : -1;

			if (high < 0 || low < 0)
				return false;
			c = (char)(high << 4 | low);
			i += 2;
		}
		if (*n == size)
			return false;
		out[(*n)++] = c;
	}
	return true;
}

bool page_token_form_ok(const char *body, size_t len, const unsigned char digest[SECRET_DIGEST_BYTES])
{
	static const char name[] = "token=";
	char token[PAGE_TOKEN_MAX];
	size_t n;

	if (len < sizeof name - 1 || memcmp(body, name, sizeof name - 1) != 0 || memchr(body, '&', len) != NULL)
		return false;
	return form_decode(body + sizeof name - 1, len - sizeof name + 1, token, sizeof token, &n) &&
	       token_ok(token, n, digest);
}
