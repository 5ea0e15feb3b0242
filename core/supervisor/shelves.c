/* SPDX-License-Identifier: MIT */
/*
 * A shelf for each room's user table (base/user_shelf.h): a room that is started again while the table is broken
 * goes on with what the one before had read.  One a room, for the runner believes nobody else's.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "supervisor/supervisor_state.h"

static void shelf_begin(struct supervisor *s, enum room_id room)
{
	s->shelves[room].shelf = shelf_new(&s->shelves[room].fd);
	if (!s->shelves[room].shelf)
		log_line(LOG_L_WARNING, "shelf_failed", "name=%s error=\"%s\"", room_name(room), strerror(errno));
}

void shelves_init(struct supervisor *s)
{
	for (unsigned room = 0; room < ROOMS; room++)
		shelf_begin(s, (enum room_id)room);
}

struct user_shelf *shelves_take(const struct supervisor *s, enum room_id room)
{
	for (unsigned other = 0; other < ROOMS; other++)
		if (other != room)
			shelf_free(s->shelves[other].shelf);
	return s->shelves[room].shelf;
}

json_t *shelves_json(const struct supervisor *s)
{
	json_t *list = json_array();

	for (unsigned room = 0; room < ROOMS; room++)
		json_array_append_new(list, json_integer(s->shelves[room].fd));
	return list;
}

void shelves_survive(const struct supervisor *s, bool yes)
{
	for (unsigned room = 0; room < ROOMS; room++)
		if (s->shelves[room].fd >= 0)
			fcntl(s->shelves[room].fd, F_SETFD, yes ? 0 : FD_CLOEXEC);
}

void shelves_adopt(struct supervisor *s, const json_t *state)
{
	for (unsigned room = 0; room < ROOMS; room++) {
		const json_t *row = json_array_get(state, room);
		int fd = row ? (int)json_integer_value(row) : -1;

		s->shelves[room].fd = fd;
		s->shelves[room].shelf = fd >= 0 ? shelf_attach(fd) : NULL;
		if (s->shelves[room].shelf)
			continue;
		if (fd >= 0)
			close(fd);
		shelf_begin(s, (enum room_id)room);
	}
	shelves_survive(s, false);
}

void shelves_fini(struct supervisor *s)
{
	for (unsigned room = 0; room < ROOMS; room++) {
		if (!s->shelves[room].shelf)
			continue;
		shelf_free(s->shelves[room].shelf);
		close(s->shelves[room].fd);
	}
}
