/* SPDX-License-Identifier: MIT */
/* What legs send to an echo: small numbered heartbeats, and large messages that no compression makes small.  Pure. */
#ifndef T3OPS_PLUGINS_COMMON_WS_BEAT_H
#define T3OPS_PLUGINS_COMMON_WS_BEAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WS_BEAT_SIZE  128
#define WS_ID_SIZE    17 /* of a connection, with its NUL */
#define WS_LARGE_SIZE 65536

/* The header by which probe_echo knows the installation's own legs. */
#define WS_PROBE_KEY_HEADER "X-T3ops-Probe-Key"
/* What it sends to those before it echoes a large message, so that a loss shows its way. */
#define WS_LARGE_ARRIVED "arrived"

/* When the echo received a heartbeat and answered it, by its own clock; 0: it does not say. */
struct ws_stamps {
	uint64_t received_us, answered_us;
};

/*
 * Heartbeats are "beat NUMBER ID", or "beat NUMBER", and any echo answers them with the same text.  probe_echo
 * appends RECEIVED and ANSWERED for the installation's own legs, and to "seen ID" appends the number of the last
 * heartbeat that it received on that connection, if it knows it.  Each makes or reads one of these; those that make
 * return the length.
 */
size_t ws_beat_make(uint64_t number, const char *id, char out[WS_BEAT_SIZE]);
/* The answer to that one. */
bool ws_beat_is(uint64_t number, const char *id, const void *data, size_t len, struct ws_stamps *stamps);
/* A heartbeat that has an id. */
bool ws_beat_read(const void *data, size_t len, uint64_t *number, char id[WS_ID_SIZE]);
size_t ws_beat_answer(uint64_t number, const char *id, const struct ws_stamps *stamps, char out[WS_BEAT_SIZE]);
size_t ws_seen_ask(const char *id, char out[WS_BEAT_SIZE]);
bool ws_seen_read(const void *data, size_t len, char id[WS_ID_SIZE]);
size_t ws_seen_answer(const char *id, uint64_t number, char out[WS_BEAT_SIZE]);
/* The answer about that connection; an echo that knows nothing of it makes none. */
bool ws_seen_is(const char *id, const void *data, size_t len, uint64_t *number);

void ws_large_make(uint64_t number, unsigned char out[WS_LARGE_SIZE]);
bool ws_large_is(uint64_t number, const void *data, size_t len);

#endif
