/* SPDX-License-Identifier: MIT */
/* The reason phrases of HTTP status codes, as IANA registers them.  Pure, any process. */
#ifndef T3OPS_NET_HTTP_STATUS_H
#define T3OPS_NET_HTTP_STATUS_H

/* "Not Found"; "Unknown" for a number that is not registered. */
const char *http_status_text(int status);

#endif
