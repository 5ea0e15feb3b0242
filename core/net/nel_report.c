/* SPDX-License-Identifier: MIT */
/* Reports of browsers; see nel_report.h. */
#include "net/nel_report.h"

#include <errno.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define LOWER "abcdefghijklmnopqrstuvwxyz"
#define UPPER "ABCDEFGHIJKLMNOPQRSTUVWXYZ"

/* A word of those characters alone. */
static bool word_take(const json_t *value, const char *allowed, char *out, size_t size)
{
	const char *text = json_string_value(value);

	if (text == NULL || *text == '\0' || strlen(text) >= size || text[strspn(text, allowed)] != '\0')
		return false;
	strcpy(out, text);
	return true;
}

/* Milliseconds, whole or not. */
static bool duration_take(const json_t *value, uint64_t *out_us)
{
	double ms = json_number_value(value);

	if (!json_is_number(value) || !(ms >= 0) || ms > (double)NEL_AGE_MAX_US / 1000)
		return false;
	*out_us = (uint64_t)(ms * 1000);
	return true;
}

static bool status_take(const json_t *value, unsigned *out)
{
	json_int_t status = json_integer_value(value);

	if (!json_is_integer(value) || status < 0 || status > 999)
		return false;
	*out = (unsigned)status;
	return true;
}

/* Of an absolute URL; what is long ends early. */
static bool path_take(const json_t *value, char *out, size_t size)
{
	const char *url = json_string_value(value), *host = url != NULL ? strstr(url, "://") : NULL, *path;
	size_t len;

	path = host != NULL ? strchr(host + 3, '/') : NULL;
	if (path == NULL)
		return false;
	len = strcspn(path, "?#");
	if (len >= size)
		len = size - 1;
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)path[i] <= ' ' || (unsigned char)path[i] >= 0x7f)
			return false;
	snprintf(out, size, "%.*s", (int)len, path);
	return true;
}

static bool phase_is_known(const char *phase)
{
	return strcmp(phase, "dns") == 0 || strcmp(phase, "connection") == 0 || strcmp(phase, "application") == 0;
}

static bool report_read(const json_t *o, struct nel_report *r)
{
	const char *type = json_string_value(json_object_get(o, "type"));
	const json_t *body = json_object_get(o, "body");

	*r = (struct nel_report){0};
	return type != NULL && strcmp(type, "network-error") == 0 &&
	       word_take(json_object_get(body, "type"), LOWER "._", r->type, sizeof r->type) &&
	       strcmp(r->type, "ok") != 0 &&
	       word_take(json_object_get(body, "phase"), LOWER, r->phase, sizeof r->phase) &&
	       phase_is_known(r->phase) &&
	       word_take(json_object_get(body, "method"), UPPER, r->method, sizeof r->method) &&
	       status_take(json_object_get(body, "status_code"), &r->status) &&
	       duration_take(json_object_get(body, "elapsed_time"), &r->elapsed_us) &&
	       duration_take(json_object_get(o, "age"), &r->age_us) &&
	       path_take(json_object_get(o, "url"), r->path, sizeof r->path) &&
	       strncmp(r->path, "/probe/", 7) != 0; /* theirs, which hold the token */
}

int nel_reports_read(const char *bytes, size_t len, struct nel_report out[NEL_REPORTS_MAX], size_t *left_out)
{
	json_t *list = len <= NEL_BODY_MAX ? json_loadb(bytes, len, 0, NULL) : NULL;
	size_t n = 0, all = json_array_size(list);

	if (!json_is_array(list)) {
		json_decref(list);
		return -EPROTO;
	}
	for (size_t i = 0; i < all && n < NEL_REPORTS_MAX; i++)
		n += report_read(json_array_get(list, i), &out[n]);
	*left_out = all - n;
	json_decref(list);
	return (int)n;
}
