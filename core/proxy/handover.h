/* SPDX-License-Identifier: MIT */
/*
 * Connections that move: the proxy that drains gives every tunnel, every response in progress that can go on
 * elsewhere (exchange_handoff.h), and every client that is between two requests, to its successor, over a SEQPACKET
 * socket between the two.  A datagram is one tunnel: struct handoff_record, its pending bytes, its two descriptors;
 * one exchange, in the same way; or one client: HANDOFF_IDLE, struct client_name, and its descriptor.  No byte is
 * lost or repeated: what was read and not yet written goes along, and nobody reads in between.
 *
 * The receiver speaks first: which records it knows; a sender of another binary that does not know
 * them keeps its tunnels and ends with them, as it would without a receiver.
 */
#ifndef T3OPS_PROXY_HANDOVER_H
#define T3OPS_PROXY_HANDOVER_H

#include <stdbool.h>
#include <stdint.h>

struct worker;
struct handovers;

/* worker->handovers.  NULL without memory. */
struct handovers *handovers_new(void);
void handovers_free(struct handovers *all); /* ends those in progress */
/* Both take the socket.  The sender gives what can go now and comes back for the rest: one with much
 * pending waits until it is lighter, or until there is another receiver, who gets it instead.  receiver: the serial
 * of the other process. */
void handover_give(struct worker *worker, int fd, uint32_t receiver);
void handover_take(struct worker *worker, int fd);
/* Whether connections may still come. */
bool handover_is_taking(const struct handovers *all);

#endif
