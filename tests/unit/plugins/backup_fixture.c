/* SPDX-License-Identifier: MIT */
/* See backup_fixture.h. */
#include <dirent.h>
#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "backup_fixture.h"
#include "files.h"

/* Into a directory of our own: the loader wants to know who may write there. */
static void plugin_copy(const char *to)
{
	const char *build = getenv("T3OPS_BUILD");
	char from[512];
	FILE *f;
	static char bytes[16 << 20];
	size_t n;

	PATH(from, "%s/plugins/modules/backup.so", build ? build : ".");
	f = fopen(from, "r");
	assert_non_null(f);
	n = fread(bytes, 1, sizeof bytes, f);
	fclose(f);
	assert_true(n > 0 && n < sizeof bytes);
	file_write(to, bytes, n);
}

int fixture_setup(void **state)
{
	struct fixture *f = calloc(1, sizeof *f);
	char path[256];

	PATH(f->dir, "/tmp/jobs.backup.XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	PATH(f->home, "%s/home", f->dir);
	PATH(f->to, "%s/to", f->dir);
	PATH(f->backup_dir, "%s/alice", f->to);
	PATH(f->db, "%s/.t3/userdata/state.sqlite", f->home);
	PATH(f->so, "%s/backup.so", f->dir);
	mkdir(f->home, 0700);
	PATH(path, "%s/.t3", f->home);
	mkdir(path, 0700);
	PATH(path, "%s/.t3/userdata", f->home);
	mkdir(path, 0700);
	mkdir(f->to, 0700);
	mkdir(f->backup_dir, 0700);
	plugin_copy(f->so);
	chmod(f->so, 0600);
	f->keep = 6;
	f->deadline_us = MINUTE_US;
	*state = f;
	return 0;
}

int fixture_teardown(void **state)
{
	struct fixture *f = *state;

	file_tree_remove(f->dir);
	free(f);
	return 0;
}

int backups_count(const struct fixture *f, const char *prefix, char path[512])
{
	struct dirent **found;
	int n = scandir(f->backup_dir, &found, NULL, alphasort), count = 0;

	assert_true(n >= 0);
	for (int i = 0; i < n; i++) {
		if (strncmp(found[i]->d_name, prefix, strlen(prefix)) == 0) {
			count++;
			if (path)
				snprintf(path, 512, "%s/%s", f->backup_dir, found[i]->d_name);
		}
		free(found[i]);
	}
	free(found);
	return count;
}

void backups_old_put(const struct fixture *f, const char *name)
{
	char path[512];

	PATH(path, "%s/%s", f->backup_dir, name);
	file_write(path, "old", 3);
}

json_t *backups_manifest_line(const struct fixture *f)
{
	char path[512], line[4096];
	FILE *in;

	PATH(path, "%s/manifest.jsonl", f->backup_dir);
	in = fopen(path, "r");
	assert_non_null(in);
	assert_non_null(fgets(line, sizeof line, in));
	fclose(in);
	return json_loads(line, 0, NULL);
}

void backups_manifest_forget(const struct fixture *f)
{
	char path[512];

	PATH(path, "%s/manifest.jsonl", f->backup_dir);
	assert_int_equal(unlink(path), 0);
}
