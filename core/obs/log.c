/* SPDX-License-Identifier: MIT */
/* Log lines on stderr; see log.h.  One write(2) a line, so that the processes' lines never mix. */
#include "obs/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sys/clock.h"
#include "sys/time_text.h"

#define LINE_MAX_BYTES 4096

/* The one thing every function of a process shares: who writes, and how much. */
static struct {
	const char *process;
	enum log_level max;
	bool journald; /* adds time and unit itself, and reads the level from a "<N>" prefix */
} g_log = {"t3ops", LOG_L_INFO, false};

static const char *const level_names[] = {
    [LOG_L_ERROR] = "error", [LOG_L_WARNING] = "warning", [LOG_L_NOTICE] = "notice",
    [LOG_L_INFO] = "info",   [LOG_L_DEBUG] = "debug",
};

void log_open(const char *process, enum log_level max)
{
	g_log.process = process;
	g_log.max = max;
	g_log.journald = getenv("JOURNAL_STREAM") != NULL;
}

bool log_level_parse(const char *text, enum log_level *out)
{
	for (unsigned i = LOG_L_ERROR; i <= LOG_L_DEBUG; i++)
		if (strcmp(text, level_names[i]) == 0) {
			*out = (enum log_level)i;
			return true;
		}
	return false;
}

static bool is_plain(const char *value)
{
	if (*value == '\0')
		return false;
	for (; *value != '\0'; value++) {
		unsigned char c = (unsigned char)*value;

		if (c <= ' ' || c == '"' || c == '=' || c == '\\' || c == 0x7f)
			return false;
	}
	return true;
}

/* Adds n bytes at *used if they fit whole beside the final NUL; counts them anyway. */
static void put(char *out, size_t size, size_t *used, const char *bytes, size_t n)
{
	if (*used + n < size)
		memcpy(out + *used, bytes, n);
	*used += n;
}

static void put_escaped(char *out, size_t size, size_t *used, unsigned char c)
{
	char hex[5];

	if (c == '\n') {
		put(out, size, used, "\\n", 2);
	} else if (c == '"' || c == '\\') {
		put(out, size, used, (char[]){'\\', (char)c}, 2);
	} else if (c < ' ' || c == 0x7f) {
		snprintf(hex, sizeof hex, "\\x%02x", c);
		put(out, size, used, hex, 4);
	} else {
		put(out, size, used, (char *)&c, 1);
	}
}

size_t log_quote(char *out, size_t size, const char *value)
{
	size_t used = 0;

	if (is_plain(value)) {
		put(out, size, &used, value, strlen(value));
	} else {
		put(out, size, &used, "\"", 1);
		for (; *value != '\0'; value++)
			put_escaped(out, size, &used, (unsigned char)*value);
		put(out, size, &used, "\"", 1);
	}
	if (size > 0)
		out[used < size ? used : size - 1] = '\0';
	return used;
}

static size_t line_start(char *line, size_t size, enum log_level level)
{
	char when[TIME_TEXT_SIZE];
	int n;

	if (g_log.journald) {
		n = snprintf(line, size, "<%d>", (int)level);
		return (size_t)n;
	}
	time_text(clock_wall_us(), when);
	n = snprintf(line, size, "time=%s ", when);
	return (size_t)n;
}

static void line_write(char *line, size_t size, size_t used)
{
	if (used > size - 2)
		used = size - 2; /* cut, but still one line */
	for (size_t i = 0; i < used; i++)
		if ((unsigned char)line[i] < ' ')
			line[i] = ' ';
	line[used] = '\n';
	if (write(STDERR_FILENO, line, used + 1) < 0)
		return; /* there is nowhere left to say so */
}

void log_linev(enum log_level level, const char *event, const char *fmt, va_list ap)
{
	char line[LINE_MAX_BYTES];
	size_t used;
	int n;

	if (level > g_log.max)
		return;
	used = line_start(line, sizeof line, level);
	n = snprintf(line + used, sizeof line - used, "level=%s process=%s event=%s", level_names[level],
	             g_log.process, event);
	used += n > 0 ? (size_t)n : 0;
	if (fmt[0] != '\0' && used + 2 < sizeof line) {
		line[used++] = ' ';
		n = vsnprintf(line + used, sizeof line - used, fmt, ap);
		used += n > 0 ? (size_t)n : 0;
	}
	line_write(line, sizeof line, used);
}

void log_line(enum log_level level, const char *event, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	log_linev(level, event, fmt, ap);
	va_end(ap);
}
