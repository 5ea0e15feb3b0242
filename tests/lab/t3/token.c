/* SPDX-License-Identifier: MIT */
/* Tokens; see token.h. */
#include "lab/t3/token.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#define PAYLOAD_MAX     300
#define SIGNATURE_BYTES 32

void token_random(void *out, size_t len)
{
	ssize_t n = getrandom(out, len, 0);

	assert(n == (ssize_t)len);
}

void token_uuid(char out[UUID_SIZE])
{
	uint8_t r[16];

	token_random(r, sizeof r);
	snprintf(out, UUID_SIZE, "%02x%02x%02x%02x-%02x%02x-4%01x%02x-8%01x%02x-%02x%02x%02x%02x%02x%02x", r[0], r[1],
	         r[2], r[3], r[4], r[5], r[6] & 15, r[7], r[8] & 15, r[9], r[10], r[11], r[12], r[13], r[14], r[15]);
}

void token_credential(char out[13])
{
	static const char alphabet[] = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789";
	uint8_t r[12];

	token_random(r, sizeof r);
	for (size_t i = 0; i < sizeof r; i++)
		out[i] = alphabet[r[i] % 32];
	out[12] = '\0';
}

static uint32_t rotate(uint32_t x, int by)
{
	return x << by | x >> (32 - by);
}

static void sha1_block(uint32_t h[5], const uint8_t *p)
{
	uint32_t w[80], a = h[0], b = h[1], c = h[2], d = h[3], e = h[4];

	for (int i = 0; i < 16; i++)
		w[i] = (uint32_t)p[4 * i] << 24 | (uint32_t)p[4 * i + 1] << 16 | (uint32_t)p[4 * i + 2] << 8 |
		       p[4 * i + 3];
	for (int i = 16; i < 80; i++)
		w[i] = rotate(w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16], 1);
	for (int i = 0; i < 80; i++) {
		uint32_t f = i < 20   ? ((b & c) | (~b & d)) + 0x5a827999
		             : i < 40 ? (b ^ c ^ d) + 0x6ed9eba1
		             : i < 60 ? ((b & c) | (b & d) | (c & d)) + 0x8f1bbcdc
		                      : (b ^ c ^ d) + 0xca62c1d6;
		uint32_t t = rotate(a, 5) + f + e + w[i];

		e = d;
		d = c;
		c = rotate(b, 30);
		b = a;
		a = t;
	}
	h[0] += a;
	h[1] += b;
	h[2] += c;
	h[3] += d;
	h[4] += e;
}

void token_sha1(const void *data, size_t len, uint8_t out[20])
{
	uint32_t h[5] = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0};
	uint8_t last[128] = {0};
	size_t whole = len / 64 * 64, rest = len - whole, padded = rest < 56 ? 64 : 128;

	for (size_t i = 0; i < whole; i += 64)
		sha1_block(h, (const uint8_t *)data + i);
	if (rest > 0)
		memcpy(last, (const uint8_t *)data + whole, rest);
	last[rest] = 0x80;
	for (size_t i = 0; i < 8; i++)
		last[padded - 1 - i] = (uint8_t)((uint64_t)len * 8 >> 8 * i);
	for (size_t i = 0; i < padded; i += 64)
		sha1_block(h, last + i);
	for (int i = 0; i < 20; i++)
		out[i] = (uint8_t)(h[i / 4] >> (24 - 8 * (i % 4)));
}

void token_base64(const void *data, size_t len, bool url, char *out)
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
	const uint8_t *p = data;

	for (size_t i = 0; i < len; i += 3) {
		size_t have = len - i < 3 ? len - i : 3;
		uint32_t v = (uint32_t)p[i] << 16 | (have > 1 ? (uint32_t)p[i + 1] << 8 : 0) |
		             (have > 2 ? p[i + 2] : 0);

		for (size_t k = 0; k < 4; k++) {
			uint32_t d = v >> (18 - 6 * k) & 63;

			if (k <= have)
				*out++ = d < 62 ? letters[d] : d == 62 ? (url ? '-' : '+') : (url ? '_' : '/');
			else if (!url)
				*out++ = '=';
		}
	}
	*out = '\0';
}

static int letter_value(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '-' ? 62 : c == '_' ? 63 : -1;
}

/* base64url to text; false on a foreign letter or too much text. */
static bool base64url_decode(const char *in, size_t len, char *out, size_t size)
{
	uint32_t v = 0;
	size_t bits = 0, n = 0;

	for (size_t i = 0; i < len; i++) {
		int d = letter_value(in[i]);

		if (d < 0 || n + 1 >= size)
			return false;
		v = v << 6 | (uint32_t)d;
		bits += 6;
		if (bits >= 8) {
			bits -= 8;
			out[n++] = (char)(v >> bits & 255);
		}
	}
	out[n] = '\0';
	return true;
}

static void signature(const uint8_t key[TOKEN_KEY_BYTES], const char *payload, size_t len, char out[48])
{
	uint8_t data[TOKEN_KEY_BYTES + TOKEN_MAX + 1], sum[40];

	assert(len < TOKEN_MAX);
	memcpy(data, key, TOKEN_KEY_BYTES);
	memcpy(data + TOKEN_KEY_BYTES, payload, len);
	for (uint8_t half = 0; half < 2; half++) {
		data[TOKEN_KEY_BYTES + len] = half;
		token_sha1(data, TOKEN_KEY_BYTES + len + 1, sum + 20 * half);
	}
	token_base64(sum, SIGNATURE_BYTES, true, out);
}

void token_sign(const uint8_t key[TOKEN_KEY_BYTES], const char *session_id, size_t payload_bytes, char out[TOKEN_MAX])
{
	char payload[PAYLOAD_MAX], sig[48];
	int n = snprintf(payload, sizeof payload, "{\"v\":1,\"sid\":\"%s\",\"kind\":\"session\",\"pad\":\"",
	                 session_id);

	assert(n > 0 && (size_t)n + 2 < payload_bytes && payload_bytes < sizeof payload);
	memset(payload + n, 'x', payload_bytes - 2 - (size_t)n);
	memcpy(payload + payload_bytes - 2, "\"}", 2);
	token_base64(payload, payload_bytes, true, out);
	signature(key, out, strlen(out), sig);
	strcat(strcat(out, "."), sig);
}

bool token_verify(const uint8_t key[TOKEN_KEY_BYTES], const char *token, char session_id[UUID_SIZE])
{
	char sig[48], payload[PAYLOAD_MAX];
	const char *dot = strchr(token, '.');

	if (!dot || dot - token >= TOKEN_MAX)
		return false;
	signature(key, token, (size_t)(dot - token), sig);
	if (strcmp(sig, dot + 1) != 0 || !base64url_decode(token, (size_t)(dot - token), payload, sizeof payload))
		return false;
	return sscanf(payload, "{\"v\":1,\"sid\":\"%36[0-9a-f-]\"", session_id) == 1;
}
