/* SPDX-License-Identifier: MIT */
/* Heartbeats and large messages; see ws_beat.h. */
#include "common/ws_beat.h"

#include <stdio.h>
#include <string.h>

size_t ws_beat_make(uint64_t number, char out[WS_BEAT_SIZE])
{
	return (size_t)snprintf(out, WS_BEAT_SIZE, "beat %llu", (unsigned long long)number);
}

bool ws_beat_is(uint64_t number, const void *data, size_t len)
{
	char want[WS_BEAT_SIZE];
	size_t n = ws_beat_make(number, want);

	return len == n && memcmp(data, want, n) == 0;
}

/* xorshift64: the same for the same number, and nothing that repeats. */
static uint64_t next(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

static uint64_t seed(uint64_t number)
{
	return number * UINT64_C(0x9e3779b97f4a7c15) | 1;
}

void ws_large_make(uint64_t number, unsigned char out[WS_LARGE_SIZE])
{
	uint64_t state = seed(number);

	for (size_t i = 0; i < WS_LARGE_SIZE; i += sizeof state) {
		uint64_t word = next(&state);

		memcpy(out + i, &word, sizeof word);
	}
}

bool ws_large_is(uint64_t number, const void *data, size_t len)
{
	uint64_t state = seed(number);
	bool same = len == WS_LARGE_SIZE;

	for (size_t i = 0; same && i < WS_LARGE_SIZE; i += sizeof state) {
		uint64_t word = next(&state);

		same = memcmp((const unsigned char *)data + i, &word, sizeof word) == 0;
	}
	return same;
}
