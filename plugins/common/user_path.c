/* SPDX-License-Identifier: MIT */
/* See user_path.h. */
#include "common/user_path.h"

#include <errno.h>
#include <string.h>

int user_path(char *out, size_t size, const char *pattern, const struct t3ops_user *user)
{
	size_t used = 0;

	for (; *pattern; pattern++) {
		char letter[2] = {*pattern, '\0'};
		const char *value = letter;
		size_t len;

		if (*pattern == '%')
			switch (*++pattern) {
			case 'h':
				value = user->home;
				break;
			case 'u':
				value = user->os_user;
				break;
			case 'n':
				value = user->name;
				break;
			case '%':
				break;
			default:
				return -EINVAL;
			}
		len = strlen(value);
		if (len == 0)
			return -ENOENT;
		if (used + len >= size)
			return -ENAMETOOLONG;
		memcpy(out + used, value, len);
		used += len;
	}
	out[used] = '\0';
	return 0;
}
