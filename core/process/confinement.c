/* SPDX-License-Identifier: MIT */
/* Lists of paths; see confinement.h. */
#include "process/confinement.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void path_add(struct confinement *c, const char ***list, size_t *n, const char *path)
{
	const char **paths = reallocarray(*list, *n + 1, sizeof *paths);
	char *copy = paths ? strdup(path) : NULL;

	if (paths)
		*list = paths;
	if (copy)
		paths[(*n)++] = copy;
	else
		c->no_memory = true;
}

void confinement_read(struct confinement *c, const char *path)
{
	path_add(c, &c->rules.readable, &c->rules.n_readable, path);
}

void confinement_write(struct confinement *c, const char *path)
{
	path_add(c, &c->rules.writable, &c->rules.n_writable, path);
}

static void directory_read(struct confinement *c, const char *path)
{
	const char *mark = strstr(path, "%u");
	const char *slash = memrchr(path, '/', mark ? (size_t)(mark - path) : strlen(path));
	char dir[PATH_MAX];

	if (!slash)
		confinement_read(c, ".");
	else if (snprintf(dir, sizeof dir, "%.*s/", (int)(slash - path), path) < (int)sizeof dir)
		confinement_read(c, dir);
}

void confinement_read_beside(struct confinement *c, const char *path)
{
	char *real = realpath(path, NULL);

	directory_read(c, path);
	if (real)
		directory_read(c, real);
	free(real);
}

void confinement_write_beside(struct confinement *c, const char *dir)
{
	const char *slash = strrchr(dir, '/');
	char parent[PATH_MAX];

	confinement_write(c, dir);
	if (slash && snprintf(parent, sizeof parent, "%.*s/", (int)(slash - dir), dir) < (int)sizeof parent)
		confinement_write(c, parent);
}

void confinement_read_system(struct confinement *c)
{
	static const char *const paths[] = {"/etc/hosts",
	                                    "/etc/resolv.conf",
	                                    "/etc/nsswitch.conf",
	                                    "/etc/host.conf",
	                                    "/etc/gai.conf",
	                                    "/etc/services",
	                                    "/etc/passwd",
	                                    "/etc/group",
	                                    "/etc/localtime",
	                                    "/etc/ssl",
	                                    "/etc/pki",
	                                    "/usr/lib/ssl",
	                                    "/usr/share/ca-certificates",
	                                    "/usr/local/share/ca-certificates",
	                                    "/usr/share/zoneinfo",
	                                    "/run/systemd/resolve",
	                                    "/lib",
	                                    "/usr/lib"};

	for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++)
		confinement_read(c, paths[i]);
}

static bool names_a_file(uint32_t type)
{
	return type == T3OPS_OPT_PATH || type == T3OPS_OPT_CA_FILE || type == T3OPS_OPT_SECRET_FILE;
}

void confinement_read_options(struct confinement *c, const struct process_config *config)
{
	for (size_t i = 0; i < config->n_plugins; i++) {
		const struct option_set *values = &config->plugins[i]->values;

		for (size_t k = 0; k < values->n; k++) {
			const struct option_value *v = &values->rows[k].value;

			if (names_a_file(v->type) && v->text[0] == '/')
				confinement_read_beside(c, v->text);
		}
	}
}

static void paths_free(const char **list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free((char *)(uintptr_t)list[i]);
	free(list);
}

void confinement_fini(struct confinement *c)
{
	paths_free(c->rules.readable, c->rules.n_readable);
	paths_free(c->rules.writable, c->rules.n_writable);
}
