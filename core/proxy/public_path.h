/* SPDX-License-Identifier: MIT */
/*
 * Paths that the proxy lets through without a sign-in (the probes'): whatever identity a request to them
 * carries was written by the client itself.  A proxy may compare what it decoded or resolved (RFC 3986 6.2.2)
 * and pass on what came, so that a path counts as public if any way of reading it is.  Pure.
 */
#ifndef T3OPS_PROXY_PUBLIC_PATH_H
#define T3OPS_PROXY_PUBLIC_PATH_H

#include "options/option.h"

#include "net/http_head.h"

/* prefixes: a list, such as "/probe"; they end in no slash.  Case does not count.  Without memory: true. */
bool path_is_public(struct span path, const struct text_list *prefixes);

#endif
