/* SPDX-License-Identifier: MIT */
/*
 * Tunnels that move: the front that drains gives every tunnel to the one that took its place, over a
 * SEQPACKET socket between the two.  A datagram is one tunnel: struct tunnel_parcel, its pending bytes,
 * its two descriptors.  No byte is lost or repeated: what was read and not yet written goes along, and
 * nobody reads in between.
 *
 * The taker speaks first and says which parcels it knows; a giver of another binary that does not know
 * them keeps its tunnels and ends with them, as it would without a taker.
 */
#ifndef T3OPS_FRONT_HANDOVER_H
#define T3OPS_FRONT_HANDOVER_H

#include "front/front_state.h"

/* Both take the socket.  The giver gives what can go now and comes back for the rest: a tunnel with much
 * pending waits until it is lighter, or until there is another taker, who gets it instead.  taker: the serial of
 * the other process. */
void handover_give(struct front *f, int fd, uint32_t taker);
void handover_take(struct front *f, int fd);
/* Whether tunnels may still come. */
bool handover_is_taking(const struct front *f);
void handover_free(struct front *f);

#endif
