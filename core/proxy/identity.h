/* SPDX-License-Identifier: MIT */
/*
 * Who a request is from: the identity header, believed only where it comes from a trusted proxy, and
 * only if it can be read in one way.  Pure.
 */
#ifndef T3OPS_PROXY_IDENTITY_H
#define T3OPS_PROXY_IDENTITY_H

#include "net/field_name.h"

enum identity_result {
	IDENTITY_NONE, /* nobody says who it is */
	IDENTITY_FOUND,
	IDENTITY_IGNORED, /* said by a peer that is not trusted */
	IDENTITY_REFUSED, /* twice, aliased (case, _, .), named in Connection, or not a name */
};

/* name: of the header, which ends with a NUL; out has room for 64 bytes. */
enum identity_result identity_find(const struct http_head *h, struct span name, bool trusted, bool strip_domain,
                                   char out[64]);

/* Whether a field would be taken for `name`.  Inline, for nearly every field differs in length. */
static inline bool identity_is_named(struct span field, struct span name)
{
	return field.len == name.len && field_name_is_alias(field, name);
}

#endif
