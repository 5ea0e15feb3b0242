/* SPDX-License-Identifier: MIT */
/* Colours of a terminal; see style.h. */
#include "ctl/style.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int is_colourful(FILE *out)
{
	const char *term = getenv("TERM"), *none = getenv("NO_COLOR");

	return isatty(fileno(out)) && (none == NULL || *none == '\0') && term != NULL && strcmp(term, "dumb") != 0;
}

void style_put(FILE *out, enum style s)
{
	static const char *const codes[] = {[STYLE_PLAIN] = "0", [STYLE_STRONG] = "1", [STYLE_FAINT] = "2",
	                                    [STYLE_GOOD] = "32", [STYLE_BAD] = "1;31", [STYLE_DOUBT] = "33"};

	if (is_colourful(out))
		fprintf(out, "\033[%sm", codes[s]);
}
