/* SPDX-License-Identifier: MIT */
/* The WebSocket handshake's proof; see ws_key.h. */
#include "net/ws_key.h"

#include <assert.h>
#include <errno.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

int ws_key_make(char out[WS_KEY_SIZE])
{
	unsigned char nonce[16];

	if (getrandom(nonce, sizeof nonce, 0) != (ssize_t)sizeof nonce)
		return -EIO;
	EVP_EncodeBlock((unsigned char *)out, nonce, sizeof nonce);
	return 0;
}

bool ws_key_is_valid(const char *key, size_t len)
{
	static const char base64[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

	if (len != WS_KEY_SIZE - 1 || key[len - 1] != '=' || key[len - 2] != '=')
		return false;
	for (size_t i = 0; i < len - 2; i++)
		if (!memchr(base64, key[i], sizeof base64 - 1))
			return false;
	return true;
}

void ws_accept_key(const char *key, char out[WS_ACCEPT_SIZE])
{
	unsigned char sum[EVP_MAX_MD_SIZE];
	char joined[128];
	int len = snprintf(joined, sizeof joined, "%s258EAFA5-E914-47DA-95CA-C5AB0DC85B11", key);

	assert(len > 0 && (size_t)len < sizeof joined);
	EVP_Digest(joined, (size_t)len, sum, NULL, EVP_sha1(), NULL);
	EVP_EncodeBlock((unsigned char *)out, sum, 20);
}
