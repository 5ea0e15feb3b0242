/* SPDX-License-Identifier: MIT */
/* Pauses between attempts; see backoff.h. */
#include "prober/backoff.h"

uint64_t backoff_us(uint64_t min_us, uint64_t max_us, unsigned failures, uint32_t random)
{
	uint64_t pause = min_us;

	for (unsigned i = 1; i < failures && pause < max_us; i++)
		pause *= 2;
	if (pause > max_us)
		pause = max_us;
	return pause - pause / 4 * random / UINT32_MAX;
}

uint64_t backoff_retry_us(uint64_t last_us, uint64_t heartbeat_us, uint64_t now_us, uint32_t random)
{
	uint64_t due_us = last_us + heartbeat_us;

	return due_us > now_us ? due_us - now_us : heartbeat_us / 10 * random / UINT32_MAX;
}
