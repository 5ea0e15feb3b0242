/* SPDX-License-Identifier: MIT */
/* See proof.h. */
#include "common/proof.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/due.h"
#include "common/t3_url.h"
#include "common/server_log.h"
#include "common/ws_ping.h"

#define ENVIRONMENT "/.well-known/t3/environment"
#define SESSION     "/api/auth/session"
#define TRY_US      500000 /* a request of the start-up's dead window is never answered */
#define PAUSE_US    50000
#define SERVICE_US  30000000
#define STOP_US     25000000
#define HEARTBEAT_S 10
#define COOKIE_MAX  4096
#define KEYS_MAX    64

struct proof {
	struct t3ops_ctx *ctx;
	const struct t3ops_user *user;
	pid_t pid; /* of the server; 0: it has ended */
	int log_fd;
	char cookie[COOKIE_MAX]; /* NAME=VALUE */
	char why[256];
};

static int miss(struct proof *p, const char *fmt, ...) T3OPS_PRINTF(2, 3);
static int miss(struct proof *p, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(p->why, sizeof p->why, fmt, ap);
	va_end(ap);
	return -EPROTO;
}

/* ---- the server -------------------------------------------------------------------------------------------- */

static int server_start(struct proof *p)
{
	const struct t3ops_host *host = p->ctx->host;
	const char *const *argv = host->command_argv(p->ctx, host->opt_string(p->ctx, "serve_command"));

	if (argv == NULL)
		return miss(p, "the command of serve_command cannot be filled in for this user");
	p->log_fd = memfd_create("t3-log", MFD_CLOEXEC);
	p->pid = fork();
	if (p->pid == 0) {
		dup2(open("/dev/null", O_RDONLY | O_CLOEXEC), STDIN_FILENO);
		dup2(p->log_fd, STDOUT_FILENO);
		dup2(p->log_fd, STDERR_FILENO);
		close_range(STDERR_FILENO + 1, ~0U, 0);
		execv(argv[0], (char *const *)(uintptr_t)argv);
		dprintf(STDERR_FILENO, "Error: cannot start %s: %s\n", argv[0], strerror(errno));
		_exit(127);
	}
	return p->pid > 0 ? 0 : miss(p, "fork: %s", strerror(errno));
}

/* Whether it has ended by itself. */
static bool server_ended(struct proof *p)
{
	char line[160] = "";
	int status;

	if (waitpid(p->pid, &status, WNOHANG) != p->pid)
		return false;
	p->pid = 0;
	server_log_last(p->log_fd, line, sizeof line);
	miss(p, "the server ended with %s %d%s%s", WIFEXITED(status) ? "exit code" : "signal",
	     WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status), *line != '\0' ? ": " : "", line);
	return true;
}

/* A clean stop checkpoints the database. */
static void server_stop(struct proof *p)
{
	uint64_t until_us = due_now_us() + STOP_US;

	if (p->pid <= 0)
		return;
	kill(p->pid, SIGTERM);
	while (waitpid(p->pid, NULL, WNOHANG) == 0) {
		if (is_due(until_us))
			kill(p->pid, SIGKILL);
		usleep(PAUSE_US);
	}
	p->pid = 0;
}

/* ---- requests ------------------------------------------------------------------------------------------------ */

struct answer {
	bool done;
	int error, status;
	json_t *body;
};

static void on_fetched(struct t3ops_ctx *ctx, const struct t3ops_fetched *f, void *arg)
{
	struct answer *a = arg;

	(void)ctx;
	*a = (struct answer){true, f->error, f->status,
	                     f->error == 0 ? json_loadb(f->body, f->body_len, 0, NULL) : NULL};
}

static struct answer ask(struct proof *p, const char *path, uint64_t timeout_us)
{
	char url[256], cookie[COOKIE_MAX + 16];
	const char *headers[] = {p->cookie[0] != '\0' ? cookie : NULL, NULL};
	const struct t3ops_fetch what = {.struct_size = sizeof what,
	                                 .url = url,
	                                 .user = p->user->name,
	                                 .headers = headers,
	                                 .timeout_us = timeout_us,
	                                 .fresh = true};
	struct answer a = {0};

	t3_url("http", p->user->host, p->user->port, path, url, sizeof url);
	snprintf(cookie, sizeof cookie, "cookie: %s", p->cookie);
	p->ctx->host->fetch(p->ctx, &what, on_fetched, &a);
	while (!a.done)
		p->ctx->host->wait(p->ctx, &a.done, timeout_us);
	return a;
}

/* ---- the stages ------------------------------------------------------------------------------------------------ */

static void version_report(struct proof *p, const json_t *environment)
{
	const char *version = json_string_value(json_object_get(environment, "serverVersion"));

	if (version != NULL)
		p->ctx->host->report(p->ctx, "version", "%s", version);
}

static int start(struct proof *p)
{
	uint64_t began_us = due_now_us();
	uint64_t until_us = began_us + (uint64_t)p->ctx->host->opt_int(p->ctx, "start_timeout");
	int r = server_start(p);

	while (r == 0 && !is_due(until_us)) {
		struct answer a = ask(p, ENVIRONMENT, TRY_US);

		version_report(p, a.body);
		json_decref(a.body);
		if (a.error == 0) {
			p->ctx->host->report(p->ctx, "start_ms", "%llu",
			                     (unsigned long long)((due_now_us() - began_us) / 1000));
			return 0;
		}
		if (server_ended(p))
			return -EPROTO;
		usleep(PAUSE_US);
	}
	return r < 0 ? r : miss(p, "no HTTP answer within start_timeout: it does not listen, or hangs");
}

static int log_check(struct proof *p)
{
	char line[160];

	return server_log_complaint(p->log_fd, line, sizeof line) ? miss(p, "its log complains: %s", line) : 0;
}

