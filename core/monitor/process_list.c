/* SPDX-License-Identifier: MIT */
/* The list of processes; see process_list.h. */
#include "monitor/process_list.h"

#include <errno.h>
#include <stdlib.h>

#include "tbl/room.h"

static int list_add(struct process_list *l, const struct msg_process *report)
{
	struct msg_process *rows = room_for_one(l->rows, l->n, &l->room, sizeof *rows);

	if (rows == NULL)
		return -ENOMEM;
	l->rows = rows;
	l->rows[l->n++] = *report;
	return 0;
}

int process_list_update(struct process_list *l, const struct msg_process *report)
{
	size_t i = 0;

	while (i < l->n && l->rows[i].serial != report->serial)
		i++;
	if (i == l->n)
		return report->state == PROCESS_DEAD ? 0 : list_add(l, report);
	if (report->state == PROCESS_DEAD)
		l->rows[i] = l->rows[--l->n];
	else
		l->rows[i] = *report;
	return 0;
}

void process_list_fini(struct process_list *l)
{
	free(l->rows);
	*l = (struct process_list){.n = 0};
}
