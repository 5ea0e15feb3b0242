/* SPDX-License-Identifier: MIT */
/*
 * The secret that the trusted proxy shows: an address alone can be borrowed by whatever else runs there.
 * Processes know only the secret's digest.  Pure.
 */
#ifndef T3OPS_PROXY_PROXY_SECRET_H
#define T3OPS_PROXY_PROXY_SECRET_H

#include "net/http_head.h"
#include "sys/secret_file.h"

/* Exactly one field of that name, with the secret; takes the same time wherever it differs. */
bool proxy_secret_is_shown(const struct http_head *h, struct span name,
                           const unsigned char digest[SECRET_DIGEST_BYTES]);

#endif
