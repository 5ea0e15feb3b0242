/* SPDX-License-Identifier: MIT */
/* Headers of requests from a file: a line "Name: value" each, # begins a comment.  What is wrong with it is said
 * without a value.  Pure but for header_file_load. */
#ifndef T3OPS_EXPORT_OTLP_HEADER_FILE_H
#define T3OPS_EXPORT_OTLP_HEADER_FILE_H

#include <stddef.h>

#define HEADERS_MAX 16

struct header_list {
	char *items[HEADERS_MAX]; /* "Name: value" */
	size_t n;
};

/* text is changed.  0; else the number of the first line that is none, and *why says what it is. */
unsigned header_file_parse(struct header_list *h, char *text, const char **why);
/* 0, a line's number with *why, or -errno. */
int header_file_load(struct header_list *h, const char *path, const char **why);
void header_list_fini(struct header_list *h);

#endif
