/* SPDX-License-Identifier: MIT */
/* Collects config_errors; knows nothing about what they are about. */
#include "obs/config_errors.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void config_errors_init(struct config_errors *c, const char *file)
{
	memset(c, 0, sizeof *c);
	c->file = file;
}

static void forget(struct config_errors *c)
{
	for (size_t i = 0; i < c->n; i++)
		free(c->rows[i].text);
	c->n = 0;
}

void config_errors_fini(struct config_errors *c)
{
	forget(c);
}

/* A config_error quotes the file, and the file may hold anything. */
static void make_printable(char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < 0x20 || *text == 0x7f)
			*text = '?';
}

/* The scan may come twice over the same bytes. */
static bool is_known(const struct config_errors *c, unsigned line, const char *text)
{
	for (size_t i = 0; i < c->n; i++)
		if (c->rows[i].line == line && strcmp(c->rows[i].text, text) == 0)
			return true;
	return false;
}

void config_errors_add(struct config_errors *c, unsigned line, const char *fmt, ...)
{
	va_list ap;
	char *text;
	size_t at = c->n;

	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) < 0)
		abort();
	va_end(ap);
	make_printable(text);
	if (c->n == CONFIG_ERRORS_MAX || is_known(c, line, text)) {
		c->total++;
		free(text);
		return;
	}
	for (; at > 0 && c->rows[at - 1].line > line; at--)
		c->rows[at] = c->rows[at - 1];
	c->rows[at] = (struct config_error){line, text};
	c->n++;
	c->total++;
}

void config_errors_report(struct config_errors *c, void (*report)(void *arg, const char *line), void *arg)
{
	for (size_t i = 0; i < c->n; i++) {
		char *line;
		int r = c->rows[i].line ? asprintf(&line, "%s:%u: %s", c->file, c->rows[i].line, c->rows[i].text)
		                        : asprintf(&line, "%s: %s", c->file, c->rows[i].text);

		if (r < 0)
			abort();
		report(arg, line);
		free(line);
	}
	forget(c);
}
