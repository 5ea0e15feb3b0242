/* SPDX-License-Identifier: MIT */
/* PEM (RFC 7468), base64, and the outermost layers of X.509 (RFC 5280 4.1); see certificates.h. */
#include "options/certificates.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define BEGIN  "-----BEGIN "
#define DASHES "-----"

enum { DER_BIT_STRING = 0x03, DER_SEQUENCE = 0x30 };

struct bytes {
	const uint8_t *at;
	size_t len;
};

/* ---- DER --------------------------------------------------------------------------------------------------- */

/* Takes the element's length off; false: it is not there, or longer than what is left. */
static bool der_length(struct bytes *b, size_t *len)
{
	size_t n;

	if (b->len == 0)
		return false;
	n = *b->at++;
	b->len--;
	*len = n;
	if (n < 0x80)
		return n <= b->len;
	n &= 0x7f;
	if (n == 0 || n > sizeof(uint32_t) || n > b->len)
		return false;
	for (*len = 0; n > 0; n--, b->len--)
		*len = *len << 8 | *b->at++;
	return *len <= b->len;
}

/* Takes an element off b; its content is left in *out. */
static bool der_take(struct bytes *b, uint8_t tag, struct bytes *out)
{
	size_t len;

	if (b->len == 0 || *b->at != tag)
		return false;
	b->at++;
	b->len--;
	if (!der_length(b, &len))
		return false;
	*out = (struct bytes){b->at, len};
	b->at += len;
	b->len -= len;
	return true;
}

/* SEQUENCE { SEQUENCE tbsCertificate, SEQUENCE algorithm, BIT STRING signature } */
static bool is_certificate(struct bytes der, bool may_have_more)
{
	struct bytes certificate, part;

	return der_take(&der, DER_SEQUENCE, &certificate) && (der.len == 0 || may_have_more) &&
	       der_take(&certificate, DER_SEQUENCE, &part) && part.len > 0 &&
	       der_take(&certificate, DER_SEQUENCE, &part) && der_take(&certificate, DER_BIT_STRING, &part) &&
	       certificate.len == 0;
}

/* ---- base64 ------------------------------------------------------------------------------------------------ */

static int digit_of(char c)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const char *at = c ? strchr(digits, c) : NULL;

	return at ? (int)(at - digits) : -1;
}

/* Into out, which has room for it.  False: it is none. */
static bool base64_decode(const char *text, size_t len, uint8_t *out, size_t *out_len)
{
	uint32_t bits = 0;
	size_t n = 0, pads = 0;

	*out_len = 0;
	for (size_t i = 0; i < len; i++) {
		if (strchr(" \t\r\n", text[i]))
			continue;
		if (text[i] == '=' ? pads++ == 2 : pads > 0 || digit_of(text[i]) < 0)
			return false;
		bits = bits << 6 | (text[i] == '=' ? 0 : (uint32_t)digit_of(text[i]));
		if (++n % 4 == 0)
			for (int shift = 16; shift >= 0; shift -= 8)
				out[(*out_len)++] = (uint8_t)(bits >> shift);
	}
	*out_len -= n > 0 && n % 4 == 0 ? pads : 0;
	return n > 0 && n % 4 == 0;
}

/* ---- PEM --------------------------------------------------------------------------------------------------- */

struct block {
	const char *label, *body;
	size_t label_len, body_len;
};

/* The next block at or behind *at, which moves behind it.  False: there is none; or, with a label, it has no end. */
static bool block_next(const char **at, const char *end, struct block *b)
{
	const char *begin = memmem(*at, (size_t)(end - *at), BEGIN, strlen(BEGIN)), *stop;
	char mark[80];

	*b = (struct block){0};
	if (!begin)
		return false;
	b->label = begin + strlen(BEGIN);
	stop = memmem(b->label, (size_t)(end - b->label), DASHES, strlen(DASHES));
	if (!stop || stop - b->label > 40)
		return false;
	b->label_len = (size_t)(stop - b->label);
	b->body = stop + strlen(DASHES);
	memcpy(mark, "-----END ", 9);
	memcpy(mark + 9, b->label, b->label_len + strlen(DASHES));
	stop = memmem(b->body, (size_t)(end - b->body), mark, 9 + b->label_len + strlen(DASHES));
	if (!stop)
		return false;
	b->body_len = (size_t)(stop - b->body);
	*at = stop + 9 + b->label_len;
	return true;
}

static bool label_is(const struct block *b, const char *label)
{
	return b->label_len == strlen(label) && memcmp(b->label, label, b->label_len) == 0;
}

static bool is_private_key(const struct block *b)
{
	static const char key[] = "PRIVATE KEY";
	size_t len = sizeof key - 1;

	return b->label_len >= len && memcmp(b->label + b->label_len - len, key, len) == 0;
}

static bool holds_certificate(const struct block *b)
{
	uint8_t *der = malloc(b->body_len + 3);
	size_t len;
	bool ok;

	if (!der)
		abort(); /* in the child that checks, or at a start */
	ok = base64_decode(b->body, b->body_len, der, &len) &&
	     is_certificate((struct bytes){der, len}, label_is(b, "TRUSTED CERTIFICATE"));
	free(der);
	return ok;
}

/* NULL: nothing is wrong with it; *certificates counts those. */
static const char *block_check(const struct block *b, size_t *certificates)
{
	if (is_private_key(b))
		return "a file of certificates only: this one holds a private key";
	if (!label_is(b, "CERTIFICATE") && !label_is(b, "X509 CERTIFICATE") && !label_is(b, "TRUSTED CERTIFICATE"))
		return NULL;
	++*certificates;
	return holds_certificate(b) ? NULL : "certificates in PEM form: one in that file is damaged";
}

const char *certificates_check(const char *text, size_t len)
{
	const char *at = text, *fault = NULL;
	size_t certificates = 0;
	struct block b;

	while (!fault && block_next(&at, text + len, &b))
		fault = block_check(&b, &certificates);
	if (!fault && b.label)
		fault = "certificates in PEM form: a block in that file has no end";
	return fault || certificates > 0 ? fault : "certificates in PEM form in that file";
}
