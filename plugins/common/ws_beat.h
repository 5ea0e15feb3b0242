/* SPDX-License-Identifier: MIT */
/* What legs send to an echo: small numbered heartbeats, and large messages that no compression makes small.  Pure. */
#ifndef T3OPS_PLUGINS_COMMON_WS_BEAT_H
#define T3OPS_PLUGINS_COMMON_WS_BEAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WS_BEAT_SIZE  32
#define WS_LARGE_SIZE 65536

/* The header by which probe_echo knows the installation's own legs. */
#define WS_PROBE_KEY_HEADER "X-T3ops-Probe-Key"
/* What it sends to those before it echoes a large message, so that a loss shows its way. */
#define WS_LARGE_ARRIVED "arrived"

/* Text of a heartbeat; returns its length. */
size_t ws_beat_make(uint64_t number, char out[WS_BEAT_SIZE]);
bool ws_beat_is(uint64_t number, const void *data, size_t len);

void ws_large_make(uint64_t number, unsigned char out[WS_LARGE_SIZE]);
bool ws_large_is(uint64_t number, const void *data, size_t len);

#endif
