/* SPDX-License-Identifier: MIT */
/* Any text as HTML text or as the value of a quoted attribute.  Pure, any process. */
#ifndef T3OPS_NET_HTML_H
#define T3OPS_NET_HTML_H

#include <stdbool.h>
#include <stdio.h>

#include "sys/buf.h"

/* What has to stand for c; NULL: c itself. */
const char *html_entity(char c);
/* Appends the text, escaped; false without memory. */
bool html_add(struct buf *out, const char *text);
/* Writes the text, escaped. */
void html_print(FILE *out, const char *text);

#endif
