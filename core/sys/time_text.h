/* SPDX-License-Identifier: MIT */
/* A moment as text (RFC 3339, UTC): the one way in which logs, pages and answers write it.  Any process. */
#ifndef T3OPS_SYS_TIME_TEXT_H
#define T3OPS_SYS_TIME_TEXT_H

#include <stdbool.h>
#include <stdint.h>

#define TIME_TEXT_SIZE 32

/* wall_us: since 1970.  "2026-11-26T14:23:05.042Z"; "" for a year that has more than four digits. */
void time_text(uint64_t wall_us, char out[TIME_TEXT_SIZE]);
/* The way back, of such a text, with or without milliseconds.  False: it is none. */
bool time_text_read(const char *text, uint64_t *wall_us);

#endif
