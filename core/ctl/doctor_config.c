/* SPDX-License-Identifier: MIT */
/* Asks the daemon's own check, then looks at what that check leaves to the operator. */
#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ctl/doctor_config.h"
#include "ctl/run_program.h"

#define CHECK_TIMEOUT_MS 60000

static void line_report(struct doctor *d, const char *line)
{
	if (strstr(line, ": warning: ") != NULL)
		finding_add(&d->findings, FINDING_WARN, "config", "", "edit the file; t3ops.conf(5)", "%s", line);
	else if (strstr(line, ": note: ") != NULL)
		finding_add(&d->findings, FINDING_OK, "config", "", "", "%s", line);
	else
		finding_add(&d->findings, FINDING_FAIL, "config", "", "edit the file; `t3ops -t` checks it", "%s",
		            line);
}

static void plugins_report(struct doctor *d)
{
	const json_t *one;
	size_t i;

	json_array_foreach (json_object_get(d->config, "plugins"), i, one)
		finding_add(&d->findings, FINDING_OK, "plugin", json_string_value(json_object_get(one, "name")), "",
		            "%s version %s, its ABI fits", json_string_value(json_object_get(one, "module")),
		            json_string_value(json_object_get(one, "version")));
}

static void users_report(struct doctor *d)
{
	const json_t *faults = json_object_get(d->config, "users_faults"), *one;
	size_t i, n = json_array_size(json_object_get(d->config, "users"));

	json_array_foreach (faults, i, one)
		finding_add(&d->findings, FINDING_FAIL, "users", "",
		            "correct that row; t3ops reads the table again by itself", "%s", json_string_value(one));
	if (n == 0 && json_array_size(faults) == 0)
		finding_add(&d->findings, FINDING_WARN, "users", "", "add a line NAME=OS_USER",
		            "the user table is empty");
	else if (json_array_size(faults) == 0)
		finding_add(&d->findings, FINDING_OK, "users", "", "", "%zu in the user table", n);
}

void doctor_config(struct doctor *d)
{
	char *argv[] = {(char *)d->daemon, (char *)"-t", (char *)"--json", (char *)"-c", (char *)d->conf, NULL};
	struct run_result *r = malloc(sizeof *r);
	char *rest, *line;

	if (r == NULL)
		abort();
	if (access(d->daemon, X_OK) < 0) {
		finding_add(&d->findings, FINDING_FAIL, "config", "",
		            "make install, or say where it is: --daemon PATH", "%s: %s", d->daemon, strerror(errno));
		free(r);
		return;
	}
	run_program(argv, NULL, CHECK_TIMEOUT_MS, r);
	for (rest = r->err; (line = strsep(&rest, "\n")) != NULL;)
		if (line[0] != '\0')
			line_report(d, line);
	d->config = r->status == 0 ? json_loads(r->out, 0, NULL) : NULL;
	if (d->config != NULL)
		finding_add(&d->findings, FINDING_OK, "config", "", "", "%s: configuration OK", d->conf);
	else if (r->status == 0 || r->status == -1)
		finding_add(&d->findings, FINDING_FAIL, "config", "", "install t3ops of the same version",
		            "%s -t --json: %s", d->daemon,
		            r->status == 0 ? "no answer that can be read" : strerror(r->error));
	free(r);
	if (d->config != NULL) {
		plugins_report(d);
		users_report(d);
	}
}

/* ---- who may connect */

/* A network so wide that strangers are in it. */
static bool is_wide(const char *network)
{
	const char *slash = strchr(network, '/');
	int bits = slash != NULL ? atoi(slash + 1) : 128;

	return strncmp(network, "127.", 4) != 0 && slash != NULL && bits < (strchr(network, ':') != NULL ? 48 : 16);
}

static void list_join(const json_t *list, char *out, size_t size)
{
	const json_t *one;
	size_t i, used = 0;

	out[0] = '\0';
	json_array_foreach (list, i, one) {
		int n = snprintf(out + used, size - used, "%s%s", i > 0 ? ", " : "", json_string_value(one));

		used += n > 0 && (size_t)n < size - used ? (size_t)n : 0;
	}
}

