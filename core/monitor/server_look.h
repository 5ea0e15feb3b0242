/* SPDX-License-Identifier: MIT */
/*
 * What the programs of a user's t3 server do while it does not answer: the ones of its cgroup that use the most CPU,
 * for the reader of a recording.  The cgroup is the one of a unit whose instance is the user's name, as
 * t3-serve@alice.service.  Looks a few processes at a time, so that the loop does not wait.  Monitor process.
 */
#ifndef T3OPS_MONITOR_SERVER_LOOK_H
#define T3OPS_MONITOR_SERVER_LOOK_H

#include <ev.h>
#include <stdbool.h>
#include <stdint.h>

struct server_look;

/* proc: where the kernel shows processes.  tell: gets the pairs of each program, as a recording has them.  NULL
 * without memory. */
struct server_look *server_look_new(struct ev_loop *loop, const char *proc,
                                    void (*tell)(void *arg, const char *pairs, uint64_t now_us), void *arg);
void server_look_free(struct server_look *l);
/* Tells of that user's, a second later; not again within half a minute, and of no more than four users in that time,
 * one after the other. */
void server_look_ask(struct server_look *l, const char *user, uint64_t now_us);

/* Whether the text of /proc/PID/cgroup is of a unit whose instance is that user. */
bool server_look_is_of(const char *cgroup, const char *user);

#endif
