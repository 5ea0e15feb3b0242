/* SPDX-License-Identifier: MIT */
/* A user table's text, in both of its forms, as a sorted list; see user_list.h.  No loop, no watching. */
#include "users/user_list.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "options/suggest.h"
#include "sys/utf8.h"
#include "users/accounts.h"
#include "users/env_file.h"
#include "users/env_path.h"
#include "users/look_alike.h"
#include "users/row_index.h"

#define ENV_MAX_BYTES (64 << 10)

/* What parsing carries along. */
struct parse {
	struct user_list *out;
	struct accounts *accounts;
	bool collects; /* the accounts' names only: the first of two passes */
	const char *env_pattern;
	struct row_index names, places; /* those of the rows so far */
	int faults;                     /* rows so far that give no user, or one without a port, or want a look */
	char *why;                      /* the first of them */
	size_t why_size;
};

/* The whole text is not a table. */
static int refuse(struct parse *p, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static int refuse(struct parse *p, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(p->why, p->why_size, fmt, ap);
	va_end(ap);
	return -EINVAL;
}

/* One row is at fault: it must not cost the others their table. */
static void fault(struct parse *p, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void fault(struct parse *p, const char *fmt, ...)
{
	struct user_list *l = p->out;
	char *text = NULL;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) < 0)
		text = NULL;
	va_end(ap);
	if (p->faults++ == 0)
		snprintf(p->why, p->why_size, "%s", text ? text : "no memory");
	if (text && l->faults && l->n_faults < USER_FAULTS_KEPT)
		l->faults[l->n_faults++] = text;
	else
		free(text);
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

/* Why not; NULL: it is one.  It names directories, too. */
static const char *identity_fault(const char *name)
{
	if (!utf8_valid(name))
		return "it is not UTF-8";
	if (strchr(name, '/') || name[0] == '.')
		return "it names directories, so it may hold no / and not begin with a dot";
	for (const char *c = name; *c != '\0'; c++)
		if ((unsigned char)*c < ' ' || *c == 0x7f ||
		    ((unsigned char)*c == 0xc2 && (unsigned char)c[1] < 0xa0))
			return "it holds a control character";
	return name[0] != '\0' ? NULL : "it is empty";
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

/* "/run/t3-serve/alice/t3.sock", or with an address to fall back to "...,3773" or "...,127.0.0.1:3773" */
static bool socket_parse(const char *text, struct user *u)
{
	const char *comma = strrchr(text, ',');
	size_t len = comma ? (size_t)(comma - text) : strlen(text);

	return text[0] == '/' && take(u->socket, sizeof u->socket, text, len) &&
	       (!comma || port_parse(comma + 1, &u->port) || host_port_parse(comma + 1, u));
}

/* Where a t3 server is: ADDRESS:PORT or unix:PATH. */
static bool place_parse(const char *text, struct user *u)
{
	return strncmp(text, "unix:", 5) == 0 ? socket_parse(text + 5, u) : host_port_parse(text, u);
}

static void account_set(const struct parse *p, struct user *u)
{
	const struct os_account *a = accounts_get(p->accounts, u->os_user);

	u->is_asked = a && !a->failed;
	if (!a || !a->found)
		return;
	u->has_uid = true;
	u->uid = a->uid;
	u->gid = a->gid;
	strcpy(u->home, a->home);
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

static void socket_read(struct parse *p, const char *at, const char *path, const char *text, size_t len,
                        struct user *u)
{
	char value[USER_SOCKET_SIZE];
	enum env_result result = env_file_get(text, len, "T3_SOCKET", value, sizeof value);

	if (result == ENV_FOUND && value[0] == '/')
		strcpy(u->socket, value);
	else if (result != ENV_ABSENT)
		fault(p, "%s: %s: T3_SOCKET is not the absolute path of a socket, shorter than %d bytes", at, path,
		      USER_SOCKET_SIZE);
}

/* What an env file says about the socket and the port. */
static void env_read(struct parse *p, const char *at, const char *path, FILE *f, struct user *u)
{
	char *text = malloc(ENV_MAX_BYTES);
	size_t len = text ? fread(text, 1, ENV_MAX_BYTES, f) : 0;
	char value[64];

	if (!text) {
		fault(p, "%s: %s: no memory", at, path);
		return;
	}
	socket_read(p, at, path, text, len, u);
	switch (env_file_get(text, len, "T3_PORT", value, sizeof value)) {
	case ENV_FOUND:
		if (!port_parse(value, &u->port))
			fault(p, "%s: %s: T3_PORT is \"%s\"; expected 1 to 65535", at, path, value);
		break;
	case ENV_TOO_LONG:
		fault(p, "%s: %s: T3_PORT is longer than any port; expected 1 to 65535", at, path);
		break;
	case ENV_AMBIGUOUS:
		fault(p,
		      "%s: %s: T3_PORT follows a comment that ends in \\, which versions of systemd read "
		      "differently; remove the \\",
		      at, path);
		break;
	case ENV_ABSENT:
		if (u->socket[0] == '\0')
			fault(p, "%s: %s has no T3_PORT=", at, path);
		break;
	}
	free(text);
}

static void place_from_env(struct parse *p, const char *at, struct user *u)
{
	char path[512];
	FILE *f;

	if (!env_path_make(p->env_pattern, u->os_user, path, sizeof path)) {
		fault(p, "%s: upstream_env gives no path for %s", at, u->os_user);
		return;
	}
	f = env_open(path);
	if (!f) {
		fault(p, "%s: no port for %s: %s: %s%s", at, u->os_user, path, strerror(errno),
		      u->home[0] == '\0' ? "; there is no such account here" : "");
		return;
	}
	env_read(p, at, path, f, u);
	fclose(f);
}

/* Two names that differ by case only could be one person's, or an impostor's: neither counts. */
static void folded_note(struct parse *p, const char *at, const char *name, struct user *other)
{
	fault(p, "%s: \"%s\" is the same name as \"%s\" before it; neither is used", at, name, other->name);
	other->host[0] = '\0'; /* see folded_remove */
}

/* The first row of that name, in any case; SIZE_MAX: no memory. */
static size_t name_put(struct parse *p, const char *name)
{
	char folded[T3OPS_USER_NAME_SIZE];
	size_t len = 0;

	for (; name[len] != '\0'; len++)
		folded[len] = (char)tolower((unsigned char)name[len]);
	folded[len] = '\0';
	return row_index_put(&p->names, folded, p->out->n);
}

/* Notes a place that another row has already.  False: no memory. */
static bool place_put(struct parse *p, const char *at, const struct user *u, const char *place)
{
	size_t row = p->out->n, first = row_index_put(&p->places, place, row);

	if (first != row && first != SIZE_MAX && p->out->rows[first].host[0] != '\0')
		fault(p, "%s: %s and %s share %s", at, p->out->rows[first].name, u->name, place);
	return first != SIZE_MAX;
}

static bool places_put(struct parse *p, const char *at, const struct user *u)
{
	char place[sizeof u->host + 16];

	if (u->socket[0] != '\0' && !place_put(p, at, u, u->socket))
		return false;
	snprintf(place, sizeof place, "%s port %u", u->host, u->port);
	return u->port == 0 || place_put(p, at, u, place);
}

static bool row_store(struct user_list *l, const struct user *u)
{
	struct user *rows;

	if ((l->n & (l->n - 1)) == 0) {
		rows = realloc(l->rows, (l->n > 0 ? 2 * l->n : 1) * sizeof *rows);
		if (!rows)
			return false;
		l->rows = rows;
	}
	l->rows[l->n++] = *u;
	return true;
}

/* Without memory there is no table at all, rather than one that lacks users. */
static int row_add(struct parse *p, const char *at, struct user *u)
{
	const char *why = identity_fault(u->name);
	size_t first;

	if (p->collects)
		return u->os_user[0] == '\0' || accounts_add(p->accounts, u->os_user) ? 0 : refuse(p, "no memory");
	if (why) {
		fault(p, "%s: \"%s\" cannot be a user's name: %s", at, u->name, why);
		return 0;
	}
	if (u->os_user[0] != '\0' && !is_account(u->os_user)) {
		fault(p, "%s: \"%s\" cannot be an account's name", at, u->os_user);
		return 0;
	}
	first = name_put(p, u->name);
	if (first == SIZE_MAX)
		return refuse(p, "%s: no memory", at);
	if (first != p->out->n) {
		folded_note(p, at, u->name, &p->out->rows[first]);
		return 0;
	}
	if (p->out->n == USERS_MAX)
		return refuse(p, "%s: more than %d users", at, USERS_MAX);
	if (u->host[0] == '\0')
		strcpy(u->host, "127.0.0.1");
	account_set(p, u);
	if (u->port == 0 && u->socket[0] == '\0')
		place_from_env(p, at, u);
	if (look_alike_hides(u->name))
		fault(p, "%s: \"%s\" holds an invisible character", at, u->name);
	return places_put(p, at, u) && row_store(p->out, u) ? 0 : refuse(p, "%s: no memory", at);
}

/* What stands behind the = of a line: OS_USER, PLACE or OS_USER@PLACE. */
static bool target_parse(struct parse *p, const char *at, const char *target, struct user *u)
{
	const char *sign = strchr(target, '@');
	bool ok;

	if (strncmp(target, "unix:", 5) == 0)
		sign = NULL; /* a path may hold one */
	if (!sign && place_parse(target, u))
		return true;
	if (sign) {
		ok = take(u->os_user, sizeof u->os_user, target, (size_t)(sign - target)) && place_parse(sign + 1, u);
		if (!ok)
			fault(p, "%s: \"%s\" is not OS_USER@ADDRESS:PORT or OS_USER@unix:PATH", at, target);
		return ok;
	}
	ok = take(u->os_user, sizeof u->os_user, target, strlen(target)) && is_account(u->os_user);
	if (!ok)
		fault(p, "%s: \"%s\" is neither an OS user nor ADDRESS:PORT nor unix:PATH", at, target);
	return ok;
}

/* Without blanks on both sides. */
static char *trimmed(char *text)
{
	char *end = text + strlen(text);

	while (end > text && isspace((unsigned char)end[-1]))
		*--end = '\0';
	return text + strspn(text, " \t");
}

/* "# ..." and "; ..." at the start, or behind a blank. */
static void comment_cut(char *line)
{
	for (char *c = line; *c != '\0'; c++)
		if ((*c == '#' || *c == ';') && (c == line || c[-1] == ' ' || c[-1] == '\t')) {
			*c = '\0';
			return;
		}
}

static int line_parse(struct parse *p, char *line, unsigned number)
{
	char at[32], *equals, *name;
	struct user u = {0};

	line = trimmed(line);
	comment_cut(line);
	line = trimmed(line);
	if (*line == '\0')
		return 0;
	snprintf(at, sizeof at, "line %u", number);
	equals = strchr(line, '=');
	if (!equals) {
		fault(p, "%s: \"%.60s\" has no =; expected NAME=OS_USER", at, line);
		return 0;
	}
	*equals = '\0';
	name = trimmed(line);
	if (!take(u.name, sizeof u.name, name, strlen(name))) {
		fault(p, "%s: the name before = is empty or longer than %zu bytes", at, sizeof u.name - 1);
		return 0;
	}
	return target_parse(p, at, trimmed(equals + 1), &u) ? row_add(p, at, &u) : 0;
}

static int lines_parse(struct parse *p, const char *text, size_t len)
{
	const char *end = text + len;
	char line[1024];
	int r = 0;

	for (unsigned number = 1; text < end && r == 0; number++) {
		const char *newline = memchr(text, '\n', (size_t)(end - text));
		size_t n = (size_t)((newline ? newline : end) - text);

		if (n > 0 && !take(line, sizeof line, text, n))
			fault(p, "line %u: longer than %zu bytes", number, sizeof line - 1);
		else if (n > 0 && strlen(line) != n)
			fault(p, "line %u: holds a NUL byte", number);
		else if (n > 0)
			r = line_parse(p, line, number);
		text += n + 1;
	}
	return r;
}

static bool keys_are_known(struct parse *p, const char *name, const json_t *row)
{
	static const char *const keys[] = {"os_user", "host", "port", "socket"};
	const char *key;
	json_t *value;

	json_object_foreach ((json_t *)row, key, value) {
		struct suggest s;
		char hint[100];
		bool known = false;

		suggest_init(&s, key);
		for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
			suggest_consider(&s, keys[i]);
			known = known || strcmp(keys[i], key) == 0;
		}
		if (known)
			continue;
		suggest_hint(&s, hint, sizeof hint);
		fault(p, "\"%s\": unknown key \"%.60s\"%s", name, key, hint);
		return false;
	}
	return true;
}

static bool object_read(struct parse *p, const char *name, const json_t *row, struct user *u)
{
	const char *os_user = json_string_value(json_object_get(row, "os_user"));
	const char *host = json_string_value(json_object_get(row, "host"));
	const json_t *port = json_object_get(row, "port");
	const char *path = json_string_value(json_object_get(row, "socket"));
	json_int_t n = json_integer_value(port);

	if (!take(u->name, sizeof u->name, name, strlen(name)))
		fault(p, "\"%.60s\": the name is empty or longer than %zu bytes", name, sizeof u->name - 1);
	else if (os_user && !take(u->os_user, sizeof u->os_user, os_user, strlen(os_user)))
		fault(p, "\"%s\": os_user is empty or too long", name);
	else if (host && (!take(u->host, sizeof u->host, host, strlen(host)) || !host_is_numeric(u->host)))
		fault(p, "\"%s\": host \"%s\" is not a numeric address", name, host);
	else if (port && (!json_is_integer(port) || n < 1 || n > 65535))
		fault(p, "\"%s\": port is not a number between 1 and 65535", name);
	else if (path && (path[0] != '/' || !take(u->socket, sizeof u->socket, path, strlen(path))))
		fault(p, "\"%s\": socket is not an absolute path shorter than %zu bytes", name, sizeof u->socket);
	else if (!port && !os_user && !path)
		fault(p, "\"%s\": neither port nor socket nor os_user", name);
	else
		return u->port = (uint16_t)n, true;
	return false;
}

static int object_parse(struct parse *p, const char *name, const json_t *row)
{
	struct user u = {0};

	return keys_are_known(p, name, row) && object_read(p, name, row, &u) ? row_add(p, name, &u) : 0;
}

static int json_table_parse(struct parse *p, const char *text, size_t len)
{
	json_error_t error;
	json_t *table = json_loadb(text, len, JSON_REJECT_DUPLICATES, &error);
	const char *name;
	json_t *row;
	int r = 0;

	if (!table)
		return refuse(p, "line %d, column %d: %s", error.line, error.column, error.text);
	if (!json_is_object(table))
		r = refuse(p, "line 1: expected an object of users");
	json_object_foreach (table, name, row)
		if (r == 0)
			r = object_parse(p, name, row);
	json_decref(table);
	return r;
}

struct look {
	char text[T3OPS_USER_NAME_SIZE];
	const char *name;
};

static int by_look(const void *a, const void *b)
{
	return strcmp(((const struct look *)a)->text, ((const struct look *)b)->text);
}

/* Two names that a person cannot tell apart may be one person and an impostor; both are used. */
static void look_alikes_note(struct parse *p)
{
	const struct user_list *l = p->out;
	struct look *looks = l->n > 1 ? malloc(l->n * sizeof *looks) : NULL;

	if (!looks)
		return;
	for (size_t i = 0; i < l->n; i++) {
		look_alike_fold(l->rows[i].name, looks[i].text);
		looks[i].name = l->rows[i].name;
	}
	qsort(looks, l->n, sizeof *looks, by_look);
	for (size_t i = 1; i < l->n; i++)
		if (by_look(&looks[i - 1], &looks[i]) == 0)
			fault(p, "\"%s\" looks like \"%s\"", looks[i].name, looks[i - 1].name);
	free(looks);
}

/* Rows that have no host are those that is_folded found. */
static void folded_remove(struct user_list *l)
{
	size_t kept = 0;

	for (size_t i = 0; i < l->n; i++) {
		if (l->rows[i].host[0] == '\0')
			continue;
		if (kept < i)
			l->rows[kept] = l->rows[i];
		kept++;
	}
	l->n = kept;
}

/* A file that was emptied by accident must not put everybody out. */
static int emptiness_check(struct parse *p, const char *text, size_t len)
{
	size_t start = 0;

	while (start < len && isspace((unsigned char)text[start]))
		start++;
	if (start == len)
		return refuse(p, "the file is empty; if there are no users, write {} or a comment");
	return p->out->n == 0 && p->faults > 0 ? -EINVAL : 0;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct user *)a)->name, ((const struct user *)b)->name);
}

