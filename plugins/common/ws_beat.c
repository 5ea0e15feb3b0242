/* SPDX-License-Identifier: MIT */
/* Heartbeats and large messages; see ws_beat.h. */
#include "common/ws_beat.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* As text that ends; "": it is too long to be one of these, or has a byte in it that none has. */
static void text_take(const void *data, size_t len, char out[WS_BEAT_SIZE])
{
	out[0] = '\0';
	if (len >= WS_BEAT_SIZE || memchr(data, '\0', len) != NULL)
		return;
	memcpy(out, data, len);
	out[len] = '\0';
}

/* Nothing follows what was read. */
static bool is_all(const char *text, int read)
{
	return read > 0 && text[read] == '\0';
}

size_t ws_beat_make(uint64_t number, const char *id, char out[WS_BEAT_SIZE])
{
	return (size_t)snprintf(out, WS_BEAT_SIZE, "beat %" PRIu64 "%s%.16s", number, id[0] != '\0' ? " " : "", id);
}

bool ws_beat_is(uint64_t number, const char *id, const void *data, size_t len, struct ws_stamps *stamps)
{
	char want[WS_BEAT_SIZE], text[WS_BEAT_SIZE];
	size_t n = ws_beat_make(number, id, want);
	int read = 0;

	*stamps = (struct ws_stamps){0, 0};
	text_take(data, len, text);
	if (strncmp(text, want, n) != 0)
		return false;
	if (text[n] == '\0')
		return true;
	sscanf(text + n, " %20" SCNu64 " %20" SCNu64 "%n", &stamps->received_us, &stamps->answered_us, &read);
	return is_all(text + n, read);
}

bool ws_beat_read(const void *data, size_t len, uint64_t *number, char id[WS_ID_SIZE])
{
	char text[WS_BEAT_SIZE];
	int read = 0;

	text_take(data, len, text);
	sscanf(text, "beat %20" SCNu64 " %16[0-9a-f]%n", number, id, &read);
	return is_all(text, read);
}

size_t ws_beat_answer(uint64_t number, const char *id, const struct ws_stamps *stamps, char out[WS_BEAT_SIZE])
{
	return (size_t)snprintf(out, WS_BEAT_SIZE, "beat %" PRIu64 " %.16s %" PRIu64 " %" PRIu64, number, id,
	                        stamps->received_us, stamps->answered_us);
}

size_t ws_seen_ask(const char *id, char out[WS_BEAT_SIZE])
{
	return (size_t)snprintf(out, WS_BEAT_SIZE, "seen %.16s", id);
}

bool ws_seen_read(const void *data, size_t len, char id[WS_ID_SIZE])
{
	char text[WS_BEAT_SIZE];
	int read = 0;

	text_take(data, len, text);
	sscanf(text, "seen %16[0-9a-f]%n", id, &read);
	return is_all(text, read);
}

size_t ws_seen_answer(const char *id, uint64_t number, char out[WS_BEAT_SIZE])
{
	return (size_t)snprintf(out, WS_BEAT_SIZE, "seen %.16s %" PRIu64, id, number);
}

bool ws_seen_is(const char *id, const void *data, size_t len, uint64_t *number)
{
	char text[WS_BEAT_SIZE], of[WS_ID_SIZE];
	int read = 0;

	text_take(data, len, text);
	sscanf(text, "seen %16[0-9a-f] %20" SCNu64 "%n", of, number, &read);
	return is_all(text, read) && strcmp(of, id) == 0;
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
