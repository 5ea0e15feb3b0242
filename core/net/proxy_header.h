/* SPDX-License-Identifier: MIT */
/*
 * The header of the PROXY protocol, versions 1 and 2, with which a proxy that only passes bytes on says whose
 * connection it passes on.  Pure.
 */
#ifndef T3OPS_NET_PROXY_HEADER_H
#define T3OPS_NET_PROXY_HEADER_H

#include <stddef.h>
#include <sys/socket.h>

#define PROXY_HEADER_MAX 4112 /* bytes that are read; a longer one is invalid */

enum proxy_header_result {
	PROXY_HEADER_MORE,    /* so far it is one: all n bytes belong to it, and more are needed */
	PROXY_HEADER_INVALID, /* it is none, or not one of a stream */
	PROXY_HEADER_NAMED,   /* source is whose connection it is */
	PROXY_HEADER_UNNAMED, /* the proxy's own (LOCAL), or of an address that is not known (UNKNOWN, a Unix socket)
	                       */
};

struct proxy_header {
	size_t len; /* bytes of the header, at most n */
	struct sockaddr_storage source;
};

/* out is set for NAMED and UNNAMED. */
enum proxy_header_result proxy_header_parse(const void *bytes, size_t n, struct proxy_header *out);

#endif