struct paired {
	bool done;
	struct proof *proof;
	uint32_t result;
};

/* "Path=/; Expires; HttpOnly; SameSite=Lax" */
static void attributes_report(struct proof *p, const char *set_cookie)
{
	char text[256] = "";
	const char *at = strchr(set_cookie, ';');
	size_t used = 0;

	for (; at != NULL && used < sizeof text - 1; at = strchr(at, ';')) {
		size_t len;

		at += 1 + strspn(at + 1, " ");
		len = strcspn(at, ";");
		if (strncasecmp(at, "expires", 7) == 0)
			len = 7; /* its value is a time */
		used += (size_t)snprintf(text + used, sizeof text - used, "%s%.*s", used > 0 ? "; " : "", (int)len,
		                         at);
	}
	p->ctx->host->report(p->ctx, "attributes", "%s", text);
}

static void on_paired(void *arg, const struct t3ops_paired *paired)
{
	struct paired *w = arg;
	struct proof *p = w->proof;

	w->done = true;
	w->result = paired->result;
	p->ctx->host->report(p->ctx, "endpoint", "%s", paired->endpoint);
	p->ctx->host->report(p->ctx, "status", "%d", paired->status);
	if (paired->result != T3OPS_PAIR_OK) {
		miss(p, "it does not pair: %s", paired->text);
		return;
	}
	snprintf(p->cookie, sizeof p->cookie, "%.*s", (int)strcspn(paired->set_cookie, ";"), paired->set_cookie);
	p->ctx->host->report(p->ctx, "cookie", "%s", paired->cookie_name);
	attributes_report(p, paired->set_cookie);
}

static const struct t3ops_pairing *pairing_of(struct proof *p)
{
	return p->ctx->host->service(p->ctx, T3OPS_SERVICE_PAIRING);
}

static int pair(struct proof *p)
{
	const struct t3ops_pairing *pairing = pairing_of(p);
	struct paired *w = calloc(1, sizeof *w); /* an answer that comes late still needs it: never freed then */
	int r;

	if (w == NULL)
		return -ENOMEM;
	w->proof = p;
	pairing->pair(pairing->provider, p->user, NULL, on_paired, w);
	if (p->ctx->host->wait(p->ctx, &w->done, SERVICE_US) < 0)
		return miss(p, "it does not pair: no answer in time");
	r = w->result == T3OPS_PAIR_OK ? 0 : -EPROTO;
	free(w);
	return r;
}

struct checked {
	bool done;
	uint32_t session;
};

static void on_checked(void *arg, const struct t3ops_session_state *s)
{
	*(struct checked *)arg = (struct checked){true, s->session};
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* "auth authenticated expiresAt scopes sessionMethod" */
static void keys_report(struct proof *p, const json_t *body)
{
	const char *names[KEYS_MAX], *name;
	char text[400] = "";
	size_t n = 0, used = 0;
	json_t *value;

	json_object_foreach ((json_t *)(uintptr_t)body, name, value)
		if (n < KEYS_MAX)
			names[n++] = name;
	qsort(names, n, sizeof *names, by_name);
	for (size_t i = 0; i < n && used < sizeof text; i++)
		used += (size_t)snprintf(text + used, sizeof text - used, "%s%s", i > 0 ? " " : "", names[i]);
	p->ctx->host->report(p->ctx, "keys", "%s", text);
}

static int session(struct proof *p)
{
	const struct t3ops_pairing *pairing = pairing_of(p);
	struct checked *w = calloc(1, sizeof *w);
	struct answer a;
	int r = 0;

	if (w == NULL)
		return -ENOMEM;
	pairing->check(pairing->provider, p->user, p->cookie, on_checked, w);
	if (p->ctx->host->wait(p->ctx, &w->done, SERVICE_US) < 0)
		return miss(p, SESSION " gives no answer");
	if (w->session != T3OPS_SESSION_ALIVE)
		r = miss(p, SESSION " does not honour the cookie that was just set");
	free(w);
	a = ask(p, SESSION, SERVICE_US);
	keys_report(p, a.body);
	json_decref(a.body);
	return r;
}

static int heartbeat(struct proof *p)
{
	char answer[128], why[200];
	int r = ws_ping(p->user->host, p->user->port, p->cookie, HEARTBEAT_S, answer, sizeof answer, why, sizeof why);

	if (r < 0)
		return miss(p, "%s", why);
	p->ctx->host->report(p->ctx, "heartbeat", "%s", answer);
	return strstr(answer, "Pong") != NULL ? 0 : miss(p, "the heartbeat was answered %.100s", answer);
}

static int stages_run(struct proof *p)
{
	static const struct {
		const char *name;
		int (*run)(struct proof *);
	} stages[] = {
	    {"start", start}, {"log", log_check}, {"pair", pair}, {"session", session}, {"heartbeat", heartbeat}};
	int r = 0;

	for (size_t i = 0; r == 0 && i < sizeof stages / sizeof stages[0]; i++) {
		p->ctx->host->report(p->ctx, "stage", "%s", stages[i].name);
		r = stages[i].run(p);
		if (r < 0 && p->pid > 0 && server_ended(p)) /* which says more */
			r = -EPROTO;
	}
	return r;
}

int proof_run(struct t3ops_ctx *ctx, const struct t3ops_user *user)
{
	struct proof p = {.ctx = ctx, .user = user, .log_fd = -1};
	int r = stages_run(&p);

	server_stop(&p);
	if (r == 0 && log_check(&p) < 0)
		r = -EPROTO;
	if (p.log_fd >= 0)
		close(p.log_fd);
	explicit_bzero(p.cookie, sizeof p.cookie);
	if (r < 0)
		ctx->host->report(ctx, "error", "%s", p.why);
	return r;
}
