/* SPDX-License-Identifier: MIT */
/* How long a response may be kept (RFC 9111), as far as a key set needs it.  Pure. */
#ifndef T3OPS_IDENTITY_JWT_LIFETIME_H
#define T3OPS_IDENTITY_JWT_LIFETIME_H

#include <stdint.h>

/* When to fetch again: after `usual_us`, or sooner if Cache-Control's max-age, less Age, ends before; a fifth of it
 * is left then.  Never sooner than after a minute.  Either header may be NULL. */
uint64_t lifetime_us(const char *cache_control, const char *age, uint64_t usual_us);

#endif
