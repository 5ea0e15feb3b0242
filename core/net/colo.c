/* SPDX-License-Identifier: MIT */
/* The location in a CF-Ray; see colo.h. */
#include "net/colo.h"

#include <stdbool.h>
#include <string.h>

#define COLO_LEN 3

static bool is_colo(const char *text)
{
	for (size_t i = 0; i < COLO_LEN; i++)
		if (text[i] < 'A' || text[i] > 'Z')
			return false;
	return true;
}

void colo_read(const char *cf_ray, size_t len, char out[COLO_SIZE])
{
	const char *colo = len > COLO_LEN ? cf_ray + len - COLO_LEN : NULL;

	out[0] = '\0';
	if (colo == NULL || colo[-1] != '-' || !is_colo(colo))
		return;
	memcpy(out, colo, COLO_LEN);
	out[COLO_LEN] = '\0';
}
