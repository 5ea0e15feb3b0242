/* SPDX-License-Identifier: MIT */
/* Names of header fields: which of them are taken for the same, and which have a meaning that HTTP gives them.  Pure.
 */
#ifndef T3OPS_NET_FIELD_NAME_H
#define T3OPS_NET_FIELD_NAME_H

#include "net/http_head.h"

/* Whether a field would be taken for `name`, which is as long, by something that folds case, "_" and "." to "-". */
bool field_name_is_alias(struct span field, struct span name);
/* Whether HTTP, a browser or a proxy's forwarding gives the name, or one that it is an alias of, a meaning. */
bool field_name_is_taken(struct span name);

#endif
