/* SPDX-License-Identifier: MIT */
/*
 * A channel: one end of a non-blocking SEQPACKET socket pair on a libev loop.  The supervisor has one for each
 * process, every process has one.
 *
 * Sending never blocks: what the socket does not take waits in a bounded queue; beyond the bound a message is dropped
 * and counted (drop_report.h).  Events of a process wait in a larger queue of their own, behind every other message,
 * and as long as the supervisor wants none: where the monitor is behind, they are kept where they were made.
 */
#ifndef T3OPS_IPC_CHANNEL_H
#define T3OPS_IPC_CHANNEL_H

#include <ev.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ipc/message.h"

struct channel;

/* head and payload are borrowed until it returns. */
typedef void (*channel_message_cb)(void *arg, const struct msg_head *head, const void *payload);
/* The other end is gone; the channel may be freed inside. */
typedef void (*channel_closed_cb)(void *arg);

/* The queue fell below the mark; nothing is freed inside. */
typedef void (*channel_fallen_cb)(void *arg);

/* A connected CLOEXEC, non-blocking pair.  0 or -errno. */
int channel_pair(int fds[2]);

/* Takes fd.  Watches loop at once.  NULL without memory. */
struct channel *channel_new(struct ev_loop *loop, int fd, channel_message_cb on_message, channel_closed_cb on_closed,
                            void *arg);
void channel_free(struct channel *c); /* closes the descriptor; NULL is fine */
int channel_fd(const struct channel *c);

/* Sends a message; 0, -EMSGSIZE (> MSG_MAX), -ENOBUFS (queue full, dropped and counted). */
int channel_send(struct channel *c, enum msg_type type, uint32_t to, uint64_t id, const void *payload, size_t len);
/* Sends an event to the monitor, in its order among events only; 0 or as above. */
int channel_send_event(struct channel *c, const void *event, size_t len);
/* Whether they wait until further notice. */
void channel_hold_events(struct channel *c, bool held);
/* Sends a struct msg_reply; of a text that is too long the beginning, up to a newline. */
int channel_reply(struct channel *c, enum msg_type type, uint32_t to, uint64_t id, int error, const char *text);
/* The same with a head as received (the supervisor relays). */
int channel_relay(struct channel *c, const struct msg_head *head, const void *payload);
/* With up to CHANNEL_FDS descriptors beside it (SCM_RIGHTS), which stay the caller's. */
#define CHANNEL_FDS 2
int channel_send_fds(struct channel *c, enum msg_type type, uint32_t to, uint64_t id, const void *payload, size_t len,
                     const int *fds, size_t n);
/* Inside on_message: the descriptors that came with the message, now the caller's; how many.  Those that
 * nobody takes are closed. */
size_t channel_take_fds(struct channel *c, int fds[CHANNEL_FDS]);
/* Reads what is there already; for what a process sent before it exited.  on_closed is not called; on_message may
 * free the channel. */
void channel_read_rest(struct channel *c);
/* How many messages were dropped: the queue was full, or what came was malformed. */
uint64_t channel_dropped(const struct channel *c);
/* At most so many bytes wait, events apart; 4 MiB unless told. */
void channel_queue_max(struct channel *c, size_t bytes);
/* What waits to be sent, events apart. */
size_t channel_queued_bytes(const struct channel *c);
/* Calls when that falls below so many bytes; NULL: no more. */
void channel_on_fallen(struct channel *c, size_t below_bytes, channel_fallen_cb on_fallen, void *arg);
/* Tries to send what waits, events that are held too, while the socket takes something in limit_ms; before exit. */
void channel_flush(struct channel *c, int limit_ms);

#endif
