/* SPDX-License-Identifier: MIT */
/* The two halves of a WebSocket handshake's proof (RFC 6455 sections 4.1 and 4.2.2).  Any process. */
#ifndef T3OPS_NET_WS_KEY_H
#define T3OPS_NET_WS_KEY_H

#include <stdbool.h>
#include <stddef.h>

#define WS_KEY_SIZE    25 /* with NUL */
#define WS_ACCEPT_SIZE 29

/* A fresh Sec-WebSocket-Key.  0, or -errno without entropy. */
int ws_key_make(char out[WS_KEY_SIZE]);
/* Whether it is 16 bytes in base64. */
bool ws_key_is_valid(const char *key, size_t len);
/* Sec-WebSocket-Accept for a Sec-WebSocket-Key of at most 64 characters. */
void ws_accept_key(const char *key, char out[WS_ACCEPT_SIZE]);

#endif
