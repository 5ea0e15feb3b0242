/* SPDX-License-Identifier: MIT */
/* Names of roles; see plugin_kind.h. */
#include "loader/plugin_kind.h"

#include <stdio.h>
#include <string.h>

#include "plugin.h"

const char *plugin_kind(uint32_t roles, char *out, size_t size)
{
	static const struct {
		enum t3ops_role role;
		const char *name;
	} kinds[] = {{T3OPS_ROLE_PROXY, "request plugin"},
	             {T3OPS_ROLE_LEG, "leg"},
	             {T3OPS_ROLE_JOB, "job"},
	             {T3OPS_ROLE_WATCH, "watch plugin"}};
	size_t used = 0;

	snprintf(out, size, "%s", "service");
	for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
		if ((roles & kinds[i].role) && used < size)
			used += (size_t)snprintf(out + used, size - used, "%s%s", used > 0 ? ", " : "",
			                         kinds[i].name);
	return out;
}
