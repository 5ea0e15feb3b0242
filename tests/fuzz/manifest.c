/* SPDX-License-Identifier: MIT */
/* Lines of a manifest, which may come from a store: whatever they say, the files that are there decide; what is
 * written again reads the same. */
#include <string.h>

#include "backup/manifest.h"
#include "fuzz.h"

static const char *const names[] = {"state-20261127T033000Z.sqlite", "state-20261126T033000Z-manual.sqlite.zst",
                                    "state-20261125T033000Z-before-upgrade.sqlite.zst.enc"};

static void manifest_check(const struct manifest *m, const struct backup_files *files)
{
	PROMISE(m->n == files->n);
	for (size_t i = 0; i < files->n; i++) {
		size_t found = 0;

		for (size_t k = 0; k < m->n; k++)
			found += strcmp(m->rows[k].file, files->rows[i].name) == 0;
		PROMISE(found == 1);
	}
	for (size_t i = 1; i < m->n; i++)
		PROMISE(m->rows[i - 1].at_s >= m->rows[i].at_s);
	PROMISE(manifest_find(m, "newest") == NULL || !manifest_find(m, "newest")->damaged);
}

/* "" if it could not be written. */
static char *text_make(const struct manifest *m, size_t *len)
{
	char *text = NULL;
	FILE *f = open_memstream(&text, len);

	PROMISE(f != NULL && manifest_print(m, f) && fclose(f) == 0);
	return text;
}

static void manifest_take(struct manifest *m, const void *bytes, size_t len, const struct backup_files *files)
{
	FILE *f = len > 0 ? fmemopen((void *)(uintptr_t)bytes, len, "r") : NULL;

	PROMISE(manifest_make(m, f, files) == 0);
	manifest_check(m, files);
	if (f != NULL)
		fclose(f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct backup_files files = {0};
	struct manifest one, other;
	char *text, *again;
	size_t len = 0, len_again = 0;

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		PROMISE(backup_files_add(&files, names[i], 1000) == 0);
	manifest_take(&one, data, size, &files);
	text = text_make(&one, &len);
	manifest_take(&other, text, len, &files);
	PROMISE(other.unreadable == 0);
	again = text_make(&other, &len_again);
	PROMISE(len == len_again && memcmp(text, again, len) == 0);
	free(text);
	free(again);
	manifest_fini(&one);
	manifest_fini(&other);
	backup_files_fini(&files);
	return 0;
}
