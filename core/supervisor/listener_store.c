/* SPDX-License-Identifier: MIT */
/* Names of kept listeners: listener,WORKER,NAME,ADDRESS with %XX for what such a name cannot have; see
 * listener_store.h. */
#include "supervisor/listener_store.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "supervisor/service_store.h"

static bool is_plain(unsigned char c)
{
	return (isascii(c) && isalnum(c)) || strchr("._/-", c);
}

/* False: it is too long for a name. */
static bool name_make(const struct bound *b, char out[SERVICE_NAME_SIZE])
{
	int len = snprintf(out, SERVICE_NAME_SIZE, "listener,%u,%s,", b->worker, b->listener.name);

	for (const char *c = b->configured; *c != '\0' && len < SERVICE_NAME_SIZE; c++)
		len += snprintf(out + len, (size_t)(SERVICE_NAME_SIZE - len),
		                is_plain((unsigned char)*c) ? "%c" : "%%%02X", (unsigned char)*c);
	return len < SERVICE_NAME_SIZE;
}

static bool is_same_socket(int a, int b)
{
	struct stat of_a, of_b;

	return fstat(a, &of_a) == 0 && fstat(b, &of_b) == 0 && of_a.st_ino == of_b.st_ino;
}

/* The same socket under the same name. */
static bool is_in(const struct listeners *l, const char *name, int fd)
{
	char other[SERVICE_NAME_SIZE];

	for (size_t i = 0; i < l->n; i++)
		if (name_make(&l->rows[i], other) && strcmp(other, name) == 0 &&
		    is_same_socket(l->rows[i].listener.fd, fd))
			return true;
	return false;
}

void listener_store_update(const struct listeners *now, const struct listeners *before)
{
	char name[SERVICE_NAME_SIZE];

	for (size_t i = 0; i < before->n; i++)
		if (name_make(&before->rows[i], name) && !is_in(now, name, before->rows[i].listener.fd))
			service_store_remove(name);
	for (size_t i = 0; i < now->n; i++)
		if (name_make(&now->rows[i], name) && !is_in(before, name, now->rows[i].listener.fd))
			service_store_put(name, now->rows[i].listener.fd);
}

/* In place; false: it is not what name_make makes. */
static bool unescape(char *text)
{
	char *to = text;

	for (; *text != '\0'; text++) {
		char digits[3] = {0};

		if (*text != '%') {
			*to++ = *text;
			continue;
		}
		if (!isxdigit((unsigned char)text[1]) || !isxdigit((unsigned char)text[2]))
			return false;
		memcpy(digits, text + 1, 2);
		*to++ = (char)strtol(digits, NULL, 16);
		text += 2;
	}
	*to = '\0';
	return true;
}

bool listener_store_take(struct listeners *l, const char *name, int fd)
{
	char kind[16], configured[SERVICE_NAME_SIZE];
	unsigned worker;

	return sscanf(name, "listener,%u,%15[^,],%255s", &worker, kind, configured) == 3 && worker < WORKERS_MAX &&
	       unescape(configured) && listeners_add(l, kind, configured, worker, fd);
}
