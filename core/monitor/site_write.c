/* SPDX-License-Identifier: MIT */
/* HTML of times and cells; see site_write.h. */
#include "monitor/site_write.h"

#include <time.h>

#include "net/html.h"
#include "sys/clock.h"
#include "sys/time_text.h"

static const char *const form_names[] = {[SITE_NEAR] = "near",
                                         [SITE_MINUTE] = "minute",
                                         [SITE_SECOND] = "second",
                                         [SITE_DATE] = "date",
                                         [SITE_DAY] = "day"};

const char *site_get(const json_t *o, const char *key)
{
	const char *text = json_string_value(json_object_get(o, key));

	return text != NULL ? text : "";
}

static bool is_today(const struct tm *tm)
{
	time_t now = (time_t)(clock_wall_us() / 1000000);
	struct tm today;

	return localtime_r(&now, &today) != NULL && tm->tm_year == today.tm_year && tm->tm_yday == today.tm_yday;
}

/* strftime with a format that the compiler sees. */
static size_t form_print(char *text, size_t size, enum site_form form, const struct tm *tm)
{
	switch (form) {
	case SITE_MINUTE:
		return strftime(text, size, "%H:%M", tm);
	case SITE_SECOND:
		return strftime(text, size, "%H:%M:%S", tm);
	case SITE_DATE:
		return strftime(text, size, "%b %-d %H:%M:%S", tm);
	case SITE_DAY:
		return strftime(text, size, "%b %-d", tm);
	default:
		return is_today(tm) ? strftime(text, size, "%H:%M", tm) : strftime(text, size, "%b %-d %H:%M", tm);
	}
}

static void local_put(FILE *out, uint64_t wall_us, enum site_form form)
{
	time_t seconds = (time_t)(wall_us / 1000000);
	char text[40];
	struct tm tm;

	if (localtime_r(&seconds, &tm) != NULL && form_print(text, sizeof text, form, &tm) > 0)
		fputs(text, out);
}

void site_time(FILE *out, uint64_t wall_us, enum site_form form)
{
	char utc[TIME_TEXT_SIZE];

	time_text(wall_us, utc);
	fprintf(out, "<time datetime=\"%s\" data-form=\"%s\">", utc, form_names[form]);
	local_put(out, wall_us, form);
	fputs("</time>", out);
}

void site_time_of(FILE *out, const char *utc, enum site_form form)
{
	uint64_t wall_us;

	if (time_text_read(utc, &wall_us))
		site_time(out, wall_us, form);
	else
		fputs("-", out);
}

void site_axis_text(FILE *out, uint64_t wall_us, enum site_form form, double percent, const char *class)
{
	char utc[TIME_TEXT_SIZE];

	time_text(wall_us, utc);
	fprintf(out, "<text x=\"%.3f%%\" y=\"12\" class=\"%s\" data-time=\"%s\" data-form=\"%s\">", percent, class,
	        utc, form_names[form]);
	local_put(out, wall_us, form);
	fputs("</text>", out);
}

void site_zone(FILE *out)
{
	time_t now = (time_t)(clock_wall_us() / 1000000);
	char name[40] = "";
	struct tm tm;

	if (localtime_r(&now, &tm) != NULL && strftime(name, sizeof name, "%Z", &tm) > 0)
		html_print(out, name);
}

void site_cell(FILE *out, const char *label, const char *class)
{
	fputs("<td data-label=\"", out);
	html_print(out, label);
	fprintf(out, "\" class=\"%s\">", class);
}
