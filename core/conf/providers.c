/* SPDX-License-Identifier: MIT */
/* Looks through plugin_dir; see providers.h. */
#include "conf/providers.h"

#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf/apart.h"
#include "loader/loader.h"
#include "options/suggest.h"
#include "sys/words.h"

/* A file, and what it may provide. */
struct candidate {
	const char *dir, *module, *service;
};

static int provides(void *arg, FILE *out, FILE *err)
{
	const struct candidate *c = arg;
	struct t3ops_plugin p;
	char why[800];

	(void)out, (void)err;
	return loader_open(c->dir, c->module, &p, why, sizeof why) == 0 && words_have(p.provides, c->service)
	           ? EXIT_SUCCESS
	           : EXIT_FAILURE;
}

static bool candidate_provides(struct candidate *c)
{
	struct apart_end end;

	apart_run(provides, c, &end);
	apart_end_fini(&end);
	return end.code == EXIT_SUCCESS;
}

void provider_hint(const char *dir, const char *service, char *out, size_t size)
{
	struct dirent **names;
	int n = scandir(dir, &names, loader_is_plugin, alphasort);

	*out = '\0';
	for (int i = 0; i < n; i++) {
		struct candidate c = {dir, names[i]->d_name, service};

		names[i]->d_name[strlen(names[i]->d_name) - 3] = '\0';
		if (*out == '\0' && candidate_provides(&c))
			snprintf(out, size, "; add plugin \"%.60s\" {}", c.module);
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
