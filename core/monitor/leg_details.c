/* SPDX-License-Identifier: MIT */
/* Why legs are down; see leg_details.h. */
#include "monitor/leg_details.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tbl/hash.h"

#define SIZE_START 16

struct leg_detail {
	struct leg_detail *next;
	char leg[sizeof((struct event *)0)->plugin], user[sizeof((struct event *)0)->user];
	char text[];
};

static struct leg_detail **head_of(const struct leg_details *d, const char *leg, const char *user)
{
	return &d->heads[hash_text(hash_text(hash_text(HASH_START, leg), " "), user) & (d->size - 1)];
}

static void chain(const struct leg_details *d, struct leg_detail *row)
{
	struct leg_detail **head = head_of(d, row->leg, row->user);

	row->next = *head;
	*head = row;
}

static int grow(struct leg_details *d)
{
	struct leg_details larger = {.size = d->size > 0 ? 2 * d->size : SIZE_START, .n = d->n};

	larger.heads = calloc(larger.size, sizeof(struct leg_detail *));
	if (larger.heads == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < d->size; i++)
		for (struct leg_detail *row = d->heads[i], *next; row != NULL; row = next) {
			next = row->next;
			chain(&larger, row);
		}
	free(d->heads);
	*d = larger;
	return 0;
}

/* Where it hangs; what that points to is NULL if there is none. */
static struct leg_detail **find(const struct leg_details *d, const char *leg, const char *user)
{
	struct leg_detail **at = head_of(d, leg, user);

	while (*at != NULL && (strcmp((*at)->leg, leg) != 0 || strcmp((*at)->user, user) != 0))
		at = &(*at)->next;
	return at;
}

static void forget(struct leg_details *d, const struct event *e)
{
	struct leg_detail **at = d->n > 0 ? find(d, e->plugin, e->user) : NULL, *row = at != NULL ? *at : NULL;

	if (row == NULL)
		return;
	*at = row->next;
	free(row);
	d->n--;
}

static void note(struct leg_details *d, const struct event *e)
{
	size_t size = strlen(e->text) + 1;
	struct leg_detail *row;

	if (d->n == d->size && grow(d) < 0)
		return;
	row = malloc(sizeof *row + size);
	if (row == NULL)
		return;
	memcpy(row->leg, e->plugin, sizeof row->leg);
	memcpy(row->user, e->user, sizeof row->user);
	memcpy(row->text, e->text, size);
	chain(d, row);
	d->n++;
}

void leg_details_event(struct leg_details *d, const struct event *e)
{
	switch (e->kind) {
	case EVENT_LEG_DOWN:
	case EVENT_LEG_ATTEMPT:
		forget(d, e);
		if (e->text[0] != '\0')
			note(d, e);
		break;
	case EVENT_LEG_UP:
	case EVENT_LEG_ABSENT:
	case EVENT_LEG_GONE:
		forget(d, e);
		break;
	default:
		break;
	}
}

const char *leg_details_get(const struct leg_details *d, const char *leg, const char *user)
{
	const struct leg_detail *row = d->n > 0 ? *find(d, leg, user) : NULL;

	return row != NULL ? row->text : "";
}

void leg_details_fini(struct leg_details *d)
{
	for (size_t i = 0; i < d->size; i++)
		for (struct leg_detail *row = d->heads[i], *next; row != NULL; row = next) {
			next = row->next;
			free(row);
		}
	free(d->heads);
	*d = (struct leg_details){.heads = NULL};
}
