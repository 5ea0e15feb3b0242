/* SPDX-License-Identifier: MIT */
/* A bucket of rows for each user; see journal_cap.h. */
#include "monitor/journal_cap.h"

#include <stdlib.h>
#include <string.h>

#include "tbl/hash.h"

#define ROW_US (UINT64_C(60000000) / CAP_PER_MINUTE) /* one row comes back in this time */

struct capped_user {
	LIST_ENTRY(capped_user) link;
	uint64_t full_us; /* when all of the burst is there again */
	uint64_t left_out, reported_us;
	char name[];
};

static bool is_idle(const struct capped_user *u, uint64_t now_us)
{
	return u->full_us <= now_us && u->left_out == 0;
}

/* One bucket at a time: nobody stays for long. */
static void idle_forget(struct journal_cap *cap, uint64_t now_us)
{
	struct capped_user *u, *next;

	for (u = LIST_FIRST(&cap->buckets[cap->next]); u != NULL; u = next) {
		next = LIST_NEXT(u, link);
		if (!is_idle(u, now_us))
			continue;
		LIST_REMOVE(u, link);
		free(u);
		cap->n--;
	}
	cap->next = (cap->next + 1) % CAP_BUCKETS;
}

static struct capped_user *user_get(struct journal_cap *cap, const char *name)
{
	size_t bucket = hash_text(HASH_START, name) % CAP_BUCKETS, size = strlen(name) + 1;
	struct capped_user *u;

	LIST_FOREACH (u, &cap->buckets[bucket], link)
		if (strcmp(u->name, name) == 0)
			return u;
	u = calloc(1, sizeof *u + size);
	if (u == NULL)
		return NULL;
	memcpy(u->name, name, size);
	LIST_INSERT_HEAD(&cap->buckets[bucket], u, link);
	cap->n++;
	return u;
}

/* What was left out is told at the first, and once a minute. */
static uint64_t report_take(struct capped_user *u, uint64_t now_us)
{
	uint64_t left_out = u->left_out;

	if (left_out == 0 || (u->reported_us > 0 && now_us - u->reported_us < CAP_REPORT_US))
		return 0;
	u->left_out = 0;
	u->reported_us = now_us;
	return left_out;
}

/* Takes a row, of which there is one more every row_us, and most_us / row_us at once. */
static bool row_take(uint64_t *full_us, uint64_t now_us, uint64_t row_us, uint64_t most_us)
{
	if (*full_us < now_us)
		*full_us = now_us;
	if (*full_us + row_us > now_us + most_us)
		return false;
	*full_us += row_us;
	return true;
}

static bool is_full(const struct journal_cap *cap, uint64_t now_us)
{
	return cap->all_full_us + ROW_US / CAP_ALL > now_us + CAP_BURST * ROW_US;
}

bool journal_cap_passes(struct journal_cap *cap, const char **user, uint64_t now_us, uint64_t *report)
{
	struct capped_user *u;
	bool passes, full = is_full(cap, now_us);

	*report = 0;
	idle_forget(cap, now_us);
	if (full)
		*user = "";
	u = user_get(cap, *user);
	if (u == NULL)
		return true;
	passes = !full && row_take(&u->full_us, now_us, ROW_US, CAP_BURST * ROW_US);
	if (passes)
		row_take(&cap->all_full_us, now_us, ROW_US / CAP_ALL, CAP_BURST * ROW_US);
	else
		u->left_out++;
	*report = report_take(u, now_us);
	return passes;
}

void journal_cap_fini(struct journal_cap *cap)
{
	struct capped_user *u;

	for (size_t i = 0; i < CAP_BUCKETS; i++)
		while ((u = LIST_FIRST(&cap->buckets[i])) != NULL) {
			LIST_REMOVE(u, link);
			free(u);
		}
	*cap = (struct journal_cap){.n = 0};
}
