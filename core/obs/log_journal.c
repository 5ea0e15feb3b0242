/* SPDX-License-Identifier: MIT */
/* Entries of the journal; see log_journal.h. */
#include "obs/log_journal.h"

#include <ctype.h>
#include <endian.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

int log_journal_open(const char *path)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	int fd, r;

	if (strlen(path) >= sizeof a.sun_path)
		return -ENAMETOOLONG;
	strcpy(a.sun_path, path);
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	if (connect(fd, (struct sockaddr *)&a, sizeof a) == 0)
		return fd;
	r = -errno;
	close(fd);
	return r;
}

/* NAME=VALUE and a newline; a value with a newline in it goes by its length.  False: it does not fit. */
static bool field_add(char *out, size_t size, size_t *used, const char *name, const char *value, size_t len)
{
	size_t name_len = strlen(name), needed = name_len + 1 + sizeof(uint64_t) + len + 1;
	uint64_t le_len = htole64(len);
	char *at = out + *used;

	if (needed > size - *used)
		return false;
	memcpy(at, name, name_len);
	at += name_len;
	if (memchr(value, '\n', len) == NULL) {
		*at++ = '=';
	} else {
		*at++ = '\n';
		memcpy(at, &le_len, sizeof le_len);
		at += sizeof le_len;
	}
	memcpy(at, value, len);
	at[len] = '\n';
	*used = (size_t)(at + len + 1 - out);
	return true;
}

/* T3OPS_USER of user. */
static void field_name(char *out, size_t size, enum kv_key key)
{
	snprintf(out, size, "T3OPS_%s", kv_name(key));
	for (; *out != '\0'; out++)
		*out = (char)toupper((unsigned char)*out);
}

size_t log_journal_format(char *out, size_t size, int priority, const char *line, size_t len, const struct kv *pairs,
                          size_t n)
{
	static const char identifier[] = "SYSLOG_IDENTIFIER=t3ops\n";
	char name[64], value[KV_VALUE_MAX];
	size_t used = 0, value_len;
	int head = snprintf(out, size, "%sPRIORITY=%d\n", identifier, priority);

	if (head < 0 || (size_t)head >= size)
		return 0;
	used = (size_t)head;
	if (!field_add(out, size, &used, "MESSAGE", line, len))
		return 0;
	for (size_t i = 0; i < n; i++) {
		value_len = kv_raw(value, sizeof value, &pairs[i]);
		if (value_len == 0)
			continue;
		field_name(name, sizeof name, pairs[i].key);
		field_add(out, size, &used, name, value, value_len);
	}
	return used;
}

int log_journal_send(int fd, const char *entry, size_t len)
{
	ssize_t n = send(fd, entry, len, MSG_DONTWAIT | MSG_NOSIGNAL);

	if (n >= 0)
		return 0;
	return errno == ENOBUFS || errno == ENOMEM ? -EAGAIN : -errno;
}
