/* SPDX-License-Identifier: MIT */
/* See part.h. */
#include "part.h"

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* FNV-1a. */
static uint32_t hash(const char *text)
{
	uint32_t h = UINT32_C(2166136261);

	for (; *text != '\0'; text++)
		h = (h ^ (unsigned char)*text) * UINT32_C(16777619);
	return h ^ (h >> 16); /* its low bits alone are those of the last letters */
}

bool part_has(const char *part, const char *user)
{
	unsigned k, n;

	if (part == NULL || sscanf(part, "%u/%u", &k, &n) != 2 || n == 0)
		return true;
	return hash(user) % n == k;
}
