/* SPDX-License-Identifier: MIT */
/* The texts that values are made of: durations, sizes, times of day, addresses, names.  Pure, any process. */
#ifndef T3OPS_OPTIONS_PARSE_H
#define T3OPS_OPTIONS_PARSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Each parses all of text; false leaves *out alone. */
bool duration_parse(const char *text, int64_t *out_us); /* us ms s m h d; unit required, "0" allowed */
bool int_parse(const char *text, int64_t *out);         /* an optional minus */
bool bytes_parse(const char *text, int64_t *out);       /* plain, K M G (1024) */
bool time_of_day_parse(const char *text, int *out_minutes);

#define NAME_MAX_BYTES 31 /* of sections and segments: struct watchdog_page and labels hold no more */

/* Numeric IPv4 or IPv6 with optional port ("::1", "[::1]:80"); host is copied without brackets.
 * *port is -1 if there is none. */
bool address_parse(const char *text, char *host, size_t host_size, int *port);
/* Letters, digits, "_", "-" and ".", at most max bytes: sections, plugins, commands, segments. */
bool name_valid(const char *text, size_t max);

/* As an operator would write them: "10s", "64K". */
void duration_format(int64_t us, char *out, size_t size);
void bytes_format(int64_t bytes, char *out, size_t size);

#endif
