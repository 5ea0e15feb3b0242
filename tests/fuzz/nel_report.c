/* SPDX-License-Identifier: MIT */
/* Reports that a browser, or anybody with a user's token, may have made up. */
#include "net/nel_report.h"

#include <stdbool.h>
#include <string.h>

#include "fuzz.h"

static bool is_printable(const char *text, size_t size)
{
	size_t len = strnlen(text, size);

	for (size_t i = 0; i < len; i++)
		if ((unsigned char)text[i] <= ' ' || (unsigned char)text[i] >= 0x7f)
			return false;
	return len < size;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct nel_report reports[NEL_REPORTS_MAX];
	size_t left_out = 0;
	int n = nel_reports_read((const char *)data, size, reports, &left_out);

	PROMISE(n <= NEL_REPORTS_MAX && left_out <= size);
	for (int i = 0; i < n; i++) {
		const struct nel_report *r = &reports[i];

		PROMISE(is_printable(r->type, sizeof r->type) && is_printable(r->phase, sizeof r->phase));
		PROMISE(is_printable(r->method, sizeof r->method) && is_printable(r->path, sizeof r->path));
		PROMISE(strpbrk(r->path, "?#") == NULL && r->path[0] == '/');
		PROMISE(r->age_us <= NEL_AGE_MAX_US && r->elapsed_us <= NEL_AGE_MAX_US && r->status < 1000);
	}
	return 0;
}
