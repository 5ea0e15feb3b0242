/* SPDX-License-Identifier: MIT */
/*
 * Typed option values: how the text of an option becomes a checked value.  The one place that
 * knows "10s", "64K", "03:30" and addresses; used for core and plugin options alike.
 * Pure functions (secret_file and path look at the file system), any process.
 */
#ifndef T3OPS_OPTIONS_OPTION_H
#define T3OPS_OPTIONS_OPTION_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "plugin.h"

/* Each parses all of text; false leaves *out alone. */
bool duration_parse(const char *text, int64_t *out_us); /* us ms s m h d; unit required, "0" allowed */
bool bytes_parse(const char *text, int64_t *out);       /* plain, K M G (1024) */
bool time_of_day_parse(const char *text, int *out_minutes);

/* Numeric IPv4 or IPv6 with optional port ("::1", "[::1]:80"); host is copied without brackets.
 * *port is -1 if there is none. */
bool address_parse(const char *text, char *host, size_t host_size, int *port);
/* Letters, digits, "_", "-" and ".", at most max bytes: sections, plugins, commands, segments. */
bool name_valid(const char *text, size_t max);

/* A value as plan JSON: string, integer (int, duration us, bytes, minutes), bool or array of
 * strings.  text: as in the file.  NULL: *why is one line (static or in buf) without file and line. */
json_t *option_value(const struct t3ops_option *o, const char *text, char *why, size_t why_size);
json_t *option_list_value(const struct t3ops_option *o, const char *const *items, size_t n, char *why,
                          size_t why_size);
/* The default of the row; NULL with *why if it is required. */
json_t *option_fallback(const struct t3ops_option *o, char *why, size_t why_size);

/* "duration", "list", ... for messages and manuals; NULL for a type that this version lacks. */
const char *option_type_name(uint32_t type);
/* A number of that option (a limit) as an operator would write it: "10s", "64K", "7". */
void option_number(const struct t3ops_option *o, int64_t value, char *out, size_t size);

#endif
