/* SPDX-License-Identifier: MIT */
/* Users' browsers; see browsers.h. */
#include "diagnosis/browsers.h"

#include <errno.h>
#include <stdlib.h>

#include "tbl/room.h"

#define CODE_GOING_AWAY 1001

void browsers_fini(struct browsers *b)
{
	free(b->rows);
	*b = (struct browsers){.n = 0};
}

static struct browser *find(const struct browsers *b, const char *user)
{
	for (size_t i = 0; i < b->n; i++)
		if (b->rows[i].user == user)
			return &b->rows[i];
	return NULL;
}

const struct browser *browsers_get(const struct browsers *b, const char *user)
{
	return find(b, user);
}

/* NULL without memory. */
static struct browser *add(struct browsers *b, const char *user)
{
	struct browser *rows = room_for_one(b->rows, b->n, &b->room, sizeof *rows);

	if (rows == NULL)
		return NULL;
	b->rows = rows;
	b->rows[b->n] = (struct browser){.user = user};
	return &b->rows[b->n++];
}

static int learn(struct browsers *b, const struct browser *known)
{
	struct browser *row = find(b, known->user);
	bool same = row != NULL && row->goodbye == known->goodbye && row->http2 == known->http2;

	if (row == NULL)
		row = add(b, known->user);
	if (row == NULL)
		return -ENOMEM;
	*row = *known;
	return !same;
}

/* What is known so far. */
static struct browser known_of(const struct browsers *b, const char *user)
{
	const struct browser *row = find(b, user);

	return row != NULL ? *row : (struct browser){.user = user};
}

static int learn_goodbye(struct browsers *b, const char *user, enum browser_goodbye goodbye)
{
	struct browser known = known_of(b, user);

	known.goodbye = goodbye;
	return learn(b, &known);
}

int browsers_restore(struct browsers *b, const struct browser *known)
{
	int r = learn(b, known);

	return r < 0 ? r : 0;
}

int browsers_ended(struct browsers *b, const char *user, struct page_facts *f)
{
	const struct browser *row;

	if (f->end == PAGE_END_CLIENT_CLOSE && f->code == CODE_GOING_AWAY)
		return learn_goodbye(b, user, GOODBYE_SAID);
	row = find(b, user);
	f->no_goodbye = row == NULL || row->goodbye == GOODBYE_NONE ||
	                (row->goodbye == GOODBYE_UNKNOWN && row->http2);
	return 0;
}

int browsers_left(struct browsers *b, const char *user)
{
	return learn_goodbye(b, user, GOODBYE_NONE);
}

int browsers_navigation(struct browsers *b, const char *user, bool http2)
{
	struct browser known = known_of(b, user);

	known.http2 = http2;
	return learn(b, &known);
}
