/* SPDX-License-Identifier: MIT */
/*
 * A small HTTP server for unit tests, in a process group of its own: the path of the request
 * says how it behaves.  Every connection has its own process, so a stalled one stalls nobody.
 *
 *   /ok           200 "ok", two Set-Cookie headers      /echo      200, the request as received
 *   /status/N     N with the body "status"              /big/N     200 with N bytes
 *   /close        closed without an answer              /reset     reset without an answer
 *   /short        closed inside the body                /garbage   not HTTP
 *   /stall        accepted, never answered              /headers/N 200 with N bytes of headers
 *   /drip         head and half a body, then silence
 */
#ifndef T3OPS_TESTS_UNIT_TINY_SERVER_H
#define T3OPS_TESTS_UNIT_TINY_SERVER_H

#include <stdint.h>
#include <sys/types.h>

struct tiny_server {
	pid_t pid;
	uint16_t port; /* of 127.0.0.1 */
};

void tiny_server_start(struct tiny_server *s);
void tiny_server_stop(struct tiny_server *s);

#endif
