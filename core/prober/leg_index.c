/* SPDX-License-Identifier: MIT */
/* Finding legs by their user; see leg_index.h. */
#include "prober/leg_index.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tbl/hash.h"

#define SIZE_START 64

static struct t3ops_leg **head_of(const struct leg_index *x, const char *user)
{
	return &x->heads[hash_text(HASH_START, user) & (x->size - 1)];
}

static void chain(const struct leg_index *x, struct t3ops_leg *leg)
{
	struct t3ops_leg **head = head_of(x, leg->user.name);

	leg->same_user = *head;
	*head = leg;
}

static int grow(struct leg_index *x)
{
	struct leg_index larger = {.size = x->size > 0 ? 2 * x->size : SIZE_START, .n = x->n};

	larger.heads = calloc(larger.size, sizeof(struct t3ops_leg *));
	if (!larger.heads)
		return -ENOMEM;
	for (size_t i = 0; i < x->size; i++)
		for (struct t3ops_leg *leg = x->heads[i], *next; leg; leg = next) {
			next = leg->same_user;
			chain(&larger, leg);
		}
	free(x->heads);
	*x = larger;
	return 0;
}

int leg_index_add(struct leg_index *x, struct t3ops_leg *leg)
{
	if (x->n == x->size && grow(x) < 0)
		return -ENOMEM;
	chain(x, leg);
	x->n++;
	return 0;
}

void leg_index_remove(struct leg_index *x, struct t3ops_leg *leg)
{
	struct t3ops_leg **at = head_of(x, leg->user.name);

	while (*at != leg)
		at = &(*at)->same_user;
	*at = leg->same_user;
	x->n--;
}

static struct t3ops_leg *of_user(struct t3ops_leg *leg, const char *user)
{
	while (leg && strcmp(leg->user.name, user) != 0)
		leg = leg->same_user;
	return leg;
}

struct t3ops_leg *leg_index_first(const struct leg_index *x, const char *user)
{
	return x->size > 0 ? of_user(*head_of(x, user), user) : NULL;
}

struct t3ops_leg *leg_index_next(const struct t3ops_leg *leg)
{
	return of_user(leg->same_user, leg->user.name);
}

void leg_index_fini(struct leg_index *x)
{
	free(x->heads);
	*x = (struct leg_index){.heads = NULL};
}
