/* SPDX-License-Identifier: MIT */
/* What is kept of the probe's session with one user's t3 server, as text, and how long to wait before another one is
 * made.  Pure. */
#ifndef T3OPS_PLUGINS_PROBE_T3SERVE_SESSION_TEXT_H
#define T3OPS_PLUGINS_PROBE_T3SERVE_SESSION_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define COOKIE_SIZE       4096
#define SESSION_TEXT_SIZE (COOKIE_SIZE + 256)

/* Times are since 1970; 0: unknown, or never. */
struct session_facts {
	char address[64];         /* of the t3 server: the cookie is shown to no other one */
	char cookie[COOKIE_SIZE]; /* NAME=VALUE; "": there is no session */
	uint64_t made_us, expires_us;
	uint64_t paired_us; /* when one was last asked for */
	unsigned pairings;  /* that followed each other too soon */
};

/* Its length, or -1 if it does not fit. */
int session_text_write(const struct session_facts *f, char *out, size_t size);
/* False: that is no such text, and *f is zero. */
bool session_text_read(struct session_facts *f, const char *text);

/* NAME=VALUE of a Set-Cookie value; false if it is none that a header can carry. */
bool cookie_take(const char *set_cookie, char out[COOKIE_SIZE]);

/* Whether it is time for another pairing: at once for the first, then after pause_us, twice that, ... 64 times. */
bool pairing_is_due(const struct session_facts *f, uint64_t pause_us, uint64_t now_us);
/* One was begun. */
void pairing_count(struct session_facts *f, uint64_t pause_us, uint64_t now_us);
/* Whether the session ends so soon that it is to be replaced: within a day, or the last tenth of a shorter life. */
bool session_is_old(const struct session_facts *f, uint64_t now_us);

#endif
