/* SPDX-License-Identifier: MIT */
/*
 * What caches between may keep.  Every user has a t3 server of their own behind one host name, so a cache that keeps
 * an answer by its URL (Cloudflare, nginx, a company's proxy) would hand one user's to the next.  t3 servers do not
 * know that they share a name: their answers leave as private ones, whatever they say themselves.  Pure.
 */
#ifndef T3OPS_PROXY_CACHING_H
#define T3OPS_PROXY_CACHING_H

#include "net/http_head.h"
#include "options/option.h"
#include "sys/buf.h"

enum caching {
	CACHING_AS_SENT, /* the same for all users: the t3 server's own word counts */
	CACHING_PRIVATE, /* in the browser that asked for it, and nowhere else */
	CACHING_NONE,    /* nowhere */
};

/* Whether the path is one of shared_paths, or below one, in the one way in which it can be read: with a percent sign,
 * a backslash, an empty or a dot segment it is none. */
bool caching_path_is_shared(struct span path, const struct text_list *shared);

/* Of the answer to a request for a shared path, or not; sets_cookie: t3ops adds a cookie to it. */
enum caching caching_of(const struct http_head *h, bool shared, bool sets_cookie);

/* Whether the field tells caches what to do, so that it is made anew unless caching is AS_SENT. */
bool caching_is_steering(struct span name);

/* The fields in place of those; false without memory. */
bool caching_add(const struct http_head *h, enum caching caching, struct buf *out);

#endif
