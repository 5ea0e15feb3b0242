/* SPDX-License-Identifier: MIT */
/*
 * One variable of an EnvironmentFile, read as systemd reads it (systemd.exec(5)): quotes, escapes, continued lines,
 * the last assignment counts, nothing is expanded.  Pure.
 */
#ifndef T3OPS_USERS_ENV_FILE_H
#define T3OPS_USERS_ENV_FILE_H

#include <stddef.h>

enum env_result {
	ENV_FOUND,
	ENV_ABSENT,
	ENV_TOO_LONG,  /* the value does not fit */
	ENV_AMBIGUOUS, /* a comment that ends in a backslash precedes it: systemd 254 and older ones differ about it
	                */
};

/* Looks name up in the len bytes of text.  FOUND: the value is in out; else out is "". */
enum env_result env_file_get(const char *text, size_t len, const char *name, char *out, size_t size);

#endif
