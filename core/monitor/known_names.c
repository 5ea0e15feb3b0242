/* SPDX-License-Identifier: MIT */
/* Names that exist; see known_names.h. */
#include "monitor/known_names.h"

#include <jansson.h>
#include <string.h>

#include "monitor/path_config.h"
#include "monitor/roster.h"
#include "monitor/roster_list.h"

bool known_user(const struct monitor *d, const char *user)
{
	json_t *row = roster_dropped(d->roster, user) ? NULL : roster_user_json(d, user);
	bool found = row != NULL || roster_dropped(d->roster, user);

	json_decref(row);
	return found;
}

static bool has(const struct name_list *list, const char *name, size_t len)
{
	for (size_t i = 0; i < list->n; i++)
		if (strncmp(list->names[i], name, len) == 0 && list->names[i][len] == '\0')
			return true;
	return false;
}

bool known_segment(const struct monitor *d, const char *segment)
{
	size_t len = strcspn(segment, "(");
	struct path_shape shape;
	bool found;

	if (path_config_read(d->process->config, &shape) != 0)
		return true; /* nobody can tell */
	found = has(&shape.user_path, segment, len);
	for (size_t i = 0; i < shape.n_legs && !found; i++)
		found = has(&shape.legs[i].segments, segment, len) ||
		        has(&shape.legs[i].resolver_segments, segment, len);
	path_config_fini(&shape);
	return found;
}
