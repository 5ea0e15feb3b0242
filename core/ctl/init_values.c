/* SPDX-License-Identifier: MIT */
/* Texts and conditions for the templates; everything that follows from the answers is decided here. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "ctl/init_found.h"
#include "ctl/init_users.h"
#include "ctl/init_values.h"

static void put(json_t *values, const char *name, const char *text)
{
	json_object_set_new(values, name, json_string(text));
}

static void put_if(json_t *values, const char *name, bool holds)
{
	json_object_set_new(values, name, json_boolean(holds));
}

/* The name of a choice as the templates write it in conditions: oauth2_proxy. */
static void choice_put(json_t *values, const char *choice)
{
	char name[64];

	snprintf(name, sizeof name, "%s", choice);
	for (char *c = name; *c != '\0'; c++)
		if (*c == '-')
			*c = '_';
	put_if(values, name, true);
}

static const char *identity_header(const char *sign_in, enum sign_in_way way)
{
	return strcmp(sign_in, "authentik") == 0           ? "X-authentik-username"
	       : strcmp(sign_in, "authelia") == 0          ? "Remote-User"
	       : strcmp(sign_in, "cloudflare-access") == 0 ? "Cf-Access-Authenticated-User-Email"
	       : strcmp(sign_in, "tailscale") == 0         ? "Tailscale-User-Login"
	       : way == SIGN_IN_THROUGH                    ? "X-Forwarded-Preferred-Username"
	                                                   : "X-Auth-Request-Preferred-Username";
}

/* nginx has headers of requests as variables: http_x_y. */
static void identity_put(json_t *values, const char *header)
{
	char variable[96];

	snprintf(variable, sizeof variable, "http_%s", header);
	for (char *c = variable; *c != '\0'; c++)
		*c = *c == '-' ? '_' : (char)tolower((unsigned char)*c);
	put(values, "IDENTITY", header);
	put(values, "IDENTITY_VARIABLE", variable);
}

static void url_address(const char *url, char *address, size_t address_size, char *host, size_t host_size)
{
	snprintf(address, address_size, "%s", strstr(url, "//") != NULL ? strstr(url, "//") + 2 : url);
	snprintf(host, host_size, "%.*s", (int)strcspn(address, ":"), address);
}

/* Who sends requests to t3ops, by address and, on this machine, by account. */
static void trust_put(json_t *values, const struct init_answers *a, enum sign_in_way way)
{
	const char *proxy = init_answer(a, "proxy-address"), *account = init_answer(a, "proxy-account");
	char address[128], host[128], trusted[512], accounts[256];
	bool proxy_is_here = proxy[0] == '\0' || found_is_local(proxy), sign_in_is_here;
	size_t n = 0;

	url_address(init_answer(a, "sign-in-url"), address, sizeof address, host, sizeof host);
	sign_in_is_here = way == SIGN_IN_THROUGH && (found_is_local(host) || strcmp(host, "localhost") == 0);
	if (proxy_is_here || sign_in_is_here)
		n += (size_t)snprintf(trusted + n, sizeof trusted - n, "\"127.0.0.0/8\", \"::1\"");
	if (!proxy_is_here || strncmp(proxy, "127.", 4) != 0)
		n += (size_t)snprintf(trusted + n, sizeof trusted - n, proxy[0] != '\0' ? "%s\"%s\"" : "%.0s%.0s",
		                      n > 0 ? ", " : "", proxy);
	if (way == SIGN_IN_THROUGH && !sign_in_is_here)
		snprintf(trusted + n, sizeof trusted - n, "%s\"%s\"", n > 0 ? ", " : "", host);
	snprintf(accounts, sizeof accounts, "\"root\"%s%s%s", strcmp(account, "root") != 0 ? ", \"" : "",
	         strcmp(account, "root") != 0 ? account : "", strcmp(account, "root") != 0 ? "\"" : "");
	if (sign_in_is_here && found_account(init_answer(a, "sign-in"))) {
		n = strlen(accounts);
		snprintf(accounts + n, sizeof accounts - n, ", \"%s\"", init_answer(a, "sign-in"));
	}
	put(values, "SIGN_IN_ADDRESS", address);
	put(values, "TRUSTED", trusted);
	put(values, "LOCAL_USERS", accounts);
	put_if(values, "LOCAL", proxy_is_here || sign_in_is_here);
}

