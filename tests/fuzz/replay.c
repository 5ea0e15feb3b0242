/* SPDX-License-Identifier: MIT */
/*
 * Stands in for libFuzzer where there is none: runs the target over every file of the directories and
 * files named on the command line, and over each of their prefixes.
 */
#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "fuzz.h"

#define INPUT_MAX (1 << 20)

/* Each prefix in memory of its own, so that a read beyond its end is seen. */
static void prefixes_run(const uint8_t *bytes, size_t n)
{
	size_t step = n < 4096 ? 1 : n / 4096;

	for (size_t len = 0; len <= n; len += len + step > n && len < n ? n - len : step) {
		uint8_t *copy = malloc(len > 0 ? len : 1);

		if (!copy)
			abort();
		memcpy(copy, bytes, len);
		LLVMFuzzerTestOneInput(copy, len);
		free(copy);
	}
}

static bool file_run(const char *path)
{
	uint8_t *bytes = malloc(INPUT_MAX);
	FILE *f = fopen(path, "re");
	bool read = f && bytes;

	if (read)
		prefixes_run(bytes, fread(bytes, 1, INPUT_MAX, f));
	else
		perror(path);
	if (f)
		fclose(f);
	free(bytes);
	return read;
}

/* How many files were run; -1 after a message. */
static int dir_run(const char *path)
{
	DIR *d = opendir(path);
	struct dirent *e;
	int n = 0;

	while (d && n >= 0 && (e = readdir(d))) {
		char file[1024];

		if (*e->d_name == '.')
			continue;
		snprintf(file, sizeof file, "%.500s/%.500s", path, e->d_name);
		n = file_run(file) ? n + 1 : -1;
	}
	if (d)
		closedir(d);
	return n;
}

int main(int argc, char **argv)
{
	int total = 0;

	for (int i = 1; i < argc; i++) {
		struct stat st;
		int n = stat(argv[i], &st) == 0 && S_ISDIR(st.st_mode) ? dir_run(argv[i])
		        : file_run(argv[i])                            ? 1
		                                                       : -1;

		if (n < 0)
			return EXIT_FAILURE;
		total += n;
	}
	printf("%d inputs\n", total);
	return total > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
