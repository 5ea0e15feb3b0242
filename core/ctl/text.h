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
/* How many characters it has on a terminal, where each is one column wide. */
int text_length(const char *text);
/* Its beginning and an ellipsis: `width` characters. */
void text_put_cut(FILE *out, const char *text, int width);
/* Columns of the terminal that it goes to; 0: it goes to none. */
int text_terminal_width(FILE *out);
/* The texts of an array, with something between them. */
void text_list_put(FILE *out, const json_t *list, const char *between);
/* "12 s", "5 min", "3 h 12 min", "4 d 3 h" */
void text_duration(double seconds, char *out, size_t size);
/* In lines that fit a terminal, each behind `indent`; the first one has its indent already. */
void text_wrap(FILE *out, const char *text, const char *indent);
/* The same on a terminal; one line elsewhere. */
void text_wrap_on_terminal(FILE *out, const char *text, const char *indent);

#endif
