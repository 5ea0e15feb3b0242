/* SPDX-License-Identifier: MIT */
/* User tables that outlive their readers; see user_snapshots.h. */
#include "supervisor/user_snapshots.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "obs/log.h"

static void snapshot_begin(struct user_snapshots *s, enum process_id process)
{
	s->of[process].fd = -1;
	if (process == PROCESS_NONE || process == PROCESS_SUPERVISOR)
		return; /* they read no table */
	s->of[process].snapshot = snapshot_new(&s->of[process].fd);
	if (!s->of[process].snapshot)
		log_write(LOG_L_WARNING, "snapshot_failed", kv_child(process_name(process)), kv_errno(errno));
}

struct user_snapshot *user_snapshots_inherit(const struct user_snapshots *s, enum process_id process)
{
	for (unsigned other = 0; other < PROCESSES; other++)
		if (other != process)
			snapshot_free(s->of[other].snapshot);
	return s->of[process].snapshot;
}

json_t *user_snapshots_json(const struct user_snapshots *s)
{
	json_t *list = json_array();

	for (unsigned process = 0; process < PROCESSES; process++)
		json_array_append_new(list, json_integer(s->of[process].fd));
	return list;
}

void user_snapshots_survive(const struct user_snapshots *s, bool yes)
{
	for (unsigned process = 0; process < PROCESSES; process++)
		if (s->of[process].fd >= 0)
			fcntl(s->of[process].fd, F_SETFD, yes ? 0 : FD_CLOEXEC);
}

void user_snapshots_adopt(struct user_snapshots *s, const json_t *state)
{
	for (unsigned process = 0; process < PROCESSES; process++) {
		const json_t *row = json_array_get(state, process);
		int fd = row ? (int)json_integer_value(row) : -1;

		s->of[process].fd = fd;
		s->of[process].snapshot = fd >= 0 ? snapshot_attach(fd) : NULL;
		if (s->of[process].snapshot)
			continue;
		if (fd >= 0)
			close(fd);
		snapshot_begin(s, (enum process_id)process);
	}
	user_snapshots_survive(s, false);
}

void user_snapshots_fini(struct user_snapshots *s)
{
	for (unsigned process = 0; process < PROCESSES; process++) {
		if (!s->of[process].snapshot)
			continue;
		snapshot_free(s->of[process].snapshot);
		close(s->of[process].fd);
	}
}
