/* SPDX-License-Identifier: MIT */
/* The lines of the control socket: one JSON object each.  Monitor process. */
#ifndef T3OPS_MONITOR_CONTROL_LINE_H
#define T3OPS_MONITOR_CONTROL_LINE_H

#include <jansson.h>

#include "monitor/local_server.h"

/* {"ok":true,"result":...}; takes result, NULL: null. */
void control_answer(struct local_conn *c, json_t *result);
/* {"ok":false,"error":"..."} */
void control_refuse(struct local_conn *c, const char *why);
/* The same with "again":true: nothing was done, and another monitor is about to answer here. */
void control_refuse_again(struct local_conn *c, const char *why);
/* Any object; takes it. */
void control_line(struct local_conn *c, json_t *o);
/* Any text; bytes beyond ASCII that are not UTF-8 (a text cut in the middle) become question marks. */
json_t *control_text(const char *text);

#endif