void doctor_trust(struct doctor *d)
{
	const json_t *core = json_object_get(d->config, "core"), *networks = json_object_get(core, "trusted_proxies"),
	             *one;
	const char *header = json_string_value(json_object_get(core, "identity_header"));
	char proxies[512], accounts[512];
	bool ok = true;
	size_t i;

	list_join(networks, proxies, sizeof proxies);
	list_join(json_object_get(core, "trusted_local_users"), accounts, sizeof accounts);
	json_array_foreach (networks, i, one)
		if (is_wide(json_string_value(one))) {
			ok = false;
			finding_add(&d->findings, FINDING_WARN, "trust", json_string_value(one),
			            "list the address of the proxy alone in trusted_proxies",
			            "everybody in that network can be any user by sending %s", header);
		}
	if (json_array_size(networks) == 0)
		finding_add(&d->findings, FINDING_FAIL, "trust", "",
		            "list the address of the proxy in trusted_proxies",
		            "no proxy is trusted, so nobody can be identified");
	else if (ok)
		finding_add(&d->findings, FINDING_OK, "trust", "", "", "%s counts from %s; on this machine from %s",
		            header, proxies, accounts);
}

/* ---- files */

/* Whoever else can write it can become any user. */
static void writers_check(struct doctor *d, const char *what, const char *path)
{
	struct stat st;
	char advice[600];

	if (path == NULL || path[0] == '\0')
		return;
	snprintf(advice, sizeof advice, "chmod go-w %s; chown root %s", path, path);
	if (stat(path, &st) < 0)
		finding_add(&d->findings, FINDING_FAIL, "permissions", what, "create it, or correct the path",
		            "%s: %s", path, strerror(errno));
	else if ((st.st_mode & S_IWOTH) != 0 || ((st.st_mode & S_IWGRP) != 0 && st.st_gid != 0))
		finding_add(&d->findings, FINDING_FAIL, "permissions", what, advice,
		            "%s: others can write it (mode %04o)", path, (unsigned)st.st_mode & 07777);
	else
		finding_add(&d->findings, FINDING_OK, "permissions", what, "", "%s", path);
}

static void state_check(struct doctor *d, const char *path, const char *account)
{
	const struct passwd *pw = getpwnam(account);
	struct stat st;
	char advice[600];

	snprintf(advice, sizeof advice, "systemd-tmpfiles --create, or: install -d -o %s -m 0700 %s", account, path);
	if (stat(path, &st) < 0)
		finding_add(&d->findings, FINDING_FAIL, "permissions", "state_dir", advice, "%s: %s", path,
		            strerror(errno));
	else if (pw != NULL && st.st_uid != pw->pw_uid && st.st_uid != 0)
		finding_add(&d->findings, FINDING_FAIL, "permissions", "state_dir", advice,
		            "%s belongs to uid %u, not to %s", path, (unsigned)st.st_uid, account);
	else
		finding_add(&d->findings, FINDING_OK, "permissions", "state_dir", "", "%s", path);
}

/* Whoever may write to it can have everything done that t3opsctl can. */
static void control_check(struct doctor *d, const char *path)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return; /* the check of the daemon says so */
	if ((st.st_mode & S_IWOTH) != 0)
		finding_add(&d->findings, FINDING_FAIL, "permissions", "control",
		            "restart t3ops; who changed its mode?",
		            "%s: everybody on this machine can command t3ops (mode %04o)", path,
		            (unsigned)st.st_mode & 07777);
	else
		finding_add(&d->findings, FINDING_OK, "permissions", "control", "", "%s: root and gid %u", path,
		            (unsigned)st.st_gid);
}

void doctor_permissions(struct doctor *d)
{
	const json_t *core = json_object_get(d->config, "core");

	writers_check(d, "config", d->conf);
	writers_check(d, "users", json_string_value(json_object_get(core, "users")));
	control_check(d, json_string_value(json_object_get(core, "control")));
	writers_check(d, "plugin_dir", json_string_value(json_object_get(core, "plugin_dir")));
	state_check(d, json_string_value(json_object_get(core, "state_dir")),
	            json_string_value(json_object_get(core, "user")));
}
