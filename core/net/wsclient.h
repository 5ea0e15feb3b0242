/* SPDX-License-Identifier: MIT */
/*
 * WebSocket client (RFC 6455) on a libev loop: libcurl connects and speaks TLS (CONNECT_ONLY),
 * wslay frames.  Masking keys come from getrandom(2).  Pings of the far side are answered here.
 * One callback set a connection; on_end comes exactly once unless wsclient_close was called.
 */
#ifndef T3OPS_NET_WSCLIENT_H
#define T3OPS_NET_WSCLIENT_H

#include <ev.h>
#include <stddef.h>

#include "net/fetch_way.h"
#include "plugin.h"

struct wsclient;

struct wsclient_callbacks {
	void (*on_step)(struct wsclient *c, uint32_t step, void *arg); /* enum t3ops_step reached */
	/* Before on_open or on_end, of a certificate that is refused, too; until_us: since 1970. */
	void (*on_certificate)(struct wsclient *c, uint64_t until_us, void *arg);
	/* Before on_open or on_end, if the upgrade was answered with a CF-Ray. */
	void (*on_location)(struct wsclient *c, const char *cf_ray, void *arg);
	void (*on_open)(struct wsclient *c, void *arg);
	void (*on_message)(struct wsclient *c, int op, const void *data, size_t len, void *arg);
	void (*on_end)(struct wsclient *c, const struct t3ops_ws_end *end, void *arg); /* freed after it */
};

/* way: NULL: to where the URL says. */
struct wsclient *wsclient_open(struct ev_loop *loop, const struct t3ops_ws_open *o, const struct fetch_way *way,
                               const struct wsclient_callbacks *cb, size_t max_message, void *arg);
int wsclient_send(struct wsclient *c, int op, const void *data, size_t len);
/* *acknowledged: whether the next hop has taken all that was sent.  False: it is not known. */
bool wsclient_acknowledged(const struct wsclient *c, bool *acknowledged);
/* Sends a close frame if it can at once, closes, frees.  No callback follows. */
void wsclient_close(struct wsclient *c, int code);

#endif
