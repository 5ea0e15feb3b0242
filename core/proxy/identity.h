/* SPDX-License-Identifier: MIT */
/*
 * Who a request is from: the identity header, believed only where it comes from a trusted proxy, and
 * only if it can be read in one way.  Pure.
 */
#ifndef T3OPS_PROXY_IDENTITY_H
#define T3OPS_PROXY_IDENTITY_H

#include "net/field_name.h"
#include "plugin.h"

enum identity_result {
	IDENTITY_NONE, /* nobody says who it is */
	IDENTITY_FOUND,
	IDENTITY_IGNORED, /* said by a peer that is not trusted */

	/* refused: */
	IDENTITY_TWICE,
	IDENTITY_ALIASED,    /* the name of the field differs in _ or . */
	IDENTITY_CONNECTION, /* named in Connection */
	IDENTITY_LENGTH,
	IDENTITY_CONTROL,
	IDENTITY_ENCODING,
};

/* How it is written. */
struct identity_form {
	struct span name;     /* of the header; ends with a NUL */
	bool strip_domain;    /* @DOMAIN is no part of it */
	bool percent_encoded; /* RFC 3986 2.1, of UTF-8 */
};

/* Any printable text: UTF-8, and what is not UTF-8 is taken for Latin-1 (RFC 9110 5.5) and becomes UTF-8. */
enum identity_result identity_find(const struct http_head *h, const struct identity_form *form, bool trusted,
                                   char out[T3OPS_USER_NAME_SIZE]);

/* The same from UTF-8 of elsewhere, which nobody percent-encoded; false: it names nobody. */
bool identity_read(const char *text, const struct identity_form *form, char out[T3OPS_USER_NAME_SIZE]);

/* Whether a field would be taken for `name`.  Inline, for nearly every field differs in length. */
static inline bool identity_is_named(struct span field, struct span name)
{
	return field.len == name.len && field_name_is_alias(field, name);
}

#endif
