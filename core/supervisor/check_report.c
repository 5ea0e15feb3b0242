/* SPDX-License-Identifier: MIT */
/* The lines of a check; see check_report.h. */
#include "supervisor/check_report.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "obs/event.h"

/* What a line begins with, by its severity. */
static const char marks[] = {[CONFIG_ERROR] = '!', [CONFIG_WARNING] = '?', [CONFIG_NOTE] = '.'};

static enum config_severity severity_of(char mark)
{
	if (mark == marks[CONFIG_ERROR])
		return CONFIG_ERROR;
	return mark == marks[CONFIG_WARNING] ? CONFIG_WARNING : CONFIG_NOTE;
}

static void line_log(enum config_severity severity, const char *line)
{
	if (severity == CONFIG_NOTE)
		log_write(LOG_L_INFO, "config_note", kv_detail(line));
	else if (severity == CONFIG_WARNING)
		log_write(LOG_L_WARNING, "config_warning", kv_detail(line));
	else
		log_write(LOG_L_ERROR, "config_error", kv_error(line));
}

void check_report_add(struct check_report *r, enum config_severity severity, const char *line)
{
	r->n_errors += severity == CONFIG_ERROR;
	if (!buf_printf(&r->lines, "%c%s\n", marks[severity], line))
		line_log(severity, line);
}

/* Calls use for each line, which is NUL-terminated then. */
static void each_line(const struct check_report *r, void (*use)(void *arg, enum config_severity, const char *line),
                      void *arg)
{
	const char *at = buf_at(&r->lines), *end = at + buf_len(&r->lines);

	while (at < end) {
		const char *newline = memchr(at, '\n', (size_t)(end - at));
		char *line = strndup(at + 1, (size_t)(newline - at) - 1);

		if (line)
			use(arg, severity_of(*at), line);
		free(line);
		at = newline + 1;
	}
}

static void log_it(void *arg, enum config_severity severity, const char *line)
{
	(void)arg;
	line_log(severity, line);
}

void check_report_log(const struct check_report *r)
{
	each_line(r, log_it, NULL);
}

struct selection {
	enum config_severity severity;
	struct buf *text;
};

static void select_it(void *arg, enum config_severity severity, const char *line)
{
	const struct selection *s = arg;

	if (severity == s->severity)
		buf_printf(s->text, "%s%s", buf_len(s->text) > 0 ? "\n" : "", line);
}

void check_report_text(const struct check_report *r, enum config_severity severity, struct buf *text)
{
	each_line(r, select_it, &(struct selection){severity, text});
}

void check_report_summary(const struct check_report *r, char *out, size_t size)
{
	struct buf errors = {0};
	char more[48] = "";
	size_t len;

	out[0] = '\0';
	check_report_text(r, CONFIG_ERROR, &errors);
	if (r->n_errors > 1)
		snprintf(more, sizeof more, " (and %zu more)", r->n_errors - 1);
	if (buf_len(&errors) > 0 && buf_add(&errors, "", 1)) {
		len = strcspn(buf_at(&errors), "\n");
		snprintf(out, size, "%.*s%s", (int)(len + strlen(more) < size ? len : size - 1 - strlen(more)),
		         buf_at(&errors), more);
	}
	buf_fini(&errors);
}

void check_report_clear(struct check_report *r)
{
	buf_fini(&r->lines);
	*r = (struct check_report){0};
}