/* One pass over the whole text. */
static int text_parse(struct parse *p, const char *text, size_t len)
{
	size_t start = 0;

	while (start < len && isspace((unsigned char)text[start]))
		start++;
	return start < len && text[start] == '{' ? json_table_parse(p, text, len) : lines_parse(p, text, len);
}

/* All accounts are looked up before the first row is read, for each may take long. */
static void accounts_collect(struct accounts *accounts, const char *text, size_t len, uint64_t for_us)
{
	struct user_list none = {0};
	char why[64];
	struct parse p = {.out = &none, .accounts = accounts, .collects = true, .why = why, .why_size = sizeof why};

	text_parse(&p, text, len); /* what is wrong is reported by the second pass */
	accounts_find(accounts, for_us);
}

int user_list_parse(struct user_list *out, const char *text, size_t len, const char *env_pattern,
                    uint64_t accounts_for_us, char *why, size_t why_size)
{
	struct accounts accounts = {0};
	struct parse p = {
	    .out = out, .accounts = &accounts, .env_pattern = env_pattern, .why = why, .why_size = why_size};
	size_t mark = len >= 3 && memcmp(text, "\ufeff", 3) == 0 ? 3 : 0;
	int r;

	*out = (struct user_list){.faults = calloc(USER_FAULTS_KEPT, sizeof *out->faults)};
	text += mark;
	len -= mark;
	accounts_collect(&accounts, text, len, accounts_for_us);
	r = text_parse(&p, text, len);
	accounts_fini(&accounts);
	row_index_fini(&p.names);
	row_index_fini(&p.places);
	folded_remove(out);
	look_alikes_note(&p);
	if (r == 0)
		r = emptiness_check(&p, text, len);
	if (r < 0)
		out->n = 0;
	else if (out->n > 0)
		qsort(out->rows, out->n, sizeof out->rows[0], by_name);
	return r < 0 ? r : p.faults;
}

