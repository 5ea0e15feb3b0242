/* SPDX-License-Identifier: MIT */
/* Reading max-age; see lifetime.h. */
#include "identity_jwt/lifetime.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define SECOND_US UINT64_C(1000000)
#define LEAST_US  (60 * SECOND_US)
#define MAX_AGE   "max-age="
#define LONGEST_S UINT64_C(31536000)

static uint64_t seconds_read(const char *text)
{
	unsigned long long s = *text >= '0' && *text <= '9' ? strtoull(text, NULL, 10) : 0;

	return s < LONGEST_S ? s : LONGEST_S;
}

/* NULL: there is none. */
static const char *max_age_find(const char *cache_control)
{
	const char *at = cache_control;

	while (at != NULL && *at != '\0') {
		at += strspn(at, ", \t");
		if (strncasecmp(at, MAX_AGE, strlen(MAX_AGE)) == 0)
			return at + strlen(MAX_AGE);
		at += strcspn(at, ",");
	}
	return NULL;
}

uint64_t lifetime_us(const char *cache_control, const char *age, uint64_t usual_us)
{
	const char *found = max_age_find(cache_control);
	uint64_t max_s = found != NULL ? seconds_read(found) : 0, age_s = age != NULL ? seconds_read(age) : 0;
	uint64_t us = max_s > age_s ? (max_s - age_s) * SECOND_US / 5 * 4 : LEAST_US;

	if (found == NULL || us > usual_us)
		us = usual_us;
	return us > LEAST_US ? us : LEAST_US;
}
