/* SPDX-License-Identifier: MIT */
/* See server_log.h. */
#include "common/server_log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LOG_MAX (1 << 20) /* the beginning of a log: migrations come first */

static bool has(const char *line, const char *word)
{
	return strcasestr(line, word) != NULL;
}

/* Lines that could carry a credential are none. */
static bool is_harmless(const char *line)
{
	return !has(line, "token") && !has(line, "pair") && !has(line, "credential");
}

bool server_log_is_error(const char *line)
{
	return is_harmless(line) && (has(line, "error") || has(line, "failed") || has(line, "cannot"));
}

bool server_log_is_complaint(const char *line)
{
	bool about = has(line, "migration") || has(line, "sqlerror") || has(line, "sqlite");

	return about && (has(line, "error") || has(line, "fail") || has(line, "diverges"));
}

bool server_log_is_full(const char *line)
{
	return has(line, "disk is full") || has(line, "SQLITE_FULL") || has(line, "no space left on device") ||
	       has(line, "ENOSPC") || has(line, "quota exceeded") || has(line, "EDQUOT");
}

/* The whole text; NULL without memory.  Nothing hides behind a NUL in it. */
static char *text_read(int fd)
{
	char *text = calloc(1, LOG_MAX + 1);
	ssize_t n = text != NULL ? pread(fd, text, LOG_MAX, 0) : 0;

	for (ssize_t i = 0; i < n; i++)
		if (text[i] == '\0')
			text[i] = '\n';
	return text;
}

static bool line_find(int fd, bool (*is)(const char *), bool last, char *out, size_t size)
{
	char *text = text_read(fd), *rest = text, *line;
	bool found = false;

	out[0] = '\0';
	while (rest != NULL && (line = strsep(&rest, "\n")) != NULL && (last || !found))
		if (is(line)) {
			snprintf(out, size, "%s",
			         is_harmless(line) ? line + strspn(line, " \t")
			                           : "a line about the database that may hold a credential");
			found = true;
		}
	if (text != NULL)
		explicit_bzero(text, LOG_MAX);
	free(text);
	return found;
}

bool server_log_complaint(int fd, char *out, size_t size)
{
	return line_find(fd, server_log_is_complaint, false, out, size);
}

void server_log_last(int fd, char *out, size_t size)
{
	line_find(fd, server_log_is_error, true, out, size);
}
