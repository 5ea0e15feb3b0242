/* SPDX-License-Identifier: MIT */
/* See user_server.h. */
#include "common/user_server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/cgroup.h"
#include "common/database_lock.h"
#include "common/due.h"
#include "common/server_hold.h"

#define LOOK_US       250000
#define CONNECT_MS    1000
#define PAIR_AGAIN_US 1000000

/* ---- whether it runs ----------------------------------------------------------------------------------- */

static bool cgroup_is_populated(const char *cgroup)
{
	char path[320], text[256];
	ssize_t n;
	int fd;

	snprintf(path, sizeof path, "/sys/fs/cgroup%s/cgroup.events", cgroup);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false; /* it went with its last process */
	n = read(fd, text, sizeof text - 1);
	close(fd);
	text[n > 0 ? n : 0] = '\0';
	return strstr(text, "populated 1") != NULL;
}

static bool address_of(const struct t3ops_user *user, struct sockaddr_storage *out, socklen_t *len)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)out;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)out;

	memset(out, 0, sizeof *out);
	if (inet_pton(AF_INET, user->host, &v4->sin_addr) == 1) {
		v4->sin_family = AF_INET;
		v4->sin_port = htons(user->port);
		*len = sizeof *v4;
		return true;
	}
	v6->sin6_family = AF_INET6;
	v6->sin6_port = htons(user->port);
	*len = sizeof *v6;
	return inet_pton(AF_INET6, user->host, &v6->sin6_addr) == 1;
}

/* Whether something accepts at the user's port. */
static bool is_accepting(const struct t3ops_user *user)
{
	struct sockaddr_storage address;
	socklen_t len, size = sizeof(int);
	int error = EINPROGRESS, fd;
	struct pollfd wait;

	if (user->port == 0 || !address_of(user, &address, &len))
		return false;
	fd = socket(address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return false;
	wait = (struct pollfd){.fd = fd, .events = POLLOUT};
	if (connect(fd, (struct sockaddr *)&address, len) == 0)
		error = 0;
	else if (errno == EINPROGRESS && poll(&wait, 1, CONNECT_MS) == 1)
		getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size);
	close(fd);
	return error == 0;
}

const char *user_server_running(struct user_server *s, char *why, size_t size)
{
	pid_t pid = database_user(s->database);

	if (pid > 0) {
		cgroup_own(pid, s->cgroup, sizeof s->cgroup);
		snprintf(why, size, "process %d has %s open", (int)pid, s->database);
	} else if (pid < 0) {
		snprintf(why, size, "%s: %s", s->database, strerror((int)-pid));
	} else if (is_accepting(s->user)) {
		snprintf(why, size, "something accepts at %s port %u", s->user->host, s->user->port);
	} else if (s->cgroup[0] != '\0' && cgroup_is_populated(s->cgroup)) {
		snprintf(why, size, "processes are left in its cgroup %s", s->cgroup);
	} else {
		return NULL;
	}
	return why;
}

/* ---- commands ------------------------------------------------------------------------------------------- */

struct command_wait {
	bool done;
	int error, exit_code;
};

static void on_ran(struct t3ops_ctx *ctx, const struct t3ops_ran *ran, void *arg)
{
	struct command_wait *w = arg;

	(void)ctx;
	*w = (struct command_wait){true, ran->error, ran->exit_code};
}

int user_server_command(struct user_server *s, const char *option, uint64_t until_us, char *why, size_t size)
{
	const struct t3ops_host *host = s->ctx->host;
	const char *command = host->opt_string(s->ctx, option);
	uint64_t now = due_now_us();
	struct command_wait w = {0};

	if (*command == '\0') {
		snprintf(why, size, "the option %s names no command", option);
		return -ENOENT;
	}
	host->command(s->ctx, command, s->user->name, on_ran, &w);
	if (host->wait(s->ctx, &w.done, until_us > now ? until_us - now : 0) < 0)
		w.error = -ETIMEDOUT;
	if (w.error < 0)
		snprintf(why, size, "command \"%s\": %s", command,
		         w.error == -EBUSY ? SERVER_HELD : strerror(-w.error));
	else if (w.exit_code != 0)
		snprintf(why, size, "command \"%s\": exit code %d", command, w.exit_code);
	return w.error < 0 ? w.error : w.exit_code != 0 ? -EIO : 0;
}

