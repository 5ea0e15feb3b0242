/* SPDX-License-Identifier: MIT */
/* Legs and the users' path of the config; see path_config.h. */
#include "monitor/path_config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static struct name_list list_of(const struct text_list *list)
{
	return (struct name_list){(const char *const *)list->items, list->n};
}

/* Its plugin has the option, and it is on. */
static bool sends_large(const struct plugin_section *s)
{
	for (size_t i = 0; i < s->values.n; i++)
		if (strcmp(s->values.rows[i].name, "large_beat") == 0)
			return s->values.rows[i].value.number > 0;
	return false;
}

int path_config_read(const struct process_config *config, struct path_shape *out)
{
	struct leg_shape *legs = calloc(config->n_sections + 1, sizeof *legs);

	*out = (struct path_shape){
	    .user_path = list_of(&config->core.user_path), .per_user = list_of(&config->core.per_user), .legs = legs};
	if (legs == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < config->n_sections; i++) {
		const struct plugin_section *s = &config->sections[i];

		if (s->roles & T3OPS_ROLE_LEG)
			legs[out->n_legs++] = (struct leg_shape){
			    .name = s->name,
			    .segments = list_of(&s->leg.segments),
			    .resolver_segments = list_of(&s->leg.resolver_segments),
			    .edge = s->leg.edge,
			    .per_user = s->per_user,
			    .large = sends_large(s)};
	}
	return 0;
}

void path_config_fini(struct path_shape *shape)
{
	free((void *)shape->legs);
	*shape = (struct path_shape){.n_legs = 0};
}
