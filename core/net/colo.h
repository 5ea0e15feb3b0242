/* SPDX-License-Identifier: MIT */
/* Cloudflare's locations: which one a request or an answer came over.  Pure, any process. */
#ifndef T3OPS_NET_COLO_H
#define T3OPS_NET_COLO_H

#include <stddef.h>

#define COLO_SIZE 8

/* Of the value of a CF-Ray field, "8a1b2c3d4e5f6a7b-FRA": "FRA".  "" if it names none: locations are called like
 * airports, by three capital letters, so that no text of others gets into names of segments. */
void colo_read(const char *cf_ray, size_t len, char out[COLO_SIZE]);

#endif
