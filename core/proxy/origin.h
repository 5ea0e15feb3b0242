/* SPDX-License-Identifier: MIT */
/*
 * Whether a page may open a WebSocket here: t3 itself does not ask, so any site that the user visits could
 * otherwise talk to their t3 server with their cookies (cross-site WebSocket hijacking).  And whether a request was
 * caused by another site, which nobody should be signed in for.  Pure.
 */
#ifndef T3OPS_PROXY_ORIGIN_H
#define T3OPS_PROXY_ORIGIN_H

#include "options/option.h"

#include "net/cidr.h"
#include "net/http_head.h"

enum origin_verdict {
	ORIGIN_OURS,   /* it is this site's, or one of the list's */
	ORIGIN_ABSENT, /* not a browser; it has no ticket of its own */
	ORIGIN_TICKET, /* not a browser, but with a ticket or a token of its own: not a cookie that somebody else uses
	                */
	ORIGIN_FOREIGN, /* another site's, opaque ("null"), or said twice */
};

/* Compares Origin (RFC 6454 7) with the host that the browser asked for, default ports aside: Host, and what proxies
 * in front of us say it was (X-Forwarded-Host, X-Forwarded-Port, Forwarded), if they are trusted: proxies lists them,
 * NULL: the peer is none.  allowed: a list of further origins, as "https://t3.example.com". */
enum origin_verdict origin_check(const struct http_head *h, const struct text_list *allowed,
                                 const struct cidr_list *proxies);

/* Whose page caused a request of any kind (enum t3ops_site). */
uint32_t origin_site(const struct http_head *h, const struct cidr_list *proxies);

#endif
