/* SPDX-License-Identifier: MIT */
/* Texts for a terminal; see text.h. */
#include "ctl/text.h"

#include <stdbool.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define WIDTH     100 /* where nobody says */
#define WIDTH_MIN 40

const char *text_get(const json_t *o, const char *key)
{
	const char *text = json_string_value(json_object_get(o, key));

	return text != NULL ? text : "";
}

/* Whether a terminal may take it for an order: C0, DEL, or C1 as UTF-8 has it. */
static bool is_control(const char *at)
{
	unsigned char c = (unsigned char)at[0], next = c != '\0' ? (unsigned char)at[1] : 0;

	return c < ' ' || c == 0x7f || (c == 0xc2 && next >= 0x80 && next <= 0x9f);
}

const char *text_byte_put(FILE *out, const char *at)
{
	if (!is_control(at)) {
		fputc(*at, out);
		return at + 1;
	}
	fputc('?', out);
	return at + ((unsigned char)*at == 0xc2 ? 2 : 1);
}

/* The bytes of one character. */
static int is_first(char c)
{
	return ((unsigned char)c & 0xc0) != 0x80;
}

void text_put(FILE *out, const char *text, int width)
{
	while (*text != '\0') {
		width -= is_first(*text);
		text = text_byte_put(out, text);
	}
	for (; width > 0; width--)
		fputc(' ', out);
}

void text_column(FILE *out, const json_t *o, const char *key, int width)
{
	text_put(out, text_get(o, key), width);
	fputc(' ', out);
}

void text_list_put(FILE *out, const json_t *list, const char *between)
{
	size_t i;
	json_t *v;

	json_array_foreach ((json_t *)list, i, v) {
		if (i > 0)
			fputs(between, out);
		text_put(out, json_string_value(v), 0);
	}
}

int text_length(const char *text)
{
	int n = 0;

	for (; *text != '\0'; text++)
		n += is_first(*text);
	return n;
}

void text_put_cut(FILE *out, const char *text, int width)
{
	while (width > 1 && *text != '\0') {
		text = text_byte_put(out, text);
		width -= is_first(*text); /* the next one begins */
	}
	fputs("\u2026", out);
}

int text_terminal_width(FILE *out)
{
	struct winsize size = {.ws_col = 0};

	if (ioctl(fileno(out), TIOCGWINSZ, &size) < 0 || size.ws_col == 0)
		return 0;
	return size.ws_col > WIDTH_MIN ? size.ws_col : WIDTH_MIN;
}

static int width_of(FILE *out)
{
	int width = text_terminal_width(out);

	return width > 0 ? width : WIDTH;
}

void text_wrap(FILE *out, const char *text, const char *indent)
{
	int room = width_of(out) - (int)strlen(indent), at = 0;

	while (*text != '\0') {
		size_t word = strcspn(text, " ");

		if (at > 0 && at + 1 + (int)word > room) {
			fprintf(out, "\n%s", indent);
			at = 0;
		} else if (at > 0) {
			fputc(' ', out);
			at++;
		}
		for (const char *end = text + word; text < end;)
			text = text_byte_put(out, text);
		at += (int)word;
		text += *text == ' ';
	}
	fputc('\n', out);
}

void text_wrap_on_terminal(FILE *out, const char *text, const char *indent)
{
	if (text_terminal_width(out) > 0) {
		text_wrap(out, text, indent);
		return;
	}
	text_put(out, text, 0);
	fputc('\n', out);
}

void text_duration(double seconds, char *out, size_t size)
{
	long s = seconds > 0 ? (long)seconds : 0, minutes = s / 60, hours = minutes / 60;

	if (s < 60)
		snprintf(out, size, "%ld s", s);
	else if (minutes < 60)
		snprintf(out, size, "%ld min", minutes);
	else if (hours < 24)
		snprintf(out, size, "%ld h %ld min", hours, minutes % 60);
	else
		snprintf(out, size, "%ld d %ld h", hours / 24, hours % 24);
}
