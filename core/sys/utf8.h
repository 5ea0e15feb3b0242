/* SPDX-License-Identifier: MIT */
/* UTF-8 (RFC 3629), checked.  Pure, any process. */
#ifndef T3OPS_SYS_UTF8_H
#define T3OPS_SYS_UTF8_H

#include <stdbool.h>
#include <stddef.h>

/* The length of the character that text begins with: 1 to 4; 0 if none does.  A NUL has the length 1. */
size_t utf8_length(const char *text);
bool utf8_valid(const char *text);

#endif
