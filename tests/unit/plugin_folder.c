/* SPDX-License-Identifier: MIT */
/* A temporary plugin folder; see plugin_folder.h. */
#include "plugin_folder.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static _Noreturn void give_up(const char *what)
{
	fprintf(stderr, "plugin_folder: %s: %s\n", what, strerror(errno));
	exit(99);
}

void plugin_folder_init(struct plugin_folder *f)
{
	snprintf(f->path, sizeof f->path, "/tmp/t3ops-plugins.XXXXXX");
	if (!mkdtemp(f->path) || chmod(f->path, 0755) < 0)
		give_up(f->path);
}

void plugin_folder_fini(struct plugin_folder *f)
{
	DIR *d = opendir(f->path);
	struct dirent *e;

	while (d && (e = readdir(d)))
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
			unlinkat(dirfd(d), e->d_name, 0);
	if (d)
		closedir(d);
	rmdir(f->path);
}

const char *plugin_folder_file(const struct plugin_folder *f, const char *name, char *out, size_t size)
{
	if (snprintf(out, size, "%s/%s", f->path, name) >= (int)size)
		give_up(name);
	return out;
}

void plugin_folder_write(struct plugin_folder *f, const char *name, const char *text, size_t len)
{
	char path[256];
	FILE *out = fopen(plugin_folder_file(f, name, path, sizeof path), "we");

	if (!out || fwrite(text, 1, len, out) != len || fclose(out) != 0 || chmod(path, 0644) < 0)
		give_up(path);
}

void plugin_folder_add(struct plugin_folder *f, const char *module, const char *name)
{
	const char *build = getenv("T3OPS_BUILD");
	char from[600], file[80], *bytes;
	size_t size;
	FILE *in;

	snprintf(from, sizeof from, "%s/tests/plugins/.libs/%s.so", build ? build : ".", module);
	snprintf(file, sizeof file, "%s.so", name);
	in = fopen(from, "re");
	if (!in || fseek(in, 0, SEEK_END) < 0)
		give_up(from);
	size = (size_t)ftell(in);
	rewind(in);
	bytes = malloc(size);
	if (!bytes || fread(bytes, 1, size, in) != size)
		give_up(from);
	fclose(in);
	plugin_folder_write(f, file, bytes, size);
	free(bytes);
}
