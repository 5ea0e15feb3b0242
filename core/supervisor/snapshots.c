/* SPDX-License-Identifier: MIT */
/*
 * A snapshot of each room's user table (base/user_snapshot.h): a room that is started again while the table is
 * broken goes on with what the one before had read.  One a room, for the runner believes nobody else's.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "supervisor/supervisor_state.h"

static void snapshot_begin(struct supervisor *s, enum room_id room)
{
	s->snapshots[room].snapshot = snapshot_new(&s->snapshots[room].fd);
	if (!s->snapshots[room].snapshot)
		log_line(LOG_L_WARNING, "snapshot_failed", "name=%s error=\"%s\"", room_name(room), strerror(errno));
}

void snapshots_init(struct supervisor *s)
{
	for (unsigned room = 0; room < ROOMS; room++)
		snapshot_begin(s, (enum room_id)room);
}

struct user_snapshot *snapshots_take(const struct supervisor *s, enum room_id room)
{
	for (unsigned other = 0; other < ROOMS; other++)
		if (other != room)
			snapshot_free(s->snapshots[other].snapshot);
	return s->snapshots[room].snapshot;
}

json_t *snapshots_json(const struct supervisor *s)
{
	json_t *list = json_array();

	for (unsigned room = 0; room < ROOMS; room++)
		json_array_append_new(list, json_integer(s->snapshots[room].fd));
	return list;
}

void snapshots_survive(const struct supervisor *s, bool yes)
{
	for (unsigned room = 0; room < ROOMS; room++)
		if (s->snapshots[room].fd >= 0)
			fcntl(s->snapshots[room].fd, F_SETFD, yes ? 0 : FD_CLOEXEC);
}

void snapshots_adopt(struct supervisor *s, const json_t *state)
{
	for (unsigned room = 0; room < ROOMS; room++) {
		const json_t *row = json_array_get(state, room);
		int fd = row ? (int)json_integer_value(row) : -1;

		s->snapshots[room].fd = fd;
		s->snapshots[room].snapshot = fd >= 0 ? snapshot_attach(fd) : NULL;
		if (s->snapshots[room].snapshot)
			continue;
		if (fd >= 0)
			close(fd);
		snapshot_begin(s, (enum room_id)room);
	}
	snapshots_survive(s, false);
}

void snapshots_fini(struct supervisor *s)
{
	for (unsigned room = 0; room < ROOMS; room++) {
		if (!s->snapshots[room].snapshot)
			continue;
		snapshot_free(s->snapshots[room].snapshot);
		close(s->snapshots[room].fd);
	}
}
