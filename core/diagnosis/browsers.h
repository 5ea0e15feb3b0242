/* SPDX-License-Identifier: MIT */
/*
 * What is known of users' browsers, which makes a cut mean more or less.  Over HTTP/1.1 a page that goes away says
 * goodbye (close code 1001), so that a tunnel that ends without was cut.  Over HTTP/2 none does: the browser ends a
 * stream for a reload, a closed tab, a page that it freezes or keeps for the way back, and such a page may be there
 * again by itself a second later.  A browser that loads documents over HTTP/2 may open WebSockets over it, too; what
 * it did last when a page went away says whether it does.  One of which nothing is known may do anything.  Pure.
 */
#ifndef T3OPS_DIAGNOSIS_BROWSERS_H
#define T3OPS_DIAGNOSIS_BROWSERS_H

#include <stddef.h>

#include "diagnosis/page_evidence.h"

enum browser_goodbye {
	GOODBYE_UNKNOWN,
	GOODBYE_SAID, /* close code 1001 */
	GOODBYE_NONE, /* its tunnel was cut, and another document loaded */
	GOODBYES
};

struct browser {
	const char *user; /* interned */
	enum browser_goodbye goodbye;
	bool http2; /* it loads documents over HTTP/2 or later */
};

struct browsers {
	struct browser *rows; /* users of whom anything is known */
	size_t n, room;
};

void browsers_fini(struct browsers *b);
/* What is known of the user's browser; NULL: nothing. */
const struct browser *browsers_get(const struct browsers *b, const char *user);
/* What was known of it before; its user is interned.  0 or -ENOMEM. */
int browsers_restore(struct browsers *b, const struct browser *known);

/* Each returns 1 if something new is known, 0, or -ENOMEM. */

/* A tunnel of the user ended like that: fills in what may be known of it, and learns from it. */
int browsers_ended(struct browsers *b, const char *user, struct page_facts *f);
/* A tunnel of the user was cut, and a document loaded: the page was left without a word. */
int browsers_left(struct browsers *b, const char *user);
/* The user's browser asked for a document. */
int browsers_navigation(struct browsers *b, const char *user, bool http2);

#endif
