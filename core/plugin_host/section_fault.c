/* SPDX-License-Identifier: MIT */
/* Quoting the option's value; see section_fault.h. */
#include "plugin_host/section_fault.h"

#include <stdio.h>

/* "url = \"...\": ", or what there is of it. */
static const char *front_of(const struct plugin_section *s, const char *option, char *out, size_t size)
{
	const char *value = option ? option_set_text(&s->values, option) : NULL;

	if (value)
		snprintf(out, size, "%s = \"%.150s\": ", option, value);
	else if (option)
		snprintf(out, size, "%s: ", option);
	else
		*out = '\0';
	return out;
}

void section_fault_error(const struct config_faults *f, const struct plugin_section *s, const char *option,
                         const char *text)
{
	char front[256];

	config_fault_error(f, CONF_PLUGIN, s->name, option, "%s%s", front_of(s, option, front, sizeof front), text);
}

void section_fault_warn(const struct config_faults *f, const struct plugin_section *s, const char *option,
                        const char *text)
{
	char front[256];

	config_fault_warn(f, CONF_PLUGIN, s->name, option, "%s%s", front_of(s, option, front, sizeof front), text);
}
