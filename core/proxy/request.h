/* SPDX-License-Identifier: MIT */
/*
 * What a client asks for, and who it is: a head, validated; its path; the user, as far as the peer may be
 * believed; and what plugins want changed on its way.  Proxy.
 */
#ifndef T3OPS_PROXY_REQUEST_H
#define T3OPS_PROXY_REQUEST_H

#include "net/forwarded.h"
#include "net/colo.h"
#include "net/http_head.h"
#include "plugin.h"
#include "proxy/body.h"
#include "proxy/origin.h"
#include "proxy/peer.h"
#include "sys/buf.h"
#include "users/users.h"

struct worker;

/* What a plugin wants changed: value NULL removes. */
struct header_edit {
	char *name, *value;
};
#define HEADER_EDITS_MAX 16

struct request {
	struct peer peer;
	char address[FORWARDED_ADDRESS_SIZE]; /* of the client: as trusted proxies report it, else the peer's */
	uint64_t started_us;
	struct span path; /* of the target, without query and authority */
	char *cookie;     /* of a head with several Cookie lines: what stands in them */
	bool websocket;
	bool close_requested;                /* it is the client's last one */
	bool keep_alive;                     /* as far as the client is concerned */
	uint64_t limit_us;                   /* of path_timeouts; 0: none of its own */
	bool shared;                         /* for a path of shared_paths: the response is the same for all users */
	struct body body;                    /* what of it is still to come */
	enum origin_verdict origin;          /* of a WebSocket */
	char identity[T3OPS_USER_NAME_SIZE]; /* as the trusted proxy says; "" if nobody is signed in */
	bool has_user;
	struct user user;
	struct header_edit edits[HEADER_EDITS_MAX];
	size_t n_edits;
	struct buf extra;      /* header lines that plugins add to the response */
	bool sets_cookie;      /* one of them is a Set-Cookie */
	struct http_head head; /* the last member: spans into the client's input, which stays put meanwhile */
};

/* Reads a head of which nothing but its end is known: validates it, finds the path and the user.  Everything of
 * r but its head has to be zeroed.  REJECT_NONE, or why it is turned away. */
enum reject_reason request_read(struct request *r, struct worker *worker, const struct peer *peer, struct span raw);
/* The same of a summary that request_summarize made of it in another process; who asks is the caller's to fill in.
 * False: it is none. */
bool request_read_summary(struct request *r, const struct worker *worker, const struct peer *peer, struct span raw);
/* A head of at most REQUEST_SUMMARY_MAX bytes, with what is asked of a request whose response is in progress.  False
 * without memory. */
#define REQUEST_SUMMARY_MAX 2048
bool request_summarize(const struct request *r, struct buf *out);
/* Plugins and t3 servers look at one Cookie only (RFC 6265 5.4, RFC 9113 8.2.3): joins several.  False without
 * memory. */
bool request_cookies_join(struct request *r);
void request_fini(struct request *r);

/* Repeating it does no harm (RFC 9110 9.2.1); nor does a second handshake of a WebSocket that never began. */
bool request_is_safe(const struct request *r);
/* A document navigation: somebody looks at what comes back. */
bool request_is_navigation(const struct request *r);
/* Whether the browser speaks HTTP/2 or later to the edge: browsers send Priority (RFC 9218) over those alone. */
bool request_is_over_http2(const struct request *r);
/* Whether it can be sent once more after the t3 server has refused it: all of it is here. */
bool request_is_repeatable(const struct request *r);
/* The Cookie header as the t3 server gets it; empty without one. */
struct span request_cookie(const struct request *r);
/* Path and query. */
struct span request_target(const struct request *r);

/* How often an OPTIONS may still be passed on (Max-Forwards, RFC 9110 7.6.2); FORWARDS_ANY: it does not say. */
#define FORWARDS_ANY UINT64_MAX
uint64_t request_forwards_left(const struct request *r);

/* Whether an identity from elsewhere than the header, read as that is, names its user, or whom the header names who
 * is none. */
bool request_is_of(const struct request *r, const struct worker *worker, const char *identity);
/* Whose page caused it (enum t3ops_site). */
uint32_t request_site(const struct request *r, const struct worker *worker);
/* Who asks, and for what. */
void request_browser(const struct request *r, struct t3ops_browser *out);
/* The Cloudflare location in CF-Ray, "" without a trusted one. */
void request_colo(const struct request *r, char out[COLO_SIZE]);

/* What a plugin wants changed of that field; NULL: nothing. */
const struct header_edit *request_edit_find(const struct request *r, struct span name);
/* Replaces a field on the way to the t3 server; value NULL removes it.  0 or -ENOSPC. */
int request_edit(struct request *r, const char *name, const char *value);
/* Adds a field to the response, whoever makes it.  0 or -ENOMEM. */
int request_extra_add(struct request *r, const char *name, const char *value);

#endif