const char *user_account_fault(const struct user *u, char *buf, size_t size)
{
	if (u->os_user[0] == '\0' || !u->is_asked)
		return NULL;
	if (!u->has_uid)
		snprintf(buf, size, "os_user \"%s\": no such account on this machine", u->os_user);
	else if (u->uid == 0)
		snprintf(buf, size, "os_user \"%s\": t3ops runs nothing as root", u->os_user);
	else if (u->home[0] == '\0')
		snprintf(buf, size, "os_user \"%s\": its home directory is longer than %zu bytes", u->os_user,
		         sizeof u->home - 1);
	else
		return NULL;
	return buf;
}

void user_list_fini(struct user_list *l)
{
	for (size_t i = 0; i < l->n_faults; i++)
		free(l->faults[i]);
	free(l->faults);
	free(l->rows);
	*l = (struct user_list){0};
}

/* Capital letters of Latin-1, Greek and Cyrillic become small ones; at most two bytes each, as are these. */
static unsigned letter_fold(unsigned c)
{
	if ((c >= 'A' && c <= 'Z') || (c >= 0xc0 && c <= 0xde && c != 0xd7) || (c >= 0x391 && c <= 0x3a9) ||
	    (c >= 0x410 && c <= 0x42f))
		return c + 0x20;
	return c >= 0x400 && c <= 0x40f ? c + 0x50 : c;
}

/* The next character if it has one or two bytes, else its next byte. */
static unsigned letter_next(const char **at)
{
	const unsigned char *c = (const unsigned char *)*at;
	size_t len = utf8_length(*at) == 2 ? 2 : 1;

	*at += len;
	return len == 2 ? (c[0] & 0x1fu) << 6 | (c[1] & 0x3fu) : c[0] < 0x80 ? c[0] : 0x110000u + c[0];
}

bool user_name_is_same(const char *a, const char *b)
{
	while (*a != '\0' && *b != '\0')
		if (letter_fold(letter_next(&a)) != letter_fold(letter_next(&b)))
			return false;
	return *a == *b;
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

const struct user *user_list_find_folded(const struct user_list *l, const char *name)
{
	const struct user *found = user_list_find(l, name);

	if (found)
		return found;
	for (size_t i = 0; i < l->n; i++) {
		if (!user_name_is_same(l->rows[i].name, name))
			continue;
		if (found)
			return NULL; /* nobody can say which of them it is */
		found = &l->rows[i];
	}
	return found;
}
