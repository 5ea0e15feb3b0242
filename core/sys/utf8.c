/* SPDX-License-Identifier: MIT */
/* Which bytes are characters; see utf8.h. */
#include "sys/utf8.h"

size_t utf8_length(const char *text)
{
	const unsigned char *p = (const unsigned char *)text;
	static const struct {
		unsigned char low, high, second_low, second_high;
		size_t len;
	} rows[] = {{0xc2, 0xdf, 0x80, 0xbf, 2}, {0xe0, 0xe0, 0xa0, 0xbf, 3}, {0xe1, 0xec, 0x80, 0xbf, 3},
	            {0xed, 0xed, 0x80, 0x9f, 3}, {0xee, 0xef, 0x80, 0xbf, 3}, {0xf0, 0xf0, 0x90, 0xbf, 4},
	            {0xf1, 0xf3, 0x80, 0xbf, 4}, {0xf4, 0xf4, 0x80, 0x8f, 4}};

	if (*p < 0x80)
		return 1;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		size_t n = 2;

		if (*p < rows[i].low || *p > rows[i].high || p[1] < rows[i].second_low || p[1] > rows[i].second_high)
			continue;
		while (n < rows[i].len && (p[n] & 0xc0) == 0x80)
			n++;
		return n == rows[i].len ? n : 0;
	}
	return 0;
}

bool utf8_valid(const char *text)
{
	size_t n = 1;

	while (*text != '\0' && n > 0)
		text += n = utf8_length(text);
	return n > 0;
}
