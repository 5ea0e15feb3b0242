/* SPDX-License-Identifier: MIT */
/* The evidence of one verdict on the page, in words: its story (story.h).  Pure. */
#ifndef T3OPS_MONITOR_SITE_STORY_H
#define T3OPS_MONITOR_SITE_STORY_H

#include <stdio.h>

#include "monitor/site_data.h"

/* Of the one that was chosen; without one, how to choose. */
void site_story(FILE *out, const struct site_data *s);
/* The verdicts of the range as a list, newest first. */
void site_verdicts_put(FILE *out, const struct site_data *s);

#endif
