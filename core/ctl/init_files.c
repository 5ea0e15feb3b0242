/* SPDX-License-Identifier: MIT */
/* Reads templates and writes files; knows nothing of what is in them. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ctl/init_files.h"
#include "ctl/template.h"

#define TEXT_MAX_BYTES (256 << 10)

static bool failed(const char *path, const char *why)
{
	fprintf(stderr, "t3opsctl: init: %s: %s\n", path, why);
	return false;
}

/* The whole file, to be freed; NULL with errno. */
static char *file_read(const char *path)
{
	FILE *f = fopen(path, "re");
	char *text = f != NULL ? malloc(TEXT_MAX_BYTES) : NULL;
	size_t n = text != NULL ? fread(text, 1, TEXT_MAX_BYTES - 1, f) : 0;
	bool ok = text != NULL && !ferror(f) && feof(f);

	if (f != NULL)
		fclose(f);
	if (!ok) {
		errno = text != NULL ? EFBIG : errno;
		free(text);
		return NULL;
	}
	text[n] = '\0';
	return text;
}

char *init_template(const char *templates, const char *name, json_t *values)
{
	char path[PATH_MAX], *text, *result;
	unsigned line = 0;
	const char *what = NULL;

	snprintf(path, sizeof path, "%s/%s", templates, name);
	text = file_read(path);
	if (text == NULL) {
		fprintf(stderr,
		        "t3opsctl: init: %s: %s; make install puts the templates there, --templates names others\n",
		        path, strerror(errno));
		return NULL;
	}
	result = template_render(text, values, &line, &what);
	if (result == NULL)
		fprintf(stderr, "t3opsctl: init: %s:%u: %s\n", path, line, what);
	free(text);
	return result;
}

/* MODE TARGET TEMPLATE [USER]: the values of one user hide the others for an env file. */
static bool line_take(struct init_files *f, const char *line, const char *templates, json_t *values)
{
	char path[512], template[64];
	unsigned mode;
	struct init_file *one;

	if (sscanf(line, "%o %511s %63s", &mode, path, template) != 3)
		return failed(line, "a line of the manifest is MODE TARGET TEMPLATE");
	f->all = reallocarray(f->all, f->n + 1, sizeof *f->all);
	if (f->all == NULL)
		abort();
	one = &f->all[f->n++];
	*one = (struct init_file){
	    .path = strdup(path), .mode = mode, .text = init_template(templates, template, values)};
	return one->text != NULL;
}

/* Members of the object of a list whose member of that name has that text, over the values. */
static json_t *values_of_path(json_t *values, const char *path)
{
	json_t *inner = json_copy(values), *one;
	size_t i;

	json_array_foreach (json_object_get(values, "ENV_FILES"), i, one)
		if (strcmp(json_string_value(json_object_get(one, "ENV_FILE")), path) == 0)
			json_object_update(inner, one);
	return inner;
}

bool init_files_make(struct init_files *f, const char *templates, json_t *values)
{
	char *manifest = init_template(templates, "manifest", values), *rest = manifest, *line;
	bool ok = manifest != NULL;

	*f = (struct init_files){0};
	while (ok && (line = strsep(&rest, "\n")) != NULL) {
		char path[512] = "";
		json_t *inner;

		if (line[0] == '\0')
			continue;
		sscanf(line, "%*s %511s", path);
		inner = values_of_path(values, path);
		ok = line_take(f, line, templates, inner);
		json_decref(inner);
	}
	free(manifest);
	return ok;
}

void init_files_fini(struct init_files *f)
{
	for (size_t i = 0; i < f->n; i++) {
		free(f->all[i].path);
		free(f->all[i].text);
	}
	free(f->all);
}

/* 1: it is there with that text, -1: with another one or unreadable, 0: it is not there. */
static int file_compare(const char *path, const char *text)
{
	char *there = file_read(path);
	int r = there != NULL ? (strcmp(there, text) == 0 ? 1 : -1) : errno == ENOENT || errno == ENOTDIR ? 0 : -1;

	free(there);
	return r;
}

bool init_files_are_new(const struct init_files *f, const char *root)
{
	bool ok = true;

	for (size_t i = 0; i < f->n; i++) {
		char path[PATH_MAX];

		snprintf(path, sizeof path, "%s%s", root, f->all[i].path);
		if (file_compare(path, f->all[i].text) < 0)
			ok = failed(path, "it is there and has another text; --force writes over it");
	}
	return ok;
}

static bool dirs_make(char *path)
{
	for (char *slash = strchr(path + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (mkdir(path, 0755) < 0 && errno != EEXIST)
			return failed(path, strerror(errno));
		*slash = '/';
	}
	return true;
}

static bool text_write(int fd, const char *text)
{
	size_t n = strlen(text);

	while (n > 0) {
		ssize_t done = write(fd, text, n);

		if (done < 0)
			return false;
		text += done;
		n -= (size_t)done;
	}
	return true;
}

/* Under another name first: whoever reads it sees all of it or nothing. */
static bool file_write(char *path, const struct init_file *file)
{
	char new[PATH_MAX];
	int fd;
	bool ok;

	if (!dirs_make(path))
		return false;
	snprintf(new, sizeof new, "%.*s.XXXXXX", (int)sizeof new - 8, path);
	fd = mkostemp(new, O_CLOEXEC);
	if (fd < 0)
		return failed(new, strerror(errno));
	ok = text_write(fd, file->text) && fchmod(fd, file->mode) == 0 && fsync(fd) == 0 && rename(new, path) == 0;
	if (!ok) {
		failed(path, strerror(errno));
		unlink(new);
	}
	close(fd);
	return ok;
}

bool init_files_write(const struct init_files *f, const char *root, bool report)
{
	bool ok = true;

	for (size_t i = 0; ok && i < f->n; i++) {
		char path[PATH_MAX];
		bool is_same;

		snprintf(path, sizeof path, "%s%s", root, f->all[i].path);
		is_same = file_compare(path, f->all[i].text) > 0;
		ok = is_same || file_write(path, &f->all[i]);
		if (ok && report)
			printf("%s %s\n", is_same ? "unchanged" : "wrote", path);
	}
	return ok;
}
