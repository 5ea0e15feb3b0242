/* SPDX-License-Identifier: MIT */
/*
 * What the page at the other end of a tunnel experiences: its heartbeat, and whether its side takes what is sent.
 * Follows and tells; it ends nothing.  Proxy.
 */
#ifndef T3OPS_PROXY_TUNNEL_PAGE_H
#define T3OPS_PROXY_TUNNEL_PAGE_H

#include "diagnosis/page_evidence.h"
#include "obs/event.h"
#include "proxy/tunnel_state.h"

/* A small frame came from that side (a ws_small_cb; arg: the struct tunnel_side). */
void tunnel_page_frame(void *arg, uint8_t first, const uint8_t *payload, size_t len);
/* The t3 server sent so much. */
void tunnel_page_answer(struct tunnel *t, size_t n, uint64_t now_us);
/* Counts again what the client has taken. */
void tunnel_page_count(struct tunnel *t, uint64_t now_us);
/* The facts for an event about the tunnel; end: how it ended, or PAGE_END_NONE while it is open. */
void tunnel_page_fill(const struct tunnel *t, enum page_end end, uint64_t now_us, struct event_page *out);
/* Whether its page lost it, by those facts; code: of the first close frame. */
bool tunnel_page_is_drop(const struct tunnel *t, const struct event_page *page, uint16_t code, uint64_t now_us);
/* Looks at an open tunnel: whether what its page experiences is another thing than at the last look. */
bool tunnel_page_changed(struct tunnel *t, uint64_t now_us);

#endif
