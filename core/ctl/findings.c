/* SPDX-License-Identifier: MIT */
/* Keeps and prints findings. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "ctl/findings.h"
#include "ctl/style.h"
#include "ctl/text.h"

static const struct {
	const char *name, *shown;
	enum style style;
} results[] = {[FINDING_OK] = {"ok", "ok  ", STYLE_GOOD},
               [FINDING_SKIP] = {"skip", "skip", STYLE_FAINT},
               [FINDING_WARN] = {"warn", "WARN", STYLE_DOUBT},
               [FINDING_FAIL] = {"fail", "FAIL", STYLE_BAD}};

static void finding_print(enum finding result, const char *what, const char *text, const char *advice)
{
	style_put(stdout, results[result].style);
	fputs(results[result].shown, stdout);
	style_put(stdout, STYLE_PLAIN);
	fputs("  ", stdout);
	text_put(stdout, what, 26);
	fputs("  ", stdout);
	text_put(stdout, text, 0);
	putchar('\n');
	if (advice[0] != '\0' && result >= FINDING_WARN) {
		fputs("      -> ", stdout);
		text_put(stdout, advice, 0);
		putchar('\n');
	}
	fflush(stdout);
}

void finding_add(struct findings *f, enum finding result, const char *check, const char *subject, const char *advice,
                 const char *fmt, ...)
{
	char text[1024], what[256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	snprintf(what, sizeof what, subject[0] != '\0' ? "%s(%s)" : "%s", check, subject);
	json_array_append_new(f->all, json_pack("{s:s, s:s, s:s, s:s, s:s}", "check", check, "subject", subject,
	                                        "result", results[result].name, "text", text, "advice", advice));
	if (!f->is_quiet)
		finding_print(result, what, text, advice);
}

unsigned findings_count(const struct findings *f, enum finding result)
{
	unsigned n = 0;
	size_t i;
	json_t *one;

	json_array_foreach (f->all, i, one)
		n += strcmp(json_string_value(json_object_get(one, "result")), results[result].name) == 0;
	return n;
}
