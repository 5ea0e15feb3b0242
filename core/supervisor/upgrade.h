/* SPDX-License-Identifier: MIT */
/*
 * The next binary, same pid: the supervisor writes what it holds into a memfd, lets its descriptors survive, and
 * execs the binary in place.  The new one adopts the running processes; then it replaces all of them (reload.h).  The
 * binary is first asked, in a child, whether it takes the configuration and what it would adopt.
 */
#ifndef T3OPS_SUPERVISOR_UPGRADE_H
#define T3OPS_SUPERVISOR_UPGRADE_H

#include <jansson.h>

#include "supervisor/supervisor_state.h"

/* Somebody asks for it: begins, or waits until what is in progress is over.  The binary is asked, and takes over;
 * else refused is called, perhaps before it returns, and everything is as before. */
void upgrade_request(struct supervisor *s, outcome_cb refused);
/* What was in progress is over: the one that is queued begins.  False: there is none. */
bool upgrade_next(struct supervisor *s, outcome_cb refused);
/* At the end of the supervisor. */
void upgrade_cancel(struct supervisor *s);

/* In the next binary while it is only asked: whether it could read what the earlier one has in fd, which is closed.
 */
bool upgrade_rehearse(int fd);

/* Arriving.  What the earlier binary left in fd, which is closed; NULL: it is unknown here. */
json_t *upgrade_state_read(int fd);
/* Its metrics, or new ones.  NULL: errno. */
struct metrics *upgrade_metrics_adopt(const json_t *state);
/* Everything else: setup, processes, tunnels, user tables.  0 or -errno. */
int upgrade_adopt(struct supervisor *s, const json_t *state);
/* Who asked the earlier binary for a reload that still waits there. */
struct requester upgrade_requester(const json_t *state);

#endif
