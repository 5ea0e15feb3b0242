/* SPDX-License-Identifier: MIT */
/* The mark of a redirect; see marker.h. */
#include "common/marker.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAME "t3ops_paired="

/* Where the mark begins, behind its ? or &; NULL: there is none. */
static const char *marker_find(const char *target)
{
	const char *at = strchr(target, '?');

	for (; at; at = strchr(at, '&'))
		if (strncmp(++at, NAME, strlen(NAME)) == 0)
			return at;
	return NULL;
}

enum marker marker_read(const char *target, uint64_t wall_us)
{
	const char *at = marker_find(target);
	uint64_t made_us;

	if (!at)
		return MARKER_NONE;
	made_us = strtoull(at + strlen(NAME), NULL, 16) * 1000000;
	return made_us <= wall_us + MARKER_FRESH_US && wall_us <= made_us + MARKER_FRESH_US ? MARKER_FRESH
	                                                                                    : MARKER_OLD;
}

bool marker_remove(const char *target, char *out, size_t size)
{
	const char *at = marker_find(target), *rest;
	int n;

	if (!at) {
		n = snprintf(out, size, "%s", target);
		return n >= 0 && (size_t)n < size;
	}
	rest = at + strcspn(at, "&#");
	if (*rest == '&')
		rest++;
	else
		at--; /* its ? or & goes with it */
	n = snprintf(out, size, "%.*s%s", (int)(at - target), target, rest);
	return n >= 0 && (size_t)n < size;
}

bool marker_add(const char *target, uint64_t wall_us, char *out, size_t size)
{
	size_t len;
	int n;

	if (!marker_remove(target, out, size))
		return false;
	len = strlen(out);
	n = snprintf(out + len, size - len, "%c" NAME "%" PRIx64, strchr(out, '?') ? '&' : '?', wall_us / 1000000);
	return n >= 0 && (size_t)n < size - len;
}
