/* SPDX-License-Identifier: MIT */
/*
 * What a tunnel leaves behind for another proxy: its slot in the tunnel table (ipc/tunnel_table.h), which
 * outlives this process, and the handoff record that it travels in.  It ends no tunnel.  Proxy.
 */
#ifndef T3OPS_PROXY_TUNNEL_SLOT_H
#define T3OPS_PROXY_TUNNEL_SLOT_H

#include "ipc/tunnel_table.h"
#include "net/http_head.h"
#include "proxy/tunnel_state.h"

/* A new tunnel gets a slot, and the supervisor copies of its descriptors.  Without a tunnel table, or with a full
 * one, it just ends with this process. */
void tunnel_slot_put(struct tunnel *t);
/* Bytes are about to be read: from here on it would not survive this process. */
void tunnel_slot_open(const struct tunnel *t);
/* If nothing is in our hands: from here on it would. */
void tunnel_slot_settle(const struct tunnel *t);
/* Holds what was just received for one side, so that it would survive all the same; false: that cannot be, or
 * something is held already. */
bool tunnel_slot_hold(const struct tunnel *t, bool for_client, const char *bytes, size_t n);
/* What is held, to be sent now: as tunnel_slot_open. */
struct span tunnel_slot_release_held(const struct tunnel *t, bool *for_client);
/* It ends: the supervisor closes its copies, too; only then the peers see the end. */
void tunnel_slot_drop(struct tunnel *t);
/* Whose it is should this process die now: before a record is sent it is the receiver's, for two must never
 * have it. */
void tunnel_slot_give(const struct tunnel *t, uint32_t proxy);

/* Packs it; the number of bytes, 0: it has too much pending now.  fds: client's, t3 server's; they stay the
 * tunnel's. */
size_t tunnel_pack(const struct tunnel *t, char *out, size_t size, int fds[2]);
/* A record came, but its tunnel cannot go on here, and its sender has forgotten it: it is reported as ended by
 * us, and the supervisor closes its copies, so that the peers see the end. */
void tunnel_lose(struct worker *worker, const char *bytes, size_t n, const char *why);
/* Into a new tunnel that has its descriptors, names and pending bytes already. */
void tunnel_unpack(struct tunnel *t, const struct handoff_record *p);

#endif
