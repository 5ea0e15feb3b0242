/* SPDX-License-Identifier: MIT */
/* Browsers for the next monitor; see browser_memory.h. */
#include "monitor/browser_memory.h"

#include <errno.h>
#include <string.h>

#include "monitor/journal_read.h"

static const char *const goodbyes[GOODBYES] = {
    [GOODBYE_UNKNOWN] = "unknown", [GOODBYE_SAID] = "said", [GOODBYE_NONE] = "none"};

void browser_memory_write(struct journal *j, const struct browser *b)
{
	journal_browser(j, b->user, goodbyes[b->goodbye], b->http2);
}

/* False: it was not written by us. */
static bool row_read(const json_t *row, struct browser *out)
{
	const char *goodbye = json_string_value(json_object_get(row, "goodbye"));
	size_t i = 0;

	*out = (struct browser){.user = json_string_value(json_object_get(row, "user")),
	                        .http2 = json_is_true(json_object_get(row, "http2"))};
	if (out->user == NULL || goodbye == NULL)
		return false;
	while (i < GOODBYES && strcmp(goodbyes[i], goodbye) != 0)
		i++;
	out->goodbye = (enum browser_goodbye)i;
	return i < GOODBYES;
}

int browser_memory_read(struct journal *j, struct diagnosis *d)
{
	json_t *rows = journal_browsers(j), *row;
	struct browser known;
	int r = 0;
	size_t i;

	json_array_foreach (rows, i, row)
		if (row_read(row, &known) && diagnosis_recall_browser(d, &known) < 0)
			r = -ENOMEM;
	json_decref(rows);
	return r;
}
