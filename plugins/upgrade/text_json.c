/* SPDX-License-Identifier: MIT */
/* See text_json.h. */
#include "text_json.h"

#include <stdio.h>

json_t *text_json(const char *text)
{
	json_t *whole = json_string(text);
	char plain[1024];

	if (whole != NULL)
		return whole;
	snprintf(plain, sizeof plain, "%s", text);
	for (char *c = plain; *c != '\0'; c++)
		if ((unsigned char)*c >= 0x80)
			*c = '?';
	return json_string(plain);
}
