/* SPDX-License-Identifier: MIT */
/* Readers of single texts; see parse.h. */
#include "options/parse.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

struct unit {
	const char *name;
	int64_t factor;
};

static const struct unit durations[] = {
    {"d", INT64_C(86400000000)}, {"h", INT64_C(3600000000)}, {"m", INT64_C(60000000)},
    {"s", INT64_C(1000000)},     {"ms", INT64_C(1000)},      {"us", INT64_C(1)},
};
static const struct unit sizes[] = {{"G", INT64_C(1) << 30}, {"M", INT64_C(1) << 20}, {"K", INT64_C(1) << 10}};
#define N_DURATIONS (sizeof durations / sizeof durations[0])
#define N_SIZES     (sizeof sizes / sizeof sizes[0])

/* Digits only: no sign, no space.  Returns what follows them, NULL if there is none or too many. */
static const char *digits_parse(const char *text, int64_t *out)
{
	int64_t value = 0;
	const char *p = text;

	for (; *p >= '0' && *p <= '9'; p++)
		if (__builtin_mul_overflow(value, 10, &value) || __builtin_add_overflow(value, *p - '0', &value))
			return NULL;
	if (p == text)
		return NULL;
	*out = value;
	return p;
}

static bool number_parse(const char *text, const struct unit *units, size_t n, bool bare, int64_t *out)
{
	int64_t value;
	const char *rest = digits_parse(text, &value);

	if (!rest)
		return false;
	if (*rest == '\0' && (bare || value == 0)) {
		*out = value;
		return true;
	}
	for (size_t i = 0; i < n; i++)
		if (strcmp(rest, units[i].name) == 0 && !__builtin_mul_overflow(value, units[i].factor, &value)) {
			*out = value;
			return true;
		}
	return false;
}

bool duration_parse(const char *text, int64_t *out_us)
{
	return number_parse(text, durations, N_DURATIONS, false, out_us);
}

bool bytes_parse(const char *text, int64_t *out)
{
	return number_parse(text, sizes, N_SIZES, true, out);
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

bool time_of_day_parse(const char *text, int *out_minutes)
{
	int hour, minute;

	if (strlen(text) != 5 || !is_digit(text[0]) || !is_digit(text[1]) || text[2] != ':' || !is_digit(text[3]) ||
	    !is_digit(text[4]))
		return false;
	hour = (text[0] - '0') * 10 + text[1] - '0';
	minute = (text[3] - '0') * 10 + text[4] - '0';
	if (hour > 23 || minute > 59)
		return false;
	*out_minutes = hour * 60 + minute;
	return true;
}

static bool port_parse(const char *text, int *port)
{
	int64_t value;
	const char *rest = digits_parse(text, &value);

	if (!rest || *rest != '\0' || value > 65535)
		return false;
	*port = (int)value;
	return true;
}

static bool is_ip(const char *host)
{
	unsigned char bin[16];

	return inet_pton(AF_INET, host, bin) == 1 || inet_pton(AF_INET6, host, bin) == 1;
}

bool address_parse(const char *text, char *host, size_t host_size, int *port)
{
	const char *begin = text, *end = text + strlen(text), *colon = strchr(text, ':');

	*port = -1;
	if (*text == '[') {
		begin = text + 1;
		end = strchr(begin, ']');
		if (!end || (end[1] != '\0' && (end[1] != ':' || !port_parse(end + 2, port))))
			return false;
	} else if (colon && !strchr(colon + 1, ':')) { /* one colon: IPv4 with a port */
		end = colon;
		if (!port_parse(colon + 1, port))
			return false;
	}
	if ((size_t)(end - begin) >= host_size)
		return false;
	memcpy(host, begin, (size_t)(end - begin));
	host[end - begin] = '\0';
	return is_ip(host) && (*text != '[' || strchr(host, ':'));
}

bool name_valid(const char *text, size_t max)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.";
	size_t len = strlen(text);

	return len > 0 && len <= max && strspn(text, allowed) == len && *text != '.' && *text != '-';
}

bool int_parse(const char *text, int64_t *out)
{
	bool negative = *text == '-';
	const char *rest = digits_parse(text + negative, out);

	if (!rest || *rest != '\0')
		return false;
	if (negative)
		*out = -*out;
	return true;
}

static void number_format(int64_t value, const struct unit *units, size_t n, char *out, size_t size)
{
	for (size_t i = 0; i < n; i++)
		if (value != 0 && value % units[i].factor == 0) {
			snprintf(out, size, "%" PRId64 "%s", value / units[i].factor, units[i].name);
			return;
		}
	snprintf(out, size, "%" PRId64, value);
}

void duration_format(int64_t us, char *out, size_t size)
{
	number_format(us, durations, N_DURATIONS, out, size);
}

void bytes_format(int64_t bytes, char *out, size_t size)
{
	number_format(bytes, sizes, N_SIZES, out, size);
}
