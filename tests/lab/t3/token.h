/* SPDX-License-Identifier: MIT */
/*
 * The small arithmetic of tokens: random names, SHA-1, base64, and session tokens in t3's shape
 * (base64url payload, dot, signature).  The signature only has to be unforgeable by a test.
 */
#ifndef T3STUB_TOKEN_H
#define T3STUB_TOKEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TOKEN_KEY_BYTES 32
#define TOKEN_MAX       512
#define UUID_SIZE       37

void token_random(void *out, size_t len);
void token_uuid(char out[UUID_SIZE]);
/* 12 upper-case letters and digits. */
void token_credential(char out[13]);

void token_sha1(const void *data, size_t len, uint8_t out[20]);
/* Standard alphabet with padding, or url: without.  out: room for 4 * (len / 3 + 1) + 1. */
void token_base64(const void *data, size_t len, bool url, char *out);

/* A session token for that session id; its payload has payload_bytes (below 300). */
void token_sign(const uint8_t key[TOKEN_KEY_BYTES], const char *session_id, size_t payload_bytes,
                char out[TOKEN_MAX]);
/* False unless the signature is right; then session_id is filled in. */
bool token_verify(const uint8_t key[TOKEN_KEY_BYTES], const char *token, char session_id[UUID_SIZE]);

#endif
