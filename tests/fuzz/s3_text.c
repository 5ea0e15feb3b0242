/* SPDX-License-Identifier: MIT */
/* An answer of an S3 store that may say anything, and names, which are escaped back and forth. */
#include <string.h>

#include "backup/s3_text.h"
#include "fuzz.h"

static void elements_read(const char *text)
{
	static const char *const names[] = {"Key", "Size", "Code", "UploadId"};
	const char *end = text + strlen(text);
	char out[64];

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		for (const char *at = text, *before = at; before != end; before = at) {
			bool is = s3_element(&at, names[i], out, sizeof out);

			PROMISE(at >= before && at <= end && strnlen(out, sizeof out) < sizeof out);
			PROMISE(!is || at > before);
			if (at == before)
				break;
		}
}

static int digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c - 'A' + 10;
}

static void escape_check(const char *text)
{
	char out[1024];

	if (s3_escape(out, sizeof out, text, '\0') < 0)
		return;
	PROMISE(strspn(out, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~%") == strlen(out));
	for (const char *c = out; *c != '\0'; text++)
		if (*c == '%') {
			PROMISE(digit(c[1]) * 16 + digit(c[2]) == (unsigned char)*text);
			c += 3;
		} else {
			PROMISE(*c++ == *text);
		}
	PROMISE(*text == '\0');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);

	PROMISE(text != NULL);
	memcpy(text, data, size);
	text[size] = '\0';
	elements_read(text);
	escape_check(text);
	free(text);
	return 0;
}
