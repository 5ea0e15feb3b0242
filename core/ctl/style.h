/* SPDX-License-Identifier: MIT */
/* Colours, where a person looks: on a terminal, unless NO_COLOR is set; nowhere else. */
#ifndef T3OPS_CTL_STYLE_H
#define T3OPS_CTL_STYLE_H

#include <stdio.h>

enum style { STYLE_PLAIN, STYLE_STRONG, STYLE_FAINT, STYLE_GOOD, STYLE_BAD, STYLE_DOUBT };

/* What is written from here on; STYLE_PLAIN ends it.  Nothing where out is not a terminal. */
void style_put(FILE *out, enum style s);

#endif
