/* SPDX-License-Identifier: MIT */
/*
 * Texts with places to fill in, line by line:
 *
 *     @NAME@            the text of that name; every name must be known
 *     %if A !B ... %else ... %end   if A has a text or is true, or B has none; alternatives, so "A or not B"
 *     %for LIST ... %end            once for each object of the list, whose members hide the others
 *     %% ...            a remark that is left out
 */
#ifndef T3OPS_CTL_TEMPLATE_H
#define T3OPS_CTL_TEMPLATE_H

#include <jansson.h>

/* The text filled in, to be freed; NULL if something is wrong with it: *line says where and *what why, both static or
 * parts of the text. */
char *template_render(const char *text, json_t *values, unsigned *line, const char **what);

#endif
