/* SPDX-License-Identifier: MIT */
/* Lines of JSON; see control_line.h. */
#include "monitor/control_line.h"

#include <stdlib.h>
#include <string.h>

void control_line(struct local_conn *c, json_t *o)
{
	char *text = o != NULL ? json_dumps(o, JSON_COMPACT | JSON_REAL_PRECISION(12)) : NULL;

	if (text != NULL) {
		local_send(c, text, strlen(text));
		local_send(c, "\n", 1);
	}
	free(text);
	json_decref(o);
}

json_t *control_text(const char *text)
{
	json_t *o = json_string(text);
	char *plain = o == NULL ? strdup(text) : NULL;

	if (plain == NULL)
		return o;
	for (char *at = plain; *at != '\0'; at++)
		if ((unsigned char)*at >= 0x80)
			*at = '?';
	o = json_string(plain);
	free(plain);
	return o;
}

void control_answer(struct local_conn *c, json_t *result)
{
	control_line(c, json_pack("{s:b, s:o}", "ok", 1, "result", result != NULL ? result : json_null()));
}

void control_refuse(struct local_conn *c, const char *why)
{
	control_line(c, json_pack("{s:b, s:o}", "ok", 0, "error", control_text(why)));
}

void control_refuse_again(struct local_conn *c, const char *why)
{
	control_line(c, json_pack("{s:b, s:o, s:b}", "ok", 0, "error", control_text(why), "again", 1));
}
