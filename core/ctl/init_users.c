/* SPDX-License-Identifier: MIT */
/* Reads and finds users for init. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/init_found.h"
#include "ctl/init_users.h"

#define FIRST_PORT 3773

struct one_user {
	char name[512], os_user[512];
	unsigned port; /* 0: not given */
};

/* The next of the list, cut to size; false: there is none. */
static bool user_next(const char **at, struct one_user *out)
{
	size_t n = strcspn(*at, ",");
	char one[512], *equals, *colon;

	if (**at == '\0')
		return false;
	snprintf(one, sizeof one, "%.*s", (int)n, *at);
	*at += n + ((*at)[n] == ',');
	equals = strchr(one, '=');
	colon = strrchr(equals != NULL ? equals : one, ':');
	out->port = colon != NULL ? (unsigned)strtoul(colon + 1, NULL, 10) : 0;
	if (colon != NULL)
		*colon = '\0';
	snprintf(out->os_user, sizeof out->os_user, "%s", equals != NULL ? equals + 1 : one);
	if (equals != NULL)
		*equals = '\0';
	snprintf(out->name, sizeof out->name, "%s", one);
	return true;
}

static bool is_account_name(const char *text)
{
	return text[0] != '\0' && text[0] != '-' &&
	       strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") == strlen(text);
}

static const char *user_fault(const struct one_user *u, bool by_mail)
{
	if (by_mail && strchr(u->name, '@') == NULL)
		return "this sign-in names users by e-mail address: expected ADDRESS=OS_USER:PORT";
	if (u->name[0] == '\0' || strpbrk(u->name, " \t\"#;{}\\") != NULL)
		return "expected names without blanks, quotes, # or ;";
	if (!is_account_name(u->os_user))
		return "expected NAME=OS_USER:PORT, an account's name behind the =";
	return strcmp(u->os_user, "root") == 0 ? "root cannot be a user"
	       : u->port > 65535               ? "expected a port below 65536"
	                                       : NULL;
}

const char *init_users_fault(const char *list, bool by_mail)
{
	struct one_user u;
	const char *fault = NULL;

	if (strcmp(list, "keep") == 0)
		return NULL;
	while (fault == NULL && user_next(&list, &u))
		fault = user_fault(&u, by_mail);
	return fault;
}

void init_users_guess(const char *root, char *out, size_t size)
{
	char env_dir[512], key[64];
	json_t *users, *port;
	const char *name;
	size_t used = 0;

	snprintf(env_dir, sizeof env_dir, "%s" T3OPS_SYSCONFDIR "/t3-serve", root);
	users = found_users(root, env_dir);
	out[0] = '\0';
	json_object_foreach (users, name, port) {
		int n;

		snprintf(key, sizeof key, json_integer_value(port) > 0 ? ":%u" : "",
		         (unsigned)json_integer_value(port));
		n = snprintf(out + used, size - used, "%s%s=%s%s", used > 0 ? "," : "", name, name, key);
		if (n < 0 || (size_t)n >= size - used) {
			out[used] = '\0'; /* it is shown, so nobody thinks that these are all */
			break;
		}
		used += (size_t)n;
	}
	json_decref(users);
}

/* The row of the list with that member; NULL: there is none. */
static const json_t *row_find(const json_t *list, const char *name, const char *text)
{
	const json_t *one;
	size_t i;

	json_array_foreach (list, i, one)
		if (strcmp(json_string_value(json_object_get(one, name)), text) == 0)
			return one;
	return NULL;
}

static bool is_taken(const json_t *list, unsigned port)
{
	char text[16];

	snprintf(text, sizeof text, "%u", port);
	return row_find(list, "PORT", text) != NULL;
}

/* Several names of one OS user share a server. */
static unsigned port_choose(const json_t *list, const char *env_dir, const struct one_user *u)
{
	const json_t *same = row_find(list, "OS_USER", u->os_user);
	unsigned port = u->port > 0 ? u->port : found_port(env_dir, u->os_user);

	if (same != NULL)
		return (unsigned)strtoul(json_string_value(json_object_get(same, "PORT")), NULL, 10);
	if (port > 0)
		return port;
	for (port = FIRST_PORT;
	     port < 65535 && (is_taken(list, port) || !found_is_free("127.0.0.1", (uint16_t)port));)
		port++;
	return port;
}

json_t *init_users_servers(const json_t *users)
{
	json_t *servers = json_array(), *one;
	size_t i;

	json_array_foreach (users, i, one)
		if (row_find(servers, "OS_USER", json_string_value(json_object_get(one, "OS_USER"))) == NULL)
			json_array_append(servers, one);
	return servers;
}

json_t *init_users_list(const char *root, const char *list)
{
	json_t *users = json_array();
	char env_dir[512], env_file[1024], port[16];
	struct one_user u;

	snprintf(env_dir, sizeof env_dir, "%s" T3OPS_SYSCONFDIR "/t3-serve", root);
	while (strcmp(list, "keep") != 0 && user_next(&list, &u)) {
		snprintf(env_file, sizeof env_file, T3OPS_SYSCONFDIR "/t3-serve/%s.env", u.os_user);
		snprintf(port, sizeof port, "%u", port_choose(users, env_dir, &u));
		json_array_append_new(users, json_pack("{s:s, s:s, s:s, s:s}", "NAME", u.name, "OS_USER", u.os_user,
		                                       "PORT", port, "ENV_FILE", env_file));
	}
	return users;
}
