/* SPDX-License-Identifier: MIT */
/* Pieces of HTML that all parts of the page are made of; every text is escaped.  Pure. */
#ifndef T3OPS_MONITOR_SITE_WRITE_H
#define T3OPS_MONITOR_SITE_WRITE_H

#include <jansson.h>
#include <stdint.h>
#include <stdio.h>

/* How much of a moment is shown. */
enum site_form {
	SITE_NEAR,   /* "14:03" today, else with the day */
	SITE_MINUTE, /* "14:03" */
	SITE_SECOND, /* "14:03:12" */
	SITE_DATE,   /* "Nov 27 14:03:12" */
	SITE_DAY,    /* "Nov 27" */
};

/* A member's text; "" if there is none. */
const char *site_get(const json_t *o, const char *key);
/* <time>: of this machine's zone; the script makes it the reader's. */
void site_time(FILE *out, uint64_t wall_us, enum site_form form);
/* The same of a moment as answers write it; "-" if it is none. */
void site_time_of(FILE *out, const char *utc, enum site_form form);
/* The moment alone, for a text in a drawing, with the attributes that the script reads. */
void site_axis_text(FILE *out, uint64_t wall_us, enum site_form form, double percent, const char *class);
/* The name of this machine's zone. */
void site_zone(FILE *out);
/* <td data-label=LABEL>, for a table that becomes a list on a narrow screen. */
void site_cell(FILE *out, const char *label, const char *class);

#endif
