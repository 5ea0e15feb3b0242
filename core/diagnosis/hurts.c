/* SPDX-License-Identifier: MIT */
/* Who broke over which location; see hurts.h. */
#include "diagnosis/hurts.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "diagnosis/evidence.h"
#include "diagnosis/incident_timing.h"
#include "tbl/room.h"

#define BEGAN_PINGS 3
#define SITE_GROUPS 3 /* of an IPv6 address: what a provider gives to one customer, at most */

void hurts_fini(struct hurts *h)
{
	free(h->rows);
	*h = (struct hurts){.n = 0};
}

static void forget(struct hurts *h, uint64_t now_us)
{
	size_t kept = 0;

	for (size_t i = 0; i < h->n; i++)
		if (now_us < h->rows[i].to_us + HURT_US)
			h->rows[kept++] = h->rows[i];
	h->n = kept;
}

/* When it began: a page that gave up made no more Pings, so that those which came late say too little of it; and one
 * that slept in between was heard of long after. */
static struct hurt hurt_of(const struct drop *d, uint64_t period_us)
{
	uint64_t before_us = d->evidence == PAGE_LATE_PINGS ? period_us : 0;
	struct hurt h = {.user = d->user, .from_us = d->earliest_us - sooner(d->earliest_us, before_us)};

	h.to_us = sooner(d->began_us, h.from_us + BEGAN_PINGS * period_us);
	snprintf(h.address, sizeof h.address, "%s", d->address);
	snprintf(h.colo, sizeof h.colo, "%s", d->colo);
	return h;
}

int hurts_add(struct hurts *h, const struct drop *d, uint64_t period_us, uint64_t now_us)
{
	struct hurt *rows;

	forget(h, now_us);
	if (d->colo[0] == '\0' || d->address[0] == '\0' || d->supported || !evidence_is_before_us(d))
		return 0;
	rows = room_for_one(h->rows, h->n, &h->room, sizeof *rows);
	if (rows == NULL)
		return -ENOMEM;
	h->rows = rows;
	h->rows[h->n++] = hurt_of(d, period_us);
	return 0;
}

static bool meet(const struct hurt *a, const struct hurt *b)
{
	return a->from_us <= b->to_us + TOGETHER_US && b->from_us <= a->to_us + TOGETHER_US;
}

/* The first 48 bits of an IPv6 address. */
static uint64_t site_of(const char *address)
{
	uint64_t site = 0;
	char *end;

	for (unsigned group = 0; group < SITE_GROUPS; group++) {
		site = site << 16 | (strtoul(address, &end, 16) & 0xffff);
		if (end[0] == ':' && end[1] == ':')
			return site << (16 * (SITE_GROUPS - 1 - group));
		address = end[0] == ':' ? end + 1 : end;
	}
	return site;
}

/* Whether they cannot be of one household: that has one IPv4 address, and a network of at least 48 bits over IPv6,
 * and may use both. */
static bool households_differ(const char *a, const char *b)
{
	bool a_is_6 = strchr(a, ':') != NULL, b_is_6 = strchr(b, ':') != NULL;

	if (a_is_6 && b_is_6)
		return site_of(a) != site_of(b);
	return !a_is_6 && !b_is_6 && strcmp(a, b) != 0;
}

/* A user's own rows, each of which says when one of the tunnels broke. */
static bool has_another(const struct hurts *h, const struct hurt *own)
{
	for (size_t i = 0; i < h->n; i++)
		if (h->rows[i].user != own->user && strcmp(h->rows[i].colo, own->colo) == 0 &&
		    households_differ(h->rows[i].address, own->address) && meet(&h->rows[i], own))
			return true;
	return false;
}

bool hurts_have_another(const struct hurts *h, const struct drop *d)
{
	for (size_t i = 0; i < h->n; i++)
		if (h->rows[i].user == d->user && strcmp(h->rows[i].colo, d->colo) == 0 &&
		    has_another(h, &h->rows[i]))
			return true;
	return false;
}
