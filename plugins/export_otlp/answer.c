/* SPDX-License-Identifier: MIT */
/* Answers of receivers; see answer.h. */
#include "export_otlp/answer.h"

#include <errno.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define SECOND_US UINT64_C(1000000)

enum answer_fate answer_judge(int error, int status)
{
	if (error == -EINVAL || error == -EFBIG)
		return ANSWER_REFUSED;
	if (error != 0)
		return ANSWER_RETRY;
	switch (status) {
	case 413:
		return ANSWER_SMALLER;
	case 429:
	case 502:
	case 503:
	case 504:
		return ANSWER_RETRY;
	default:
		return status >= 200 && status < 300 ? ANSWER_TAKEN : ANSWER_REFUSED;
	}
}

/* ---- Retry-After ------------------------------------------------------------------------------------------- */

static bool is_number(const char *text)
{
	size_t digits = strspn(text, "0123456789");

	return digits > 0 && text[digits] == '\0';
}

/* An IMF-fixdate, the only form that is still sent. */
static bool date_read(const char *text, time_t *out)
{
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	char month[4];
	struct tm tm = {0};
	const char *found;
	int end = 0;

	if (sscanf(text, "%*3[A-Za-z], %2d %3[A-Za-z] %4d %2d:%2d:%2d GMT%n", &tm.tm_mday, month, &tm.tm_year,
	           &tm.tm_hour, &tm.tm_min, &tm.tm_sec, &end) != 6 ||
	    end == 0 || text[end] != '\0')
		return false;
	found = strlen(month) == 3 ? strstr(months, month) : NULL;
	if (found == NULL || (found - months) % 3 != 0)
		return false;
	tm.tm_mon = (int)(found - months) / 3;
	tm.tm_year -= 1900;
	*out = timegm(&tm);
	return *out > 0;
}

uint64_t answer_retry_after_us(const char *text, uint64_t now_us, uint64_t limit_us)
{
	uint64_t delay_us;
	time_t date;

	if (text == NULL)
		return 0;
	if (is_number(text)) {
		unsigned long long seconds = strlen(text) < 10 ? strtoull(text, NULL, 10) : limit_us / SECOND_US;

		delay_us = seconds * SECOND_US;
	} else if (date_read(text, &date)) {
		uint64_t until_us = (uint64_t)date * SECOND_US;

		delay_us = until_us > now_us ? until_us - now_us : 0;
	} else {
		return 0;
	}
	return delay_us < limit_us ? delay_us : limit_us;
}

/* ---- partial success --------------------------------------------------------------------------------------- */

/* 64-bit numbers are text, but not in every receiver. */
static long long count_of(const json_t *value)
{
	const char *text = json_string_value(value);

	if (json_is_integer(value))
		return json_integer_value(value);
	return text != NULL && is_number(text) && strlen(text) < 10 ? strtoll(text, NULL, 10) : 0;
}

static void printable_copy(const char *text, char *out, size_t size)
{
	size_t n = 0;

	for (; *text != '\0' && n + 1 < size; text++)
		out[n++] = (unsigned char)*text >= ' ' && (unsigned char)*text < 0x7f ? *text : '?';
	out[n] = '\0';
}

size_t answer_rejected(const char *body, size_t len, size_t n, char *why, size_t size)
{
	json_t *o = json_loadb(body, len, 0, NULL), *partial = json_object_get(o, "partialSuccess");
	const char *message = json_string_value(json_object_get(partial, "errorMessage"));
	long long rejected = count_of(json_object_get(partial, "rejectedLogRecords"));

	if (rejected == 0)
		rejected = count_of(json_object_get(partial, "rejectedSpans"));
	printable_copy(message != NULL ? message : "", why, size);
	json_decref(o);
	return rejected < 0 ? 0 : (unsigned long long)rejected > n ? n : (size_t)rejected;
}
