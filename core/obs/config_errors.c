/* SPDX-License-Identifier: MIT */
/* Collects what is wrong; knows nothing about what it is about. */
#include "obs/config_errors.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void config_errors_init(struct config_errors *c, const char *file)
{
	*c = (struct config_errors){.file = file};
}

void config_errors_fini(struct config_errors *c)
{
	for (size_t i = 0; i < c->n; i++)
		free(c->rows[i].text);
	free(c->rows);
	c->rows = NULL;
	c->n = 0;
}

/* It quotes the file, and the file may hold anything. */
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

/* Behind those of the same line. */
static void insert(struct config_errors *c, struct config_error row)
{
	size_t at = c->n;

	c->rows = reallocarray(c->rows, c->n + 1, sizeof *c->rows);
	if (!c->rows)
		abort(); /* in a checking child, or at start */
	for (; at > 0 && c->rows[at - 1].line > row.line; at--)
		c->rows[at] = c->rows[at - 1];
	c->rows[at] = row;
	c->n++;
}

void config_errors_addv(struct config_errors *c, enum config_severity severity, unsigned line, const char *fmt,
                        va_list ap)
{
	char *text;

	if (vasprintf(&text, fmt, ap) < 0)
		abort();
	make_printable(text);
	c->total += severity == CONFIG_ERROR;
	if (is_known(c, line, text))
		free(text);
	else
		insert(c, (struct config_error){severity, line, text});
}

void config_errors_add(struct config_errors *c, unsigned line, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	config_errors_addv(c, CONFIG_ERROR, line, fmt, ap);
	va_end(ap);
}

void config_warnings_add(struct config_errors *c, unsigned line, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	config_errors_addv(c, CONFIG_WARNING, line, fmt, ap);
	va_end(ap);
}

void config_notes_add(struct config_errors *c, unsigned line, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	config_errors_addv(c, CONFIG_NOTE, line, fmt, ap);
	va_end(ap);
}

void config_errors_report(struct config_errors *c, config_report_cb report, void *arg)
{
	static const char *const marks[] = {
	    [CONFIG_ERROR] = "", [CONFIG_WARNING] = "warning: ", [CONFIG_NOTE] = "note: "};

	for (size_t i = 0; i < c->n; i++) {
		const struct config_error *e = &c->rows[i];
		const char *mark = marks[e->severity];
		char *line;
		int r = e->line ? asprintf(&line, "%s:%u: %s%s", c->file, e->line, mark, e->text)
		                : asprintf(&line, "%s: %s%s", c->file, mark, e->text);

		if (r < 0)
			abort();
		report(arg, e->severity, line);
		free(line);
	}
	config_errors_fini(c);
}
