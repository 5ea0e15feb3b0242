/* SPDX-License-Identifier: MIT */
/* One event a minute of each kind; see throttle.h. */
#include "obs/throttle.h"

#include <assert.h>
#include <string.h>

static bool is_free(const struct throttled *r, uint64_t now_us)
{
	return !r->what || now_us - r->reported_us >= THROTTLE_US;
}

static struct throttled *row_find(struct throttle *h, const char *who, const char *what)
{
	for (size_t i = 0; i < THROTTLE_ROWS; i++)
		if (h->rows[i].what == what && strcmp(h->rows[i].who, who) == 0)
			return &h->rows[i];
	return NULL;
}

/* A place of its own, or the common one. */
static struct throttled *row_take(struct throttle *h, const char *who, const char *what, uint64_t now_us)
{
	struct throttled *r = h->rows;

	while (r < &h->rows[THROTTLE_ROWS] && !is_free(r, now_us))
		r++;
	if (r == &h->rows[THROTTLE_ROWS])
		return r;
	*r = (struct throttled){.what = what};
	assert(strlen(who) < sizeof r->who);
	strcpy(r->who, who);
	return r;
}

bool throttle_passes(struct throttle *h, const char *who, const char *what, uint64_t now_us, uint64_t *left_out)
{
	struct throttled *r = row_find(h, who, what);

	if (!r)
		r = row_take(h, who, what, now_us);
	if (r->reported_us > 0 && now_us - r->reported_us < THROTTLE_US) {
		r->left_out++;
		return false;
	}
	*left_out = r->left_out;
	r->reported_us = now_us;
	r->left_out = 0;
	return true;
}
