/* SPDX-License-Identifier: MIT */
/*
 * What the next binary takes over: the supervisor writes what it holds into a memfd and lets its descriptors survive
 * an exec; the next one adopts them, and the running processes.  Who is asked when is decided in upgrade.h.
 */
#ifndef T3OPS_SUPERVISOR_TAKE_OVER_H
#define T3OPS_SUPERVISOR_TAKE_OVER_H

#include <jansson.h>

#include "supervisor/supervisor_state.h"

/* A memfd with all of it, or -errno. */
int take_over_write(const struct supervisor *s);
/* Whether it, and the descriptors that it names, survive an exec. */
void take_over_survive(const struct supervisor *s, int state_fd, bool yes);

/* In the next binary while it is only asked: whether it could read what the earlier one has in fd, which is closed.
 */
bool take_over_rehearse(int fd);

/* Arriving.  What the earlier binary left in fd, which is closed; NULL: it is unknown here. */
json_t *take_over_read(int fd);
/* Its metrics, or new ones.  NULL: errno. */
struct metrics *take_over_metrics(const json_t *state);
/* Everything else: setup, processes, tunnels, user tables.  0 or -errno.  Nothing is sent to anybody yet. */
int take_over_adopt(struct supervisor *s, const json_t *state);
/* Who asked the earlier binary for a reload that still waits there. */
struct requester take_over_requester(const json_t *state);

#endif
