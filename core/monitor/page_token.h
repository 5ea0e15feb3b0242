/* SPDX-License-Identifier: MIT */
/*
 * Whether a request to the status pages shows the token of page_token_file: as "Authorization: Bearer TOKEN", or in
 * the cookie that a sign-in gave, which holds no token and is worth nothing after its time, or with another token.
 * Pure; only digests are kept, and compared in constant time.
 */
#ifndef T3OPS_MONITOR_PAGE_TOKEN_H
#define T3OPS_MONITOR_PAGE_TOKEN_H

#include <stdbool.h>
#include <stdint.h>

#include "net/http_head.h"
#include "sys/secret_file.h"

#define PAGE_COOKIE      "t3ops_page"
#define PAGE_COOKIE_DAYS 30
#define PAGE_COOKIE_SIZE (16 + 2 * SECRET_DIGEST_BYTES + 2) /* EXPIRES.MAC */
#define PAGE_TOKEN_MAX   511

/* Whether one of them is shown: no second Authorization, no second cookie of that name. */
bool page_token_is_shown(const struct http_head *h, const unsigned char digest[SECRET_DIGEST_BYTES], uint64_t now_s);

/* Of the form of the sign-in, "token=..." percent-encoded. */
bool page_token_form_ok(const char *body, size_t len, const unsigned char digest[SECRET_DIGEST_BYTES]);

/* The cookie's value for whoever has signed in now. */
void page_cookie_make(const unsigned char digest[SECRET_DIGEST_BYTES], uint64_t now_s, char out[PAGE_COOKIE_SIZE]);

#endif
