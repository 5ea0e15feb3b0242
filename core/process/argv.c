/* SPDX-License-Identifier: MIT */
/* Filling a user into a command line; see argv.h.  No shell ever sees the result. */
#include "process/argv.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ITEM_MAX 4096

/* What stands for %x; NULL: nothing does. */
static const char *value_of(char letter, const struct user *user, char number[8])
{
	switch (letter) {
	case 'u':
		return user->os_user;
	case 'h':
		return user->home;
	case 'n':
		return user->name;
	case 'p':
		snprintf(number, 8, "%u", user->port);
		return number;
	case '%':
		return "%";
	default:
		return NULL;
	}
}

static char *item_expand(const char *pattern, const struct user *user)
{
	char out[ITEM_MAX], number[8];
	size_t used = 0;

	for (; *pattern != '\0'; pattern++) {
		const char *value = (char[]){*pattern, '\0'};
		size_t len;

		if (*pattern == '%')
			value = value_of(*++pattern, user, number);
		errno = value ? ENOENT : EINVAL;
		if (!value || *value == '\0')
			return NULL;
		len = strlen(value);
		errno = EINVAL;
		if (used + len >= sizeof out)
			return NULL;
		memcpy(out + used, value, len);
		used += len;
	}
	out[used] = '\0';
	return strdup(out);
}

char **argv_expand(const struct text_list *list, const struct user *user)
{
	size_t n = list->n;
	char **argv;

	errno = EINVAL;
	if (n == 0)
		return NULL;
	argv = calloc(n + 1, sizeof *argv);
	for (size_t i = 0; argv && i < n; i++) {
		argv[i] = item_expand(list->items[i], user);
		if (!argv[i]) {
			int error = errno;

			argv_free(argv);
			errno = error;
			return NULL;
		}
	}
	return argv;
}

void argv_free(char **argv)
{
	for (size_t i = 0; argv && argv[i]; i++)
		free(argv[i]);
	free(argv);
}
