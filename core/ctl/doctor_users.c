/* SPDX-License-Identifier: MIT */
/* Asks each t3 server who it is, the kernel who listens, and has the configured command make a credential. */
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ctl/doctor_user.h"
#include "ctl/doctor_users.h"
#include "ctl/reach.h"
#include "ctl/run_program.h"
#include "ctl/text.h"
#include "process/argv.h"

/* ---- the server */

static void url_make(const json_t *user, const char *path, char *out, size_t size)
{
	const char *host = text_get(user, "host");

	if (text_get(user, "socket")[0] != '\0')
		snprintf(out, size, "http://localhost%s", path);
	else
		snprintf(out, size, strchr(host, ':') != NULL ? "http://[%s]:%d%s" : "http://%s:%d%s", host,
		         (int)json_integer_value(json_object_get(user, "port")), path);
}

static json_t *server_ask(struct doctor *d, const json_t *user, const char *path, struct reach_answer *a)
{
	struct reach_way way = {.socket = text_get(user, "socket")};
	char url[512];

	url_make(user, path, url, sizeof url);
	reach_get(url, &way, NULL, d->timeout_ms, a);
	return a->status == 200 ? json_loads(a->body, 0, NULL) : NULL;
}

static bool server_check(struct doctor *d, const json_t *user)
{
	const char *name = text_get(user, "name"), *os_user = text_get(user, "os_user"), *version, *cookie;
	struct reach_answer a;
	json_t *environment = server_ask(d, user, "/.well-known/t3/environment", &a), *session;
	char advice[256];
	bool ok;

	snprintf(advice, sizeof advice, "systemctl status t3-serve@%s; T3_PORT in its env file must be its port",
	         os_user);
	version = text_get(environment, "serverVersion");
	if (environment == NULL)
		finding_add(&d->findings, FINDING_FAIL, "server", name, advice, "no t3 server answers: %s",
		            a.why[0] != '\0' ? a.why : "what answers is none");
	session = environment != NULL ? server_ask(d, user, "/api/auth/session", &a) : NULL;
	cookie = text_get(json_object_get(session, "auth"), "sessionCookieName");
	ok = session != NULL && cookie[0] != '\0';
	if (ok)
		finding_add(&d->findings, FINDING_OK, "server", name, "", "t3 %s, cookie %s", version, cookie);
	else if (environment != NULL)
		finding_add(&d->findings, FINDING_FAIL, "server", name, advice,
		            "t3 %s names no session cookie (%s, status %ld)", version, a.why, a.status);
	json_decref(environment);
	json_decref(session);
	return ok;
}

/* ---- who listens */

struct listener {
	bool is_there, is_open; /* open: on all addresses */
	unsigned uid;
};

static void listeners_read(const char *path, unsigned port, struct listener *out)
{
	FILE *f = fopen(path, "re");
	char line[512], address[40];
	unsigned at, state, uid;

	while (f != NULL && fgets(line, sizeof line, f) != NULL)
		if (sscanf(line, " %*u: %39[0-9A-F]:%x %*[0-9A-F]:%*x %x %*s %*s %*s %u", address, &at, &state,
		           &uid) == 4 &&
		    at == port && state == 0x0A) {
			out->is_there = true;
			out->uid = uid;
			out->is_open |= strspn(address, "0") == strlen(address);
		}
	if (f != NULL)
		fclose(f);
}

static void listener_check(struct doctor *d, const json_t *user)
{
	const struct passwd *pw = getpwnam(text_get(user, "os_user"));
	const char *name = text_get(user, "name");
	struct listener l = {0};

	if (strncmp(text_get(user, "host"), "127.", 4) != 0 || text_get(user, "socket")[0] != '\0')
		return;
	listeners_read("/proc/net/tcp", (unsigned)json_integer_value(json_object_get(user, "port")), &l);
	listeners_read("/proc/net/tcp6", (unsigned)json_integer_value(json_object_get(user, "port")), &l);
	if (!l.is_there)
		return; /* in another network namespace */
	if (l.is_open)
		finding_add(
		    &d->findings, FINDING_WARN, "listener", name, "t3 serve --host 127.0.0.1",
		    "the t3 server listens on all addresses: whoever reaches this machine passes by the sign-in");
	else if (pw != NULL && l.uid != pw->pw_uid &&
	         json_array_size(json_object_get(json_object_get(d->config, "core"), "trusted_upstreams")) == 0)
		finding_add(&d->findings, FINDING_FAIL, "listener", name, "let the t3 server run as its OS user",
		            "a process of uid %u listens there, not of %s: t3ops sends nothing to it", l.uid,
		            pw->pw_name);
	else
		finding_add(&d->findings, FINDING_OK, "listener", name, "", "on this machine's own addresses only");
}

