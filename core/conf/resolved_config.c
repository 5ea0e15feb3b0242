/* SPDX-License-Identifier: MIT */
/* The end of a resolved config; see resolved_config.h. */
#include "conf/resolved_config.h"

#include <stdlib.h>

void command_fini(struct command *c)
{
	free(c->name);
	option_set_fini(&c->values);
	*c = (struct command){0};
}

void notify_section_fini(struct notify_section *s)
{
	free(s->name);
	option_set_fini(&s->values);
	*s = (struct notify_section){0};
}

void plugin_section_fini(struct plugin_section *s)
{
	free(s->name);
	free(s->module);
	free(s->version);
	free(s->provides);
	free(s->needs);
	free(s->wants);
	free(s->file.path);
	option_set_fini(&s->values);
	*s = (struct plugin_section){0};
}

void resolved_config_free(struct resolved_config *c)
{
	if (!c)
		return;
	option_set_fini(&c->core);
	for (size_t i = 0; i < c->n_commands; i++)
		command_fini(&c->commands[i]);
	for (size_t i = 0; i < c->n_notifies; i++)
		notify_section_fini(&c->notifies[i]);
	for (size_t i = 0; i < c->n_plugins; i++)
		plugin_section_fini(&c->plugins[i]);
	free(c->commands);
	free(c->notifies);
	free(c->plugins);
	free(c);
}
