/* SPDX-License-Identifier: MIT */
/* From JSON to what argv_expand takes. */
#include <stdio.h>

#include "ctl/doctor_user.h"
#include "ctl/text.h"

struct user user_of(const json_t *row)
{
	struct user u = {.port = (uint16_t)json_integer_value(json_object_get(row, "port"))};

	snprintf(u.name, sizeof u.name, "%s", text_get(row, "name"));
	snprintf(u.os_user, sizeof u.os_user, "%s", text_get(row, "os_user"));
	snprintf(u.home, sizeof u.home, "%s", text_get(row, "home"));
	return u;
}
