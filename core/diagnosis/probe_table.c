/* SPDX-License-Identifier: MIT */
/* The monitor's list of legs; see probe_table.h. */
#include "diagnosis/probe_table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void probe_table_fini(struct probe_table *b)
{
	for (size_t i = 0; i < b->n; i++)
		free(b->rows[i]);
	free(b->rows);
	*b = (struct probe_table){.n = 0};
}

static struct leg *probe_table_add(struct probe_table *b, const struct leg_def *def, const char *user)
{
	struct leg *leg;

	if (b->n == b->process) {
		size_t more = b->process > 0 ? 2 * b->process : 16;
		struct leg **rows = realloc(b->rows, more * sizeof(struct leg *));

		if (rows == NULL)
			return NULL;
		b->rows = rows;
		b->process = more;
	}
	leg = calloc(1, sizeof *leg);
	if (leg == NULL)
		return NULL;
	leg->def = def;
	event_set(leg->user, user);
	b->rows[b->n++] = leg;
	return leg;
}

struct leg *probe_table_get(struct probe_table *b, const struct topology *t, const char *name, const char *user)
{
	const struct leg_def *def = topology_leg(t, name);

	if (def == NULL)
		return NULL;
	for (size_t i = 0; i < b->n; i++)
		if (b->rows[i]->def == def && strcmp(b->rows[i]->user, user) == 0)
			return b->rows[i];
	return probe_table_add(b, def, user);
}

void probe_table_remove(struct probe_table *b, struct leg *leg)
{
	for (size_t i = 0; i < b->n; i++) {
		if (b->rows[i] != leg)
			continue;
		memmove(&b->rows[i], &b->rows[i + 1], (b->n - i - 1) * sizeof(struct leg *));
		b->n--;
		free(leg);
		return;
	}
}

void leg_label(const struct leg *leg, char *out, size_t size)
{
	if (leg->user[0] == '\0')
		snprintf(out, size, "%s", leg->def->name);
	else
		snprintf(out, size, "%s(%s)", leg->def->name, leg->user);
}

const char *leg_state_name(const struct leg *leg)
{
	static const char *const names[] = {"unknown", "up", "late", "down"};

	return leg->walled && leg->state != LEG_IS_UP ? "walled_off" : names[leg->state];
}
