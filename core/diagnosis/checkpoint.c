/* SPDX-License-Identifier: MIT */
/* A diagnosis as text; see checkpoint.h. */
#include "diagnosis/checkpoint.h"

#include <errno.h>
#include <string.h>

#include "diagnosis/checkpoint_host.h"
#include "diagnosis/checkpoint_legs.h"
#include "diagnosis/checkpoint_users.h"
#include "diagnosis/checkpoint_verdicts.h"

static const struct checkpoint_table *const groups[] = {checkpoint_of_legs, checkpoint_of_users, checkpoint_of_host,
                                                        checkpoint_of_verdicts};

#define GROUPS (sizeof groups / sizeof groups[0])

size_t checkpoint_lines(const struct diagnosis *d)
{
	size_t n = 0;

	for (size_t g = 0; g < GROUPS; g++)
		for (const struct checkpoint_table *t = groups[g]; t->name != NULL; t++)
			n += t->rows(d);
	return n;
}

static void table_write(const struct checkpoint_table *t, const struct diagnosis *d, const char *prefix, FILE *out)
{
	size_t n = t->rows(d);

	for (size_t i = 0; i < n; i++) {
		fputs_unlocked(prefix, out);
		fputs_unlocked(t->name, out);
		t->write(d, i, out);
		putc_unlocked('\n', out);
	}
}

void checkpoint_write(const struct diagnosis *d, const char *prefix, FILE *out)
{
	for (size_t g = 0; g < GROUPS; g++)
		for (const struct checkpoint_table *t = groups[g]; t->name != NULL; t++)
			table_write(t, d, prefix, out);
}

int checkpoint_read(struct diagnosis *d, char *line)
{
	size_t len = strcspn(line, " ");
	char *pairs = line[len] == ' ' ? line + len + 1 : line + len;

	line[len] = '\0';
	for (size_t g = 0; g < GROUPS; g++)
		for (const struct checkpoint_table *t = groups[g]; t->name != NULL; t++)
			if (strcmp(t->name, line) == 0)
				return t->read(d, pairs);
	return -EINVAL;
}
