/* SPDX-License-Identifier: MIT */
/* Reading what another t3ops says; see testimony.h. */
#include "probe_vantage/testimony.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plugin.h"

#define MAC_LINE     (sizeof "mac \n" - 1 + TESTIMONY_MAC_HEX)
#define DURATION_MAX UINT64_C(3600000000) /* of what is said to have been waited */
#define CODE_MAX     9999

/* What is left to read; bad: something was not as it must be. */
struct lines {
	const char *at, *end;
	bool bad;
};

void testimony_mac(const unsigned char key[TESTIMONY_KEY_BYTES], const char *text, size_t len,
                   char out[TESTIMONY_MAC_HEX + 1])
{
	unsigned char mac[EVP_MAX_MD_SIZE];
	unsigned n = 0;

	if (HMAC(EVP_sha256(), key, TESTIMONY_KEY_BYTES, (const unsigned char *)text, len, mac, &n) == NULL)
		abort(); /* without memory */
	for (unsigned i = 0; i < n; i++)
		snprintf(out + (size_t)2 * i, 3, "%02x", mac[i]);
}

/* The value of the next line, which must have that name; "" if there is none. */
static void line_take(struct lines *l, const char *name, char *out, size_t size)
{
	const char *newline = l->at < l->end ? memchr(l->at, '\n', (size_t)(l->end - l->at)) : NULL;
	size_t head = strlen(name), len = newline != NULL ? (size_t)(newline - l->at) : 0;

	out[0] = '\0';
	if (l->bad || newline == NULL || len <= head + 1 || memcmp(l->at, name, head) != 0 || l->at[head] != ' ' ||
	    len - head - 1 >= size || memchr(l->at, '\0', len) != NULL) {
		l->bad = true;
		return;
	}
	memcpy(out, l->at + head + 1, len - head - 1);
	out[len - head - 1] = '\0';
	l->at = newline + 1;
}

static void word_expect(struct lines *l, const char *name, const char *expected)
{
	char value[64];

	line_take(l, name, value, sizeof value);
	l->bad = l->bad || strcmp(value, expected) != 0;
}

static uint64_t number_take(struct lines *l, const char *name, uint64_t most)
{
	char value[24];
	uint64_t n = 0;

	line_take(l, name, value, sizeof value);
	for (const char *c = value; *c != '\0' && !l->bad; c++) {
		l->bad = *c < '0' || *c > '9' || n > most / 10;
		n = 10 * n + (uint64_t)(*c - '0');
	}
	l->bad = l->bad || n > most;
	return l->bad ? 0 : n;
}

static enum testimony_kind kind_take(struct lines *l)
{
	static const char *const names[] = {"none", "up", "alive", "down", "attempt"};
	char value[16];

	line_take(l, "kind", value, sizeof value);
	for (unsigned i = 0; i < sizeof names / sizeof names[0]; i++)
		if (strcmp(value, names[i]) == 0)
			return (enum testimony_kind)i;
	l->bad = true;
	return TESTIMONY_NONE;
}

static void colo_take(struct lines *l, char out[8])
{
	line_take(l, "colo", out, 8);
	if (strcmp(out, "-") == 0)
		out[0] = '\0';
	else if (strspn(out, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != strlen(out))
		l->bad = true;
}

static bool mac_is_right(const char *text, size_t len, const unsigned char key[TESTIMONY_KEY_BYTES])
{
	char own[TESTIMONY_MAC_HEX + 1];
	const char *mac = text + len - MAC_LINE;

	testimony_mac(key, text, len - MAC_LINE, own);
	return memcmp(mac, "mac ", 4) == 0 && text[len - 1] == '\n' &&
	       CRYPTO_memcmp(mac + 4, own, TESTIMONY_MAC_HEX) == 0;
}

/* Only what ends a leg, and not by t3ops itself. */
static bool is_an_end(const struct testimony *t)
{
	return t->step >= T3OPS_STEP_DNS && t->step <= T3OPS_STEP_OPEN && t->reason >= T3OPS_R_CLOSED &&
	       t->reason <= T3OPS_R_PROTOCOL;
}

const char *testimony_read(const char *text, size_t len, const unsigned char key[TESTIMONY_KEY_BYTES],
                           const char *challenge, const char *leg, struct testimony *out)
{
	struct lines l = {.at = text, .end = text + len};
	char said[TESTIMONY_CHALLENGE_HEX + 1];

	*out = (struct testimony){.kind = TESTIMONY_NONE};
	if (len <= MAC_LINE || !mac_is_right(text, len, key))
		return "it is not by the key of key_file";
	l.end -= MAC_LINE;
	word_expect(&l, "t3ops-testimony", "1");
	line_take(&l, "challenge", said, sizeof said);
	if (!l.bad && strcmp(said, challenge) != 0)
		return "it answers another question";
	word_expect(&l, "leg", leg);
	out->kind = kind_take(&l);
	out->held_us = number_take(&l, "held_us", DURATION_MAX);
	out->waited_us = number_take(&l, "waited_us", DURATION_MAX);
	out->step = (unsigned)number_take(&l, "step", T3OPS_STEP_OPEN);
	out->reason = (unsigned)number_take(&l, "reason", T3OPS_R_CLOCK);
	out->code = (unsigned)number_take(&l, "code", CODE_MAX);
	colo_take(&l, out->colo);
	if (l.bad || l.at != l.end)
		return "it is malformed";
	if ((out->kind == TESTIMONY_DOWN || out->kind == TESTIMONY_ATTEMPT) && !is_an_end(out))
		out->kind = TESTIMONY_NONE;
	return NULL;
}
