/* SPDX-License-Identifier: MIT */
/* Looks around: programs, accounts, env files, units, addresses. */
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <glob.h>
#include <netdb.h>
#include <netinet/in.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ctl/init_found.h"
#include "users/env_file.h"

#define FIRST_PERSON 1000 /* accounts below belong to the system */
#define LAST_PERSON  59999

bool found_program(const char *root, const char *name, char *path, size_t size)
{
	static const char *const dirs[] = {"/usr/local/bin", "/usr/local/sbin", "/usr/bin", "/usr/sbin", "/opt/bin"};

	for (size_t i = 0; i < sizeof dirs / sizeof dirs[0]; i++) {
		char full[512];

		snprintf(full, sizeof full, "%s%s/%s", root, dirs[i], name);
		snprintf(path, size, "%s/%s", dirs[i], name);
		if (access(full, X_OK) == 0)
			return true;
	}
	path[0] = '\0';
	return false;
}

uint16_t found_port(const char *dir, const char *os_user)
{
	char path[512], text[4096], value[16] = "";
	FILE *f;
	size_t n;
	unsigned long port;

	snprintf(path, sizeof path, "%s/%s.env", dir, os_user);
	f = fopen(path, "re");
	if (f == NULL)
		return 0;
	n = fread(text, 1, sizeof text, f);
	fclose(f);
	if (env_file_get(text, n, "T3_PORT", value, sizeof value) != ENV_FOUND)
		return 0;
	port = strtoul(value, NULL, 10);
	return port <= UINT16_MAX ? (uint16_t)port : 0;
}

static void user_add(json_t *users, const char *env_dir, const char *name)
{
	if (name[0] != '\0' && json_object_get(users, name) == NULL)
		json_object_set_new(users, name, json_integer(found_port(env_dir, name)));
}

/* The part of each path that stands for the * of the pattern. */
static void users_add_matches(json_t *users, const char *env_dir, const char *pattern)
{
	size_t before = strchr(pattern, '*') - pattern, behind = strlen(pattern) - before - 1;
	glob_t found;

	if (glob(pattern, 0, NULL, &found) != 0)
		return;
	for (size_t i = 0; i < found.gl_pathc; i++) {
		const char *path = found.gl_pathv[i];
		char name[64];

		snprintf(name, sizeof name, "%.*s", (int)(strlen(path) - before - behind), path + before);
		user_add(users, env_dir, name);
	}
	globfree(&found);
}

/* People in whose home a t3 server has been. */
static void users_add_homes(json_t *users, const char *env_dir)
{
	const struct passwd *pw;

	setpwent();
	while ((pw = getpwent()) != NULL) {
		char path[512];

		snprintf(path, sizeof path, "%s/.t3/userdata", pw->pw_dir);
		if (pw->pw_uid >= FIRST_PERSON && pw->pw_uid <= LAST_PERSON && access(path, F_OK) == 0)
			user_add(users, env_dir, pw->pw_name);
	}
	endpwent();
}

json_t *found_users(const char *root, const char *env_dir)
{
	json_t *users = json_object();
	char pattern[512];

	snprintf(pattern, sizeof pattern, "%s/*.env", env_dir);
	users_add_matches(users, env_dir, pattern);
	snprintf(pattern, sizeof pattern, "%s/etc/systemd/system/multi-user.target.wants/t3-serve@*.service", root);
	users_add_matches(users, env_dir, pattern);
	if (root[0] == '\0')
		users_add_homes(users, env_dir);
	return users;
}

static bool address_read(const char *text, uint16_t port, struct sockaddr_storage *out, socklen_t *size)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)out;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)out;

	memset(out, 0, sizeof *out);
	if (inet_pton(AF_INET, text, &v4->sin_addr) == 1) {
		v4->sin_family = AF_INET;
		v4->sin_port = htons(port);
		*size = sizeof *v4;
		return true;
	}
	v6->sin6_family = AF_INET6;
	v6->sin6_port = htons(port);
	*size = sizeof *v6;
	return inet_pton(AF_INET6, text, &v6->sin6_addr) == 1;
}

/* A datagram socket that is connected sends nothing, but has chosen its address. */
bool found_source(const char *target, char *out, size_t size)
{
	struct sockaddr_storage a;
	socklen_t n;
	int fd;
	bool ok;

	if (!address_read(target, 9, &a, &n))
		return false;
	fd = socket(a.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return false;
	ok = connect(fd, (struct sockaddr *)&a, n) == 0 && getsockname(fd, (struct sockaddr *)&a, &n) == 0 &&
	     getnameinfo((struct sockaddr *)&a, n, out, (socklen_t)size, NULL, 0, NI_NUMERICHOST) == 0;
	close(fd);
	return ok;
}

static int bind_try(int type, const char *address, uint16_t port)
{
	struct sockaddr_storage a;
	socklen_t n;
	int fd, one = 1, r;

	if (!address_read(address, port, &a, &n))
		return -EINVAL;
	fd = socket(a.ss_family, type | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
	r = bind(fd, (struct sockaddr *)&a, n) < 0 ? -errno : 0;
	close(fd);
	return r;
}

bool found_is_local(const char *address)
{
	return bind_try(SOCK_DGRAM, address, 0) == 0;
}

bool found_is_free(const char *address, uint16_t port)
{
	return bind_try(SOCK_STREAM, address, port) == 0;
}

void found_resolver(const char *root, char *out, size_t size)
{
	char path[512], line[256], address[64];
	FILE *f;

	out[0] = '\0';
	snprintf(path, sizeof path, "%s/etc/resolv.conf", root);
	f = fopen(path, "re");
	if (f == NULL)
		return;
	while (out[0] == '\0' && fgets(line, sizeof line, f) != NULL)
		if (sscanf(line, "nameserver %63s", address) == 1)
			snprintf(out, size, "%s", address);
	fclose(f);
}

bool found_account(const char *name)
{
	return getpwnam(name) != NULL;
}

void found_option(const char *conf, const char *name, char *out, size_t size)
{
	char line[1024], word[64], text[512];
	FILE *f = fopen(conf, "re");

	out[0] = '\0';
	while (f != NULL && out[0] == '\0' && fgets(line, sizeof line, f) != NULL)
		if (sscanf(line, "%63[a-z_] = \"%511[^\"]\"", word, text) == 2 && strcmp(word, name) == 0)
			snprintf(out, size, "%s", text);
	if (f != NULL)
		fclose(f);
}
