/* SPDX-License-Identifier: MIT */
/* Names that look like others; see look_alike.h. */
#include "users/look_alike.h"

#include <ctype.h>
#include <stdint.h>
#include <string.h>

#include "sys/utf8.h"

static const char *const invisible[] = {"\u00ad", "\u200b", "\u200c", "\u200d", "\u200e", "\u200f", "\u202a",
                                        "\u202b", "\u202c", "\u202d", "\u202e", "\u2060", "\u2066", "\u2067",
                                        "\u2068", "\u2069", "\u034f", "\u180e", "\ufeff"};

/* Letters of Cyrillic and Greek that are drawn as Latin ones are. */
static const struct {
	const char *letter;
	char as;
} letters[] = {
    {"а", 'a'}, {"е", 'e'}, {"о", 'o'}, {"р", 'p'}, {"с", 'c'}, {"у", 'y'}, {"х", 'x'}, {"і", 'i'}, {"ј", 'j'},
    {"ѕ", 's'}, {"һ", 'h'}, {"ԁ", 'd'}, {"ӏ", 'l'}, {"А", 'a'}, {"В", 'b'}, {"Е", 'e'}, {"К", 'k'}, {"М", 'm'},
    {"Н", 'h'}, {"О", 'o'}, {"Р", 'p'}, {"С", 'c'}, {"Т", 't'}, {"У", 'y'}, {"Х", 'x'}, {"І", 'l'}, {"Ј", 'j'},
    {"Ѕ", 's'}, {"к", 'k'}, {"ο", 'o'}, {"α", 'a'}, {"ν", 'v'}, {"ρ", 'p'}, {"ι", 'i'}, {"κ", 'k'}, {"υ", 'u'},
    {"Α", 'a'}, {"Β", 'b'}, {"Ε", 'e'}, {"Ζ", 'z'}, {"Η", 'h'}, {"Ι", 'l'}, {"Κ", 'k'}, {"Μ", 'm'}, {"Ν", 'n'},
    {"Ο", 'o'}, {"Ρ", 'p'}, {"Τ", 't'}, {"Υ", 'y'}, {"Χ", 'x'}, {"ı", 'i'}, {"ɡ", 'g'}, {"ɑ", 'a'}, {"\u00a0", ' '},
};

#define ROWS(a) (sizeof(a) / sizeof(a)[0])

static bool is_character(const char *at, size_t len, const char *character)
{
	return strlen(character) == len && memcmp(at, character, len) == 0;
}

static bool is_invisible(const char *at, size_t len)
{
	for (size_t i = 0; i < ROWS(invisible); i++)
		if (is_character(at, len, invisible[i]))
			return true;
	return false;
}

static char ascii_fold(char c)
{
	return c == '0' ? 'o' : c == '1' || c == '|' || c == 'I' ? 'l' : (char)tolower((unsigned char)c);
}

/* The Latin letter that it looks like; 0: none.  Fullwidth forms are ASCII, drawn wide. */
static char wide_fold(const char *at, size_t len)
{
	const uint8_t *b = (const uint8_t *)at;

	if (len == 3 && b[0] == 0xef && (b[1] == 0xbc || b[1] == 0xbd) && b[2] >= 0x80) {
		unsigned code = (unsigned)(b[1] & 0x3f) << 6 | (b[2] & 0x3f);

		if (code >= 0xf01 && code <= 0xf5e)
			return ascii_fold((char)(code - 0xf01 + '!'));
	}
	for (size_t i = 0; i < ROWS(letters); i++)
		if (is_character(at, len, letters[i].letter))
			return letters[i].as;
	return 0;
}

void look_alike_fold(const char *name, char out[T3OPS_USER_NAME_SIZE])
{
	size_t n = 0, len;

	for (; *name != '\0' && n + 4 < T3OPS_USER_NAME_SIZE; name += len) {
		char as = 0;

		len = utf8_length(name);
		if (len <= 1) {
			len = 1;
			as = ascii_fold(*name);
		} else if (is_invisible(name, len)) {
			continue;
		} else {
			as = wide_fold(name, len);
		}
		if (as) {
			out[n++] = as;
		} else {
			memcpy(out + n, name, len);
			n += len;
		}
	}
	out[n] = '\0';
}

bool look_alike_hides(const char *name)
{
	size_t len;

	for (; *name != '\0'; name += len) {
		len = utf8_length(name);
		if (len == 0)
			len = 1;
		if (is_invisible(name, len))
			return true;
	}
	return false;
}
