/* SPDX-License-Identifier: MIT */
/* Escaping for HTML; see html.h. */
#include "net/html.h"

const char *html_entity(char c)
{
	switch (c) {
	case '<':
		return "&lt;";
	case '>':
		return "&gt;";
	case '&':
		return "&amp;";
	case '"':
		return "&quot;";
	case '\'':
		return "&#39;";
	default:
		return NULL;
	}
}

bool html_add(struct buf *out, const char *text)
{
	bool ok = true;

	for (; ok && *text != '\0'; text++) {
		const char *entity = html_entity(*text);

		ok = entity ? buf_add_text(out, entity) : buf_add(out, text, 1);
	}
	return ok;
}

void html_print(FILE *out, const char *text)
{
	for (; *text != '\0'; text++) {
		const char *entity = html_entity(*text);

		if (entity)
			fputs(entity, out);
		else
			fputc(*text, out);
	}
}
