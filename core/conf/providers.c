/* SPDX-License-Identifier: MIT */
/* Looks through plugin_dir; see providers.h. */
#include "conf/providers.h"

#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "loader/loader.h"
#include "options/suggest.h"
#include "sys/words.h"

static bool provides(const char *dir, const char *module, const char *service)
{
	struct t3ops_plugin p;
	char why[800];

	return loader_open(dir, module, &p, why, sizeof why) == 0 && words_have(p.provides, service);
}

void provider_hint(const char *dir, const char *service, void (*on_next)(void *arg, const char *what), void *arg,
                   char *out, size_t size)
{
	struct dirent **names;
	int n = scandir(dir, &names, loader_is_plugin, alphasort);
	bool found = false;
	char what[400];

	*out = '\0';
	for (int i = 0; i < n; i++) {
		char *module = names[i]->d_name;

		module[strlen(module) - 3] = '\0';
		snprintf(what, sizeof what, "looking for a plugin that provides %.60s: loading %.200s/%.60s.so",
		         service, dir, module);
		if (on_next)
			on_next(arg, what);
		found = found || provides(dir, module, service);
		if (found && *out == '\0')
			snprintf(out, size, "; add plugin \"%.60s\" {}", module);
		free(names[i]);
	}
	if (n >= 0)
		free(names);
}

void plugin_suggest(const char *dir, const char *module, char *out, size_t size)
{
	struct dirent **names;
	int n = scandir(dir, &names, loader_is_plugin, alphasort);
	struct suggest near;

	*out = '\0';
	suggest_init(&near, module);
	for (int i = 0; i < n; i++) {
		names[i]->d_name[strlen(names[i]->d_name) - 3] = '\0';
		suggest_consider(&near, names[i]->d_name);
	}
	if (near.name && strcmp(near.name, module) != 0)
		suggest_hint(&near, out, size);
	for (int i = 0; i < n; i++)
		free(names[i]);
	if (n >= 0)
		free(names);
}
