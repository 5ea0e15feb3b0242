/* SPDX-License-Identifier: MIT */
/* One event a minute of each kind; see hush.h. */
#include "front/hush.h"

#include <assert.h>
#include <string.h>

static bool is_free(const struct hushed *r, uint64_t now_us)
{
	return !r->what || now_us - r->told_us >= HUSH_US;
}

static struct hushed *row_find(struct hush *h, const char *who, const char *what)
{
	for (size_t i = 0; i < HUSH_ROWS; i++)
		if (h->rows[i].what == what && strcmp(h->rows[i].who, who) == 0)
			return &h->rows[i];
	return NULL;
}

/* A place of its own, or the common one. */
static struct hushed *row_take(struct hush *h, const char *who, const char *what, uint64_t now_us)
{
	struct hushed *r = h->rows;

	while (r < &h->rows[HUSH_ROWS] && !is_free(r, now_us))
		r++;
	if (r == &h->rows[HUSH_ROWS])
		return r;
	*r = (struct hushed){.what = what};
	assert(strlen(who) < sizeof r->who);
	strcpy(r->who, who);
	return r;
}

bool hush_passes(struct hush *h, const char *who, const char *what, uint64_t now_us, uint64_t *left_out)
{
	struct hushed *r = row_find(h, who, what);

	if (!r)
		r = row_take(h, who, what, now_us);
	if (r->told_us > 0 && now_us - r->told_us < HUSH_US) {
		r->left_out++;
		return false;
	}
	*left_out = r->left_out;
	r->told_us = now_us;
	r->left_out = 0;
	return true;
}
