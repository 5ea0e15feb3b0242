/* SPDX-License-Identifier: MIT */
/* The whole text of the metrics at once. */
#ifndef TESTS_METRICS_TEXT_H
#define TESTS_METRICS_TEXT_H

#include <string.h>

#include "monitor/metrics_render.h"

/* To be freed; NULL without memory. */
static inline char *metrics_text(const struct metrics *m, size_t *len)
{
	struct metrics_rendering *r = metrics_render_begin(m, NULL, "");
	const char *at;
	char *text;

	if (!r)
		return NULL;
	while (!metrics_render_step(r))
		;
	at = metrics_render_text(r, len);
	text = at ? strndup(at, *len) : NULL;
	metrics_render_end(r);
	return text;
}

#endif
