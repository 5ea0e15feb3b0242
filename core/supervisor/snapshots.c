/* SPDX-License-Identifier: MIT */
/*
 * A snapshot of each process's user table (users/user_snapshot.h): a process that is started again while the table is
 * broken goes on with what the one before had read.  One a process, for the helper believes nobody else's.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "supervisor/supervisor_state.h"

static void snapshot_begin(struct supervisor *s, enum process_id process)
{
	s->snapshots[process].snapshot = snapshot_new(&s->snapshots[process].fd);
	if (!s->snapshots[process].snapshot)
		log_line(LOG_L_WARNING, "snapshot_failed", "name=%s error=\"%s\"", process_name(process),
		         strerror(errno));
}

void snapshots_init(struct supervisor *s)
{
	for (unsigned process = 0; process < PROCESSES; process++)
		snapshot_begin(s, (enum process_id)process);
}

struct user_snapshot *snapshots_take(const struct supervisor *s, enum process_id process)
{
	for (unsigned other = 0; other < PROCESSES; other++)
		if (other != process)
			snapshot_free(s->snapshots[other].snapshot);
	return s->snapshots[process].snapshot;
}

json_t *snapshots_json(const struct supervisor *s)
{
	json_t *list = json_array();

	for (unsigned process = 0; process < PROCESSES; process++)
		json_array_append_new(list, json_integer(s->snapshots[process].fd));
	return list;
}

void snapshots_survive(const struct supervisor *s, bool yes)
{
	for (unsigned process = 0; process < PROCESSES; process++)
		if (s->snapshots[process].fd >= 0)
			fcntl(s->snapshots[process].fd, F_SETFD, yes ? 0 : FD_CLOEXEC);
}

void snapshots_adopt(struct supervisor *s, const json_t *state)
{
	for (unsigned process = 0; process < PROCESSES; process++) {
		const json_t *row = json_array_get(state, process);
		int fd = row ? (int)json_integer_value(row) : -1;

		s->snapshots[process].fd = fd;
		s->snapshots[process].snapshot = fd >= 0 ? snapshot_attach(fd) : NULL;
		if (s->snapshots[process].snapshot)
			continue;
		if (fd >= 0)
			close(fd);
		snapshot_begin(s, (enum process_id)process);
	}
	snapshots_survive(s, false);
}

void snapshots_fini(struct supervisor *s)
{
	for (unsigned process = 0; process < PROCESSES; process++) {
		if (!s->snapshots[process].snapshot)
			continue;
		snapshot_free(s->snapshots[process].snapshot);
		close(s->snapshots[process].fd);
	}
}