int user_server_wait_stopped(struct user_server *s, uint64_t until_us, char *why, size_t size)
{
	char running[320];

	while (user_server_running(s, running, sizeof running) != NULL) {
		if (is_due(until_us)) {
			snprintf(why, size, "it was stopped and still runs: %.200s", running);
			return -ETIMEDOUT;
		}
		usleep(LOOK_US);
	}
	return 0;
}

int user_server_hold(struct user_server *s, uint64_t until_us, char *why, size_t size)
{
	uint64_t now = due_now_us();
	int r = s->ctx->host->commands_hold(s->ctx, until_us > now ? until_us - now : 0);

	if (r == -ETIMEDOUT)
		snprintf(why, size, "a command that was begun for %s earlier has not ended", s->user->name);
	else if (r < 0)
		snprintf(why, size, "%s", r == -EBUSY ? SERVER_HELD : strerror(-r));
	return r;
}

int user_server_stop(struct user_server *s, uint64_t until_us, char *why, size_t size)
{
	char running[320];
	int r = user_server_hold(s, until_us, why, size);

	if (r < 0 || user_server_running(s, running, sizeof running) == NULL)
		return r;
	r = user_server_command(s, "stop_command", until_us, why, size);
	return r == 0 ? user_server_wait_stopped(s, until_us, why, size) : r;
}

/* ---- pairing ---------------------------------------------------------------------------------------------- */

struct pair_wait {
	bool done;
	uint32_t result;
	char text[200];
};

static void on_paired(void *arg, const struct t3ops_paired *p)
{
	struct pair_wait *w = arg;

	w->done = true;
	w->result = p->result;
	snprintf(w->text, sizeof w->text, "%s", p->text);
}

static const struct t3ops_pairing *pairing_of(const struct user_server *s)
{
	return s->ctx->host->service(s->ctx, T3OPS_SERVICE_PAIRING);
}

bool user_server_can_pair(const struct user_server *s)
{
	return pairing_of(s) != NULL;
}

static void pair_once(struct user_server *s, uint64_t until_us, struct pair_wait *w)
{
	const struct t3ops_pairing *pairing = pairing_of(s);
	uint64_t now = due_now_us();

	*w = (struct pair_wait){.result = T3OPS_PAIR_UNREACHABLE};
	pairing->pair(pairing->provider, s->user, NULL, on_paired, w);
	s->ctx->host->wait(s->ctx, &w->done, until_us > now ? until_us - now : 0);
	if (!w->done)
		snprintf(w->text, sizeof w->text, "no answer in time");
}

/* A server that has just started is not there yet. */
static bool is_worth_another_try(const struct pair_wait *w, uint64_t until_us)
{
	return w->done &&
	       (w->result == T3OPS_PAIR_UNREACHABLE || w->result == T3OPS_PAIR_MINT_TIMEOUT ||
	        w->result == T3OPS_PAIR_HELD) &&
	       !is_due(until_us);
}

int user_server_wait_pairs(struct user_server *s, uint64_t until_us, char *why, size_t size)
{
	struct pair_wait *w = calloc(1, sizeof *w); /* an answer that comes late still needs it: never freed then */
	int r;

	if (w == NULL)
		return -ENOMEM;
	for (pair_once(s, until_us, w); is_worth_another_try(w, until_us); pair_once(s, until_us, w))
		usleep(PAIR_AGAIN_US);
	r = w->result == T3OPS_PAIR_OK ? 0 : -EPROTO;
	if (r < 0)
		snprintf(why, size, "it does not pair: %s", w->text);
	if (w->done)
		free(w);
	return r;
}

int user_server_start(struct user_server *s, uint64_t until_us, char *why, size_t size)
{
	int r = user_server_command(s, "start_command", until_us, why, size);

	if (r == 0)
		s->ctx->host->commands_release(s->ctx);
	return r == 0 && user_server_can_pair(s) ? user_server_wait_pairs(s, until_us, why, size) : r;
}
