/* SPDX-License-Identifier: MIT */
/* Navigations, the first of several; see navigations.h. */
#include "proxy/navigations.h"

#include <assert.h>
#include <string.h>

#include "tbl/hash.h"

bool navigation_is_news(struct navigations *n, const char *user, uint64_t now_us)
{
	size_t row = hash_text(HASH_START, user) % NAVIGATION_ROWS;

	if (strcmp(n->rows[row].user, user) == 0 && now_us - n->rows[row].heard_us < NAVIGATION_AGAIN_US)
		return false;
	assert(strlen(user) < sizeof n->rows[row].user);
	strcpy(n->rows[row].user, user);
	n->rows[row].heard_us = now_us;
	return true;
}
