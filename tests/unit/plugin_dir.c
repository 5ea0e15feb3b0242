/* SPDX-License-Identifier: MIT */
/* A temporary plugin directory; see plugin_dir.h. */
#include "plugin_dir.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static _Noreturn void give_up(const char *what)
{
	fprintf(stderr, "plugin_dir: %s: %s\n", what, strerror(errno));
	exit(99);
}

void plugin_dir_init(struct plugin_dir *f)
{
	snprintf(f->path, sizeof f->path, "/tmp/t3ops-plugins.XXXXXX");
	if (!mkdtemp(f->path) || chmod(f->path, 0755) < 0)
		give_up(f->path);
}

void plugin_dir_fini(struct plugin_dir *f)
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

const char *plugin_dir_file(const struct plugin_dir *f, const char *name, char *out, size_t size)
{
	if (snprintf(out, size, "%s/%s", f->path, name) >= (int)size)
		give_up(name);
	return out;
}

void plugin_dir_write(struct plugin_dir *f, const char *name, const char *text, size_t len)
{
	char path[256];
	FILE *out = fopen(plugin_dir_file(f, name, path, sizeof path), "we");

	if (!out || fwrite(text, 1, len, out) != len || fclose(out) != 0 || chmod(path, 0644) < 0)
		give_up(path);
}

void plugin_dir_add(struct plugin_dir *f, const char *module, const char *name)
{
	const char *build = getenv("T3OPS_BUILD");
	char from[600], file[80], *bytes;
	size_t size;
	FILE *in;

	snprintf(from, sizeof from, "%s/tests/plugins/%s.so", build ? build : ".", module);
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
	plugin_dir_write(f, file, bytes, size);
	free(bytes);
}
