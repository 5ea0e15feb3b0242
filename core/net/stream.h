/* SPDX-License-Identifier: MIT */
/* Writing to a non-blocking socket with a queue behind it.  Proxy. */
#ifndef T3OPS_NET_STREAM_H
#define T3OPS_NET_STREAM_H

#include "sys/buf.h"

/* Writes what the socket takes now, queues the rest; nothing is written past a queue that is not
 * empty.  0 or -errno. */
int stream_send(int fd, struct buf *queue, const void *bytes, size_t n);
/* Writes from the queue; 0 (look at its length) or -errno. */
int stream_flush(int fd, struct buf *queue);

/* A peer that is gone sends nothing: from here on the kernel asks one that is silent, and ends the connection of one
 * that answers no longer, within half a minute. */
void stream_watch_peer(int fd);

/* From here on closing resets: the peer must not take a broken stream for a whole one. */
void stream_break(int fd);
/* As it was before. */
void stream_unbreak(int fd);

#endif