/* ---- a credential */

/* NULL if something is missing for this user. */
static char **argv_of(const json_t *command, const json_t *row)
{
	const json_t *items = json_object_get(command, "argv");
	struct text_list list = {calloc(json_array_size(items) + 1, sizeof *list.items), json_array_size(items)};
	struct user user = user_of(row);
	char **argv;

	for (size_t i = 0; list.items != NULL && i < list.n; i++)
		list.items[i] = (char *)json_string_value(json_array_get(items, i));
	argv = argv_expand(&list, &user);
	free(list.items);
	return argv;
}

/* It is a secret, so whether there is one is all that is said of it. */
static bool has_credential(const char *text)
{
	json_t *o = json_loads(text, 0, NULL);
	bool has = text_get(o, "credential")[0] != '\0';

	json_decref(o);
	return has;
}

static void first_line(char *text)
{
	text[strcspn(text, "\n")] = '\0';
}

static void credential_report(struct doctor *d, const char *name, struct run_result *r)
{
	const char *advice = "run the command \"mint\" of t3ops.conf as that user and see what it says";

	if (r->status == 0 && has_credential(r->out)) {
		finding_add(&d->findings, FINDING_OK, "mint", name, "",
		            "a pairing credential was made; it is not used and expires");
		return;
	}
	first_line(r->err);
	if (r->status == 0)
		finding_add(&d->findings, FINDING_FAIL, "mint", name, advice,
		            "the command printed no credential as JSON");
	else if (r->status == -1)
		finding_add(&d->findings, FINDING_FAIL, "mint", name, advice, "the command failed: %s",
		            strerror(r->error));
	else
		finding_add(&d->findings, FINDING_FAIL, "mint", name, advice, "the command ended with %d: %s",
		            r->status, r->err);
}

static void credential_check(struct doctor *d, const json_t *user, const json_t *command)
{
	const struct passwd *pw = getpwnam(text_get(user, "os_user"));
	const char *name = text_get(user, "name");
	char **argv = pw != NULL ? argv_of(command, user) : NULL;
	struct run_result *r;

	if (argv == NULL) {
		finding_add(&d->findings, pw != NULL ? FINDING_FAIL : FINDING_SKIP, "mint", name,
		            "correct the user table", "%s has no account with a home on this machine",
		            text_get(user, "os_user"));
		return;
	}
	if (geteuid() != 0 && geteuid() != pw->pw_uid && strstr(argv[0], "sudo") == NULL) {
		finding_add(&d->findings, FINDING_SKIP, "mint", name, "", "only root can try it as %s", pw->pw_name);
		argv_free(argv);
		return;
	}
	r = malloc(sizeof *r);
	if (r == NULL)
		abort();
	run_program(argv, pw, (unsigned)(json_integer_value(json_object_get(command, "timeout")) / 1000), r);
	credential_report(d, name, r);
	explicit_bzero(r, sizeof *r);
	free(r);
	argv_free(argv);
}

void doctor_users(struct doctor *d)
{
	const char *pairing = json_string_value(json_object_get(d->config, "pairing_command"));
	const json_t *command = pairing != NULL ? json_object_get(json_object_get(d->config, "commands"), pairing)
	                                        : NULL,
	             *user;
	size_t i;

	json_array_foreach (json_object_get(d->config, "users"), i, user) {
		if (json_is_true(json_object_get(user, "absent"))) {
			finding_add(&d->findings, FINDING_SKIP, "server", text_get(user, "name"), "",
			            "this user has never run t3");
			continue;
		}
		if (server_check(d, user))
			listener_check(d, user);
		if (command != NULL)
			credential_check(d, user, command);
	}
}
