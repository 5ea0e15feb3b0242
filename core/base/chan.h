/* SPDX-License-Identifier: MIT */
/*
 * A channel: one end of a non-blocking SEQPACKET socket pair on a libev loop.  Both the
 * supervisor (one a room) and the rooms (one) use it.
 *
 * Sending never blocks: what the socket does not take waits in a bounded queue; over the bound a
 * message is dropped and counted.
 */
#ifndef T3OPS_BASE_CHAN_H
#define T3OPS_BASE_CHAN_H

#include <ev.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/message.h"

struct chan;

/* head and payload are borrowed until it returns. */
typedef void (*chan_message_cb)(void *arg, const struct msg_head *head, const void *payload);
/* The other end is gone; the channel may be freed inside. */
typedef void (*chan_closed_cb)(void *arg);

/* A connected CLOEXEC, non-blocking pair.  0 or -errno. */
int chan_pair(int fds[2]);

/* Takes fd.  Watches loop at once.  NULL without memory. */
struct chan *chan_new(struct ev_loop *loop, int fd, chan_message_cb on_message, chan_closed_cb on_closed, void *arg);
void chan_free(struct chan *c); /* closes the descriptor; NULL is fine */
int chan_fd(const struct chan *c);

/* Sends a message; 0, -EMSGSIZE (> MSG_MAX), -ENOBUFS (queue full, dropped and counted). */
int chan_send(struct chan *c, enum msg_type type, uint32_t to, uint64_t id, const void *payload, size_t len);
/* The same with a head as received (the supervisor relays). */
int chan_relay(struct chan *c, const struct msg_head *head, const void *payload);
/* With up to CHAN_FDS descriptors beside it (SCM_RIGHTS), which stay the caller's. */
#define CHAN_FDS 2
int chan_send_fds(struct chan *c, enum msg_type type, uint32_t to, uint64_t id, const void *payload, size_t len,
                  const int *fds, size_t n);
/* Inside on_message: the descriptors that came with the message, now the caller's; how many.  Those that
 * nobody takes are closed. */
size_t chan_take_fds(struct chan *c, int fds[CHAN_FDS]);
/* Hears now what is there already; for the last words of a process that is gone.  on_closed is not called;
 * on_message may free the channel. */
void chan_read_rest(struct chan *c);
uint64_t chan_dropped(const struct chan *c);
/* Tries to send the queue for at most limit_ms; for the last words before exit. */
void chan_flush(struct chan *c, int limit_ms);

#endif
