/* SPDX-License-Identifier: MIT */
/* A user table's text, in both of its forms, as a sorted list; see users.h.  No loop, no watching. */
#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "users/env_file.h"
#include "users/users.h"

#define ENV_MAX_BYTES (64 << 10)

/* What parsing carries along. */
struct parse {
	struct user_list *out;
	const char *env_pattern;
	int portless; /* rows so far */
	char *why;
	size_t why_size;
};

static int refuse(struct parse *p, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static int refuse(struct parse *p, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(p->why, p->why_size, fmt, ap);
	va_end(ap);
	return -EINVAL;
}

/* Copies [from, from + len) if it fits and is not empty. */
static bool take(char *out, size_t size, const char *from, size_t len)
{
	if (len == 0 || len >= size)
		return false;
	memcpy(out, from, len);
	out[len] = '\0';
	return true;
}

static bool is_account(const char *name)
{
	for (const char *c = name; *c != '\0'; c++)
		if (!isalnum((unsigned char)*c) && !strchr("._-", *c))
			return false;
	return name[0] != '\0' && name[0] != '-' && name[0] != '.';
}

static bool is_identity(const char *name)
{
	for (const char *c = name; *c != '\0'; c++)
		if ((unsigned char)*c <= ' ' || *c == 0x7f || strchr("\"\\/,;=()", *c))
			return false;
	return name[0] != '\0' && name[0] != '.'; /* it names directories, too */
}

static bool port_parse(const char *text, uint16_t *out)
{
	char *end;
	long port = strtol(text, &end, 10);

	if (!isdigit((unsigned char)*text) || *end != '\0' || port < 1 || port > 65535)
		return false;
	*out = (uint16_t)port;
	return true;
}

static bool host_is_numeric(const char *host)
{
	unsigned char address[16];

	return inet_pton(AF_INET, host, address) == 1 || inet_pton(AF_INET6, host, address) == 1;
}

/* "127.0.0.1:3773" or "[::1]:3773" */
static bool host_port_parse(const char *text, struct user *u)
{
	const char *colon = strrchr(text, ':');
	size_t len = colon ? (size_t)(colon - text) : 0;

	if (!colon || !port_parse(colon + 1, &u->port))
		return false;
	if (len > 2 && text[0] == '[' && text[len - 1] == ']') {
		text++;
		len -= 2;
	}
	return take(u->host, sizeof u->host, text, len) && host_is_numeric(u->host);
}

static void home_find(struct user *u)
{
	struct passwd pw, *found = NULL;
	char buffer[4096];

	if (u->os_user[0] != '\0' && getpwnam_r(u->os_user, &pw, buffer, sizeof buffer, &found) == 0 && found &&
	    strlen(pw.pw_dir) < sizeof u->home)
		strcpy(u->home, pw.pw_dir);
}

/* The env file of an OS user; false: the pattern gives no usable path. */
static bool env_path(const char *pattern, const char *os_user, char *out, size_t size)
{
	const char *mark = strstr(pattern, "%u");
	int n = mark ? snprintf(out, size, "%.*s%s%s", (int)(mark - pattern), pattern, os_user, mark + 2)
	             : snprintf(out, size, "%s", pattern);

	return n > 0 && (size_t)n < size;
}

/* The file may be its user's own: it must not block whoever reads it, nor go on for ever. */
static FILE *env_open(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat st;
	FILE *f = NULL;
	int error;

	if (fd < 0)
		return NULL;
	if (fstat(fd, &st) == 0 && (!S_ISREG(st.st_mode) || st.st_size > ENV_MAX_BYTES))
		errno = S_ISREG(st.st_mode) ? EFBIG : EINVAL;
	else
		f = fdopen(fd, "r");
	if (f)
		return f;
	error = errno;
	close(fd);
	errno = error;
	return NULL;
}

/* One user's file must not cost the others their table: the port stays 0. */
static void portless(struct parse *p, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void portless(struct parse *p, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	if (p->portless++ == 0)
		vsnprintf(p->why, p->why_size, fmt, ap);
	va_end(ap);
}

/* What an env file says about the port. */
static void port_read(struct parse *p, const char *at, const char *path, FILE *f, struct user *u)
{
	char *text = malloc(ENV_MAX_BYTES);
	size_t len = text ? fread(text, 1, ENV_MAX_BYTES, f) : 0;
	char value[64];

	if (!text) {
		portless(p, "%s: %s: no memory", at, path);
		return;
	}
	switch (env_file_get(text, len, "T3_PORT", value, sizeof value)) {
	case ENV_FOUND:
		if (!port_parse(value, &u->port))
			portless(p, "%s: %s: T3_PORT is \"%s\"; expected 1 to 65535", at, path, value);
		break;
	case ENV_TOO_LONG:
		portless(p, "%s: %s: T3_PORT is longer than any port; expected 1 to 65535", at, path);
		break;
	case ENV_AMBIGUOUS:
		portless(p,
		         "%s: %s: T3_PORT follows a comment that ends in \\, which versions of systemd read "
		         "differently; remove the \\",
		         at, path);
		break;
	case ENV_ABSENT:
		portless(p, "%s: %s has no T3_PORT=", at, path);
		break;
	}
	free(text);
}

static void port_from_env(struct parse *p, const char *at, struct user *u)
{
	char path[512];
	FILE *f;

	if (!env_path(p->env_pattern, u->os_user, path, sizeof path)) {
		portless(p, "%s: instance_env gives no path for %s", at, u->os_user);
		return;
	}
	f = env_open(path);
	if (!f) {
		portless(p, "%s: no port for %s: %s: %s", at, u->os_user, path, strerror(errno));
		return;
	}
	port_read(p, at, path, f, u);
	fclose(f);
}

/* Two identities that differ by case only could be one person's, or an impostor's. */
static int folded_refuse(struct parse *p, const char *at, const char *name)
{
	const struct user_list *l = p->out;

	for (size_t i = 0; i < l->n; i++)
		if (strcasecmp(l->rows[i].name, name) == 0)
			return refuse(p, "%s: \"%s\" is the same name as \"%s\" before it", at, name,
			              l->rows[i].name);
	return 0;
}

static int row_add(struct parse *p, const char *at, struct user *u)
{
	struct user_list *l = p->out;
	struct user *rows;

	if (!is_identity(u->name))
		return refuse(p, "%s: \"%s\" is no identity", at, u->name);
	if (u->os_user[0] != '\0' && !is_account(u->os_user))
		return refuse(p, "%s: \"%s\" is no account name", at, u->os_user);
	if (l->n == USERS_MAX)
		return refuse(p, "%s: more than %d users", at, USERS_MAX);
	if (folded_refuse(p, at, u->name) < 0)
		return -EINVAL;
	if (u->host[0] == '\0')
		strcpy(u->host, "127.0.0.1");
	home_find(u);
	rows = realloc(l->rows, (l->n + 1) * sizeof *rows);
	if (!rows)
		return refuse(p, "%s: no memory", at);
	l->rows = rows;
	rows[l->n++] = *u;
	return 0;
}

/* What stands behind the = of a line: OS_USER, HOST:PORT or OS_USER@HOST:PORT. */
static int target_parse(struct parse *p, const char *at, const char *target, struct user *u)
{
	const char *sign = strchr(target, '@');

	if (!sign && host_port_parse(target, u))
		return 0;
	if (sign) {
		if (!take(u->os_user, sizeof u->os_user, target, (size_t)(sign - target)) ||
		    !host_port_parse(sign + 1, u))
			return refuse(p, "%s: \"%s\" is not OS_USER@ADDRESS:PORT", at, target);
		return 0;
	}
	if (!take(u->os_user, sizeof u->os_user, target, strlen(target)) || !is_account(u->os_user))
		return refuse(p, "%s: \"%s\" is neither an OS user nor ADDRESS:PORT", at, target);
	port_from_env(p, at, u);
	return 0;
}

static int line_parse(struct parse *p, char *line, unsigned number)
{
	char at[32], *equals, *end;
	struct user u = {0};
	int r;

	line += strspn(line, " \t");
	end = line + strlen(line);
	while (end > line && isspace((unsigned char)end[-1]))
		*--end = '\0';
	if (*line == '\0' || *line == '#')
		return 0;
	snprintf(at, sizeof at, "line %u", number);
	equals = strchr(line, '=');
	if (!equals)
		return refuse(p, "%s: \"%.60s\" has no =; expected NAME=OS_USER", at, line);
	if (!take(u.name, sizeof u.name, line, (size_t)(equals - line)))
		return refuse(p, "%s: the name before = is empty or too long", at);
	r = target_parse(p, at, equals + 1, &u);
	return r < 0 ? r : row_add(p, at, &u);
}

static int lines_parse(struct parse *p, const char *text, size_t len)
{
	const char *end = text + len;
	char line[512];
	int r = 0;

	for (unsigned number = 1; text < end && r == 0; number++) {
		const char *newline = memchr(text, '\n', (size_t)(end - text));
		size_t n = (size_t)((newline ? newline : end) - text);

		if (n > 0 && !take(line, sizeof line, text, n))
			return refuse(p, "line %u: longer than %zu bytes", number, sizeof line - 1);
		if (n > 0 && strlen(line) != n)
			return refuse(p, "line %u: holds a NUL byte", number);
		if (n > 0)
			r = line_parse(p, line, number);
		text += n + 1;
	}
	return r;
}

static int object_parse(struct parse *p, const char *name, const json_t *row)
{
	const char *os_user = json_string_value(json_object_get(row, "os_user"));
	const char *host = json_string_value(json_object_get(row, "host"));
	const json_t *port = json_object_get(row, "port");
	struct user u = {0};
	int r = 0;

	if (!take(u.name, sizeof u.name, name, strlen(name)))
		return refuse(p, "\"%.60s\": the name is empty or too long", name);
	if (os_user && !take(u.os_user, sizeof u.os_user, os_user, strlen(os_user)))
		return refuse(p, "\"%s\": os_user is empty or too long", name);
	if (host && (!take(u.host, sizeof u.host, host, strlen(host)) || !host_is_numeric(u.host)))
		return refuse(p, "\"%s\": host \"%s\" is no numeric address", name, host);
	if (port) {
		json_int_t n = json_integer_value(port);

		if (!json_is_integer(port) || n < 1 || n > 65535)
			return refuse(p, "\"%s\": port is not a number between 1 and 65535", name);
		u.port = (uint16_t)n;
	} else if (os_user) {
		port_from_env(p, name, &u);
	} else {
		return refuse(p, "\"%s\": neither port nor os_user", name);
	}
	return r < 0 ? r : row_add(p, name, &u);
}

static int json_table_parse(struct parse *p, const char *text, size_t len)
{
	json_error_t error;
	json_t *table = json_loadb(text, len, JSON_REJECT_DUPLICATES, &error);
	const char *name;
	json_t *row;
	int r = 0;

	if (!table)
		return refuse(p, "line %d: %s", error.line, error.text);
	if (!json_is_object(table))
		r = refuse(p, "line 1: expected an object of users");
	json_object_foreach (table, name, row)
		if (r == 0)
			r = object_parse(p, name, row);
	json_decref(table);
	return r;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct user *)a)->name, ((const struct user *)b)->name);
}

int user_list_parse(struct user_list *out, const char *text, size_t len, const char *env_pattern, char *why,
                    size_t why_size)
{
	struct parse p = {.out = out, .env_pattern = env_pattern, .why = why, .why_size = why_size};
	size_t start = 0;
	int r;

	*out = (struct user_list){0};
	while (start < len && isspace((unsigned char)text[start]))
		start++;
	r = start < len && text[start] == '{' ? json_table_parse(&p, text, len) : lines_parse(&p, text, len);
	if (r < 0)
		user_list_fini(out);
	else if (out->n > 0)
		qsort(out->rows, out->n, sizeof out->rows[0], by_name);
	return r < 0 ? r : p.portless;
}

void user_list_fini(struct user_list *l)
{
	free(l->rows);
	*l = (struct user_list){0};
}

const struct user *user_list_find(const struct user_list *l, const char *name)
{
	struct user key;
	size_t len = strlen(name);

	if (len >= sizeof key.name || l->n == 0)
		return NULL;
	memcpy(key.name, name, len + 1);
	return bsearch(&key, l->rows, l->n, sizeof l->rows[0], by_name);
}
