/* SPDX-License-Identifier: MIT */
/* Texts of the daemon's answers as they reach the terminal: without control bytes. */
#ifndef T3OPS_CTL_TEXT_H
#define T3OPS_CTL_TEXT_H

#include <jansson.h>
#include <stdio.h>

/* A member's text; "" if there is none. */
const char *text_get(const json_t *o, const char *key);
/* The byte, or a question mark for a character that could steer a terminal; what follows it. */
const char *text_byte_put(FILE *out, const char *at);
/* Pads to `width` characters; nothing steers a terminal. */
void text_put(FILE *out, const char *text, int width);
/* The same of a member, and a space. */
void text_column(FILE *out, const json_t *o, const char *key, int width);
/* The texts of an array, with something between them. */
void text_list_put(FILE *out, const json_t *list, const char *between);
/* In lines that fit a terminal, each behind `indent`; the first one has its indent already. */
void text_wrap(FILE *out, const char *text, const char *indent);

#endif
