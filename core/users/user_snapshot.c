/* SPDX-License-Identifier: MIT */
/* The last good user table in shared memory; see user_snapshot.h. */
#include "users/user_snapshot.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tbl/hash.h"
#include "sys/shm.h"

struct page {
	uint64_t sum; /* of n and the rows */
	uint32_t n;
	struct user rows[USERS_MAX];
};

struct user_snapshot {
	uint32_t row_size; /* another binary may have other rows */
	uint32_t good;     /* the page that was completed last, from 1; 0: none */
	struct page pages[2];
};

struct user_snapshot *snapshot_new(int *fd)
{
	struct user_snapshot *s = shm_new("t3ops-users", sizeof *s, fd);

	if (s)
		s->row_size = sizeof(struct user);
	return s;
}

struct user_snapshot *snapshot_attach(int fd)
{
	struct user_snapshot *s = shm_attach(fd, sizeof *s);

	if (!s || s->row_size == sizeof(struct user))
		return s;
	snapshot_free(s);
	errno = EPROTO;
	return NULL;
}

void snapshot_free(struct user_snapshot *s)
{
	shm_free(s, sizeof *s);
}

/* Against accidents; nobody but the process itself writes here. */
static uint64_t sum_of(uint32_t n, const struct user *rows)
{
	return hash_bytes(hash_bytes(HASH_START, &n, sizeof n), rows, n * sizeof rows[0]);
}

void snapshot_put(struct user_snapshot *s, const struct user_list *l)
{
	uint32_t turn;
	struct page *p;

	if (!s)
		return;
	assert(l->n <= USERS_MAX);
	turn = __atomic_load_n(&s->good, __ATOMIC_ACQUIRE) == 1 ? 1 : 0;
	p = &s->pages[turn];
	p->n = (uint32_t)l->n;
	if (l->n > 0)
		memcpy(p->rows, l->rows, l->n * sizeof l->rows[0]);
	p->sum = sum_of(p->n, l->rows);
	__atomic_store_n(&s->good, turn + 1, __ATOMIC_RELEASE);
}

bool snapshot_has(const struct user_snapshot *s)
{
	return s && __atomic_load_n(&s->good, __ATOMIC_ACQUIRE) != 0;
}

bool snapshot_get(const struct user_snapshot *s, struct user_list *out)
{
	uint32_t good = s ? __atomic_load_n(&s->good, __ATOMIC_ACQUIRE) : 0;
	const struct page *p;

	*out = (struct user_list){0};
	if (good < 1 || good > 2)
		return false;
	p = &s->pages[good - 1];
	out->n = p->n <= USERS_MAX ? p->n : 0;
	out->rows = calloc(out->n + 1, sizeof out->rows[0]);
	if (!out->rows)
		abort(); /* as at any start */
	memcpy(out->rows, p->rows, out->n * sizeof out->rows[0]);
	if (out->n == p->n && sum_of(p->n, out->rows) == p->sum)
		return true;
	user_list_fini(out);
	return false;
}