/* Env files that are to be written: those of accounts that have none with that port. */
static json_t *env_files(const struct init_answers *a, const json_t *users)
{
	json_t *files = json_array(), *one;
	char dir[512];
	size_t i;

	snprintf(dir, sizeof dir, "%s" T3OPS_SYSCONFDIR "/t3-serve", a->root);
	json_array_foreach (users, i, one) {
		char port[16];

		snprintf(port, sizeof port, "%u",
		         found_port(dir, json_string_value(json_object_get(one, "OS_USER"))));
		if (strcmp(port, json_string_value(json_object_get(one, "PORT"))) != 0)
			json_array_append(files, one);
	}
	return files;
}

static void paths_put(json_t *values, const char *root)
{
	put(values, "ROOT", root);
	put(values, "SYSCONFDIR", T3OPS_SYSCONFDIR);
	put(values, "CONF", T3OPS_SYSCONFDIR "/t3ops/t3ops.conf");
	put(values, "SNIPPETS", T3OPS_SYSCONFDIR "/t3ops/snippets");
	put(values, "STATE_DIR", T3OPS_LOCALSTATEDIR "/lib/t3ops");
	put(values, "CONTROL", T3OPS_RUNSTATEDIR "/t3ops/control.sock");
	put(values, "BACKUP_DIR", T3OPS_LOCALSTATEDIR "/backups/t3-state");
}

json_t *init_values_make(const struct init_answers *a, const char *root)
{
	static const struct {
		const char *name, *answer;
	} copied[] = {{"HOST", "host"},
	              {"PROXY", "proxy"},
	              {"SIGN_IN", "sign-in"},
	              {"PROXY_ADDRESS", "proxy-address"},
	              {"PROXY_PORT", "proxy-port"},
	              {"SIGN_IN_URL", "sign-in-url"},
	              {"TEAM", "team"},
	              {"PORTAL", "portal"},
	              {"FRONT", "front-address"},
	              {"LISTEN", "listen"},
	              {"DISPATCH", "listen"},
	              {"STATUS_LISTEN", "status-listen"},
	              {"RESOLVER", "resolver"},
	              {"ACCOUNT", "account"},
	              {"T3", "t3"},
	              {"PLUGIN_DIR", "plugin-dir"},
	              {"USERS_FILE", "users-file"},
	              {"CERTIFICATE", "certificate"},
	              {"KEY", "key"},
	              {"CA_FILE", "ca-file"},
	              {"ENTRYPOINT", "entry-point"}};
	const char *proxy = init_answer(a, "proxy"), *sign_in = init_answer(a, "sign-in"),
	           *given = init_answer(a, "users");
	enum sign_in_way way = init_sign_in_way(proxy, sign_in);
	json_t *values = json_object(), *users = init_users_list(a->root, given);
	json_t *servers = init_users_servers(users);

	for (size_t i = 0; i < sizeof copied / sizeof copied[0]; i++)
		put(values, copied[i].name, init_answer(a, copied[i].answer));
	paths_put(values, root);
	identity_put(values, identity_header(sign_in, way));
	put(values, "SENDER", way == SIGN_IN_THROUGH ? sign_in : proxy);
	choice_put(values, proxy);
	choice_put(values, sign_in);
	put_if(values, "ASKED", way == SIGN_IN_ASKED);
	put_if(values, "THROUGH", way == SIGN_IN_THROUGH);
	put_if(values, "EDGE", way == SIGN_IN_EDGE);
	put_if(values, "EMAIL", init_names_by_mail(sign_in));
	put_if(values, "cloudflare",
	       strcmp(init_answer(a, "cloudflare"), "yes") == 0 || strcmp(proxy, "cloudflared") == 0 ||
	           strcmp(sign_in, "cloudflare-access") == 0);
	put_if(values, "WRITE_USERS", strcmp(given, "keep") != 0);
	trust_put(values, a, way);
	json_object_set_new(values, "USERS", users);
	json_object_set_new(values, "ENV_FILES", env_files(a, servers));
	json_object_set_new(values, "SERVERS", servers);
	return values;
}
