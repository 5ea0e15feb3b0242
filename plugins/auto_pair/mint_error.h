/* SPDX-License-Identifier: MIT */
/* Why a mint failed, from what the command printed: t3 writes its errors to stdout, with stack and colours.  Pure. */
#ifndef T3OPS_PLUGINS_AUTO_PAIR_MINT_ERROR_H
#define T3OPS_PLUGINS_AUTO_PAIR_MINT_ERROR_H

#include <stddef.h>

/* The first line that says what failed, printable and cut to size, else the first line that is no JSON and no link;
 * "" if there is none.  Lines that could hold a credential are passed over.  A database that is newer than its
 * program is named. */
void mint_error_find(const char *out, size_t len, char *why, size_t size);

#endif
