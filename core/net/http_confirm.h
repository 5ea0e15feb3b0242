/* SPDX-License-Identifier: MIT */
/*
 * A second reader of a head's fields: llhttp, which t3's own server has.  It sees fields only, never a first line,
 * and only of heads that passed all checks of ours, so releases of llhttp that differ in strictness make no
 * difference. Pure, any process.
 */
#ifndef T3OPS_NET_HTTP_CONFIRM_H
#define T3OPS_NET_HTTP_CONFIRM_H

#include "net/http_head.h"

/* Whether llhttp finds the same fields as h in the lines behind the first one, the empty line included. */
bool http_fields_confirm(const struct http_head *h, struct span lines);

#endif
