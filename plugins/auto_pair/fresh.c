/* SPDX-License-Identifier: MIT */
/* Sessions of the last moments; see fresh.h. */
#include "auto_pair/fresh.h"

#include <stdlib.h>
#include <string.h>

#define BROWSERS_MAX 32 /* of one user, within FRESH_US; the oldest goes */

struct fresh {
	LIST_ENTRY(fresh) link; /* the newest comes first */
	uint64_t made_us;
	struct t3ops_browser browser;
	char *set_cookie;
	bool dead;
};

bool browser_is_same(const struct t3ops_browser *a, const struct t3ops_browser *b)
{
	return strcmp(a->address, b->address) == 0 && strcmp(a->user_agent, b->user_agent) == 0;
}

static void entry_free(struct fresh *f)
{
	LIST_REMOVE(f, link);
	explicit_bzero(f->set_cookie, strlen(f->set_cookie));
	free(f->set_cookie);
	free(f);
}

/* Drops what is too old, and what is too much. */
static void expire(struct fresh_list *list, uint64_t now_us)
{
	struct fresh *f, *next;
	size_t n = 0;

	for (f = LIST_FIRST(list); f; f = next) {
		next = LIST_NEXT(f, link);
		if (++n > BROWSERS_MAX || now_us - f->made_us > FRESH_US)
			entry_free(f);
	}
}

const char *fresh_find(struct fresh_list *list, const struct t3ops_browser *browser, uint64_t now_us)
{
	struct fresh *f;

	expire(list, now_us);
	LIST_FOREACH (f, list, link)
		if (!f->dead && browser_is_same(&f->browser, browser))
			return f->set_cookie;
	return NULL;
}

void fresh_add(struct fresh_list *list, const struct t3ops_browser *browser, const char *set_cookie, uint64_t now_us)
{
	struct fresh *f = calloc(1, sizeof *f);

	if (!f)
		return;
	f->made_us = now_us;
	f->browser = *browser;
	f->set_cookie = strdup(set_cookie);
	if (!f->set_cookie) {
		free(f);
		return;
	}
	LIST_INSERT_HEAD(list, f, link);
	expire(list, now_us);
}

static size_t dead_count(const struct fresh_list *list, const struct t3ops_browser *browser)
{
	const struct fresh *f;
	size_t n = 0;

	LIST_FOREACH (f, list, link)
		n += f->dead && browser_is_same(&f->browser, browser);
	return n;
}

bool fresh_die(struct fresh_list *list, const char *cookies, uint64_t now_us)
{
	const struct t3ops_browser *browser = NULL;
	struct fresh *f;

	expire(list, now_us);
	LIST_FOREACH (f, list, link)
		if (memmem(cookies, strlen(cookies), f->set_cookie, strcspn(f->set_cookie, ";"))) {
			f->dead = true;
			browser = &f->browser;
		}
	return browser && dead_count(list, browser) >= 2;
}

void fresh_clear(struct fresh_list *list)
{
	while (LIST_FIRST(list))
		entry_free(LIST_FIRST(list));
}
