/* SPDX-License-Identifier: MIT */
/* A few threads share the names; see accounts.h. */
#include "users/accounts.h"

#include <errno.h>
#include <pthread.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>

#include "sys/clock.h"

#define AT_ONCE     16
#define ENTRY_BYTES 4096
#define ENTRY_MAX   (1u << 20)

/* The names that are left, taken by whoever is free. */
struct work {
	struct accounts *accounts;
	size_t next;
	uint64_t until_us;
};

bool accounts_add(struct accounts *a, const char *name)
{
	struct os_account *rows;

	if (strlen(name) >= sizeof a->rows[0].name)
		return true;
	if ((a->n & (a->n - 1)) == 0) {
		rows = realloc(a->rows, (a->n > 0 ? 2 * a->n : 1) * sizeof *rows);
		if (!rows)
			return false;
		a->rows = rows;
	}
	a->rows[a->n] = (struct os_account){0};
	strcpy(a->rows[a->n++].name, name);
	return true;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct os_account *)a)->name, ((const struct os_account *)b)->name);
}

/* Sorted, each once. */
static void names_sort(struct accounts *a)
{
	size_t kept = 0;

	if (a->n > 0)
		qsort(a->rows, a->n, sizeof a->rows[0], by_name);
	for (size_t i = 0; i < a->n; i++)
		if (kept == 0 || by_name(&a->rows[kept - 1], &a->rows[i]) != 0)
			a->rows[kept++] = a->rows[i];
	a->n = kept;
}

static void account_take(struct os_account *a, const struct passwd *pw)
{
	a->found = true;
	a->uid = pw->pw_uid;
	a->gid = pw->pw_gid;
	if (strlen(pw->pw_dir) < sizeof a->home)
		strcpy(a->home, pw->pw_dir);
}

static void account_find(struct os_account *a)
{
	struct passwd pw, *found = NULL;
	char *buffer = NULL;
	int r = ERANGE;

	for (size_t size = ENTRY_BYTES; r == ERANGE && size <= ENTRY_MAX; size *= 4) {
		char *more = realloc(buffer, size);

		if (!more)
			break;
		buffer = more;
		r = getpwnam_r(a->name, &pw, buffer, size, &found);
	}
	a->failed = r != 0 && r != ENOENT && r != ESRCH;
	if (r == 0 && found)
		account_take(a, found);
	free(buffer);
}

static void *work_do(void *arg)
{
	struct work *w = arg;
	size_t i;

	while ((i = __atomic_fetch_add(&w->next, 1, __ATOMIC_RELAXED)) < w->accounts->n)
		if (clock_mono_us() < w->until_us)
			account_find(&w->accounts->rows[i]);
		else
			w->accounts->rows[i].failed = true;
	return NULL;
}

void accounts_find(struct accounts *a, uint64_t limit_us)
{
	struct work work = {.accounts = a, .until_us = limit_us > 0 ? clock_mono_us() + limit_us : UINT64_MAX};
	pthread_t threads[AT_ONCE - 1];
	size_t n = 0;

	names_sort(a);
	while (n < AT_ONCE - 1 && n + 1 < a->n && pthread_create(&threads[n], NULL, work_do, &work) == 0)
		n++;
	work_do(&work);
	while (n > 0)
		pthread_join(threads[--n], NULL);
}

const struct os_account *accounts_get(const struct accounts *a, const char *name)
{
	struct os_account key;

	if (a->n == 0 || strlen(name) >= sizeof key.name)
		return NULL;
	strcpy(key.name, name);
	return bsearch(&key, a->rows, a->n, sizeof a->rows[0], by_name);
}

void accounts_fini(struct accounts *a)
{
	free(a->rows);
	*a = (struct accounts){0};
}
