/* SPDX-License-Identifier: MIT */
/* The server; see server.h. */
#include "lab/t3/server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "lab/t3/conn.h"
#include "lab/t3/stop.h"

#define BACKLOG      511
#define READY_LAG_MS 40 /* the line "Listening on" comes so long after the first request that is served */

double server_seconds(const struct server *s, long ms)
{
	return (double)ms / 1000 * s->switches.time;
}

/* ---- listening */

static void on_accept(struct ev_loop *loop, ev_io *w, int events)
{
	struct server *s = w->data;
	int fd = accept4(w->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

	(void)loop;
	(void)events;
	if (fd >= 0)
		conn_new(s, fd, w == &s->unix_acceptor);
}

static void acceptor_start(struct server *s, ev_io *w, int fd)
{
	ev_io_set(w, fd, EV_READ);
	ev_io_start(s->loop, w);
}

static int tcp_listen(struct server *s)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(s->port)};
	socklen_t len = sizeof a;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (inet_pton(AF_INET, s->host, &a.sin_addr) != 1)
		a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int));
	if (bind(fd, (struct sockaddr *)&a, len) != 0 || listen(fd, BACKLOG) != 0) {
		printf("Error: listen %s: address %s:%u\n", strerror(errno), s->host, s->port);
		close(fd);
		return -errno;
	}
	getsockname(fd, (struct sockaddr *)&a, &len);
	s->port = ntohs(a.sin_port);
	s->listener = fd;
	acceptor_start(s, &s->acceptor, fd);
	return 0;
}

/* As the preload does it: under a temporary name, then renamed, so that the socket means ready. */
static void unix_listen(struct server *s)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	const char *path = s->switches.socket;
	int fd;

	if (!path || (size_t)snprintf(a.sun_path, sizeof a.sun_path, "%s.new", path) >= sizeof a.sun_path)
		return;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	unlink(a.sun_path);
	if (bind(fd, (struct sockaddr *)&a, sizeof a) != 0 || listen(fd, BACKLOG) != 0 ||
	    chmod(a.sun_path, 0660) != 0 || rename(a.sun_path, path) != 0) {
		printf("WARN: cannot listen on %s: %s; going on with TCP\n", path, strerror(errno));
		close(fd);
		return;
	}
	s->unix_listener = fd;
	acceptor_start(s, &s->unix_acceptor, fd);
}

static void listener_close(struct server *s, ev_io *w, int *fd)
{
	if (*fd < 0)
		return;
	ev_io_stop(s->loop, w);
	close(*fd);
	*fd = -1;
}

void server_listeners_close(struct server *s)
{
	if (s->unix_listener >= 0)
		unlink(s->switches.socket);
	listener_close(s, &s->acceptor, &s->listener);
	listener_close(s, &s->unix_acceptor, &s->unix_listener);
}

static void listening_print(const struct server *s)
{
	printf("Listening on http://%s:%u\n", s->host, s->port);
	fflush(stdout);
}

/* ---- starting */

/* The program says hello with an owner's credential, in text and as a picture. */
static void hello_print(struct server *s)
{
	static const char *const providers[] = {"claude", "codex", "cursor", "grok", "opencode"};
	struct pairing_link link;
	char now[TIME_SIZE];

	store_time(0, now);
	for (size_t i = 0; i < sizeof providers / sizeof providers[0]; i++)
		printf("[%s] WARN (#1): provider %s is not installed\n", now, providers[i]);
	if (store_link_create(s->store, s->profile->roles ? "owner-bootstrap" : "administrative-bootstrap", 300,
	                      &link) == 0)
		printf("Token: %s\nPairing URL: http://%s:%u/pair#token=%s\n"
		       "\u2588\u2580\u2580\u2580\u2588 \u2584 \u2588\u2580\u2580\u2580\u2588\n"
		       "\u2588\u2584\u2584\u2584\u2588 \u2580 \u2588\u2584\u2584\u2584\u2588\n",
		       link.credential, s->host, s->port, link.credential);
	listening_print(s);
}

static void on_ready(struct ev_loop *loop, ev_timer *w, int events)
{
	(void)loop;
	(void)events;
	hello_print(w->data);
}

static void on_dead_window_over(struct ev_loop *loop, ev_timer *w, int events)
{
	struct server *s = w->data;

	(void)events;
	ev_timer_stop(loop, w);
	unix_listen(s);
	ev_timer_set(&s->ready, server_seconds(s, READY_LAG_MS), 0);
	ev_timer_start(loop, &s->ready);
}

/* ---- refusing, as a port that nobody listens on */

static void on_refuse(struct ev_loop *loop, ev_signal *w, int events)
{
	struct server *s = w->data;

	(void)loop;
	(void)events;
	server_listeners_close(s);
	while (s->conns) {
		struct linger now = {1, 0};

		setsockopt(s->conns->reader.fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
		conn_free(s->conns);
	}
	puts("Refusing connections");
	fflush(stdout);
}

static void on_accept_again(struct ev_loop *loop, ev_signal *w, int events)
{
	struct server *s = w->data;

	(void)loop;
	(void)events;
	if (s->listener >= 0 || tcp_listen(s) != 0)
		return;
	unix_listen(s);
	listening_print(s);
}

static void on_stop(struct ev_loop *loop, ev_signal *w, int events)
{
	(void)loop;
	(void)events;
	stop_begin(w->data);
}

static void signals_watch(struct server *s)
{
	const struct {
		ev_signal *w;
		int number;
		void (*cb)(struct ev_loop *, ev_signal *, int);
	} all[] = {
	    {&s->sigterm, SIGTERM, on_stop},
	    {&s->sigint, SIGINT, on_stop},
	    {&s->sigusr1, SIGUSR1, on_refuse},
	    {&s->sigusr2, SIGUSR2, on_accept_again},
	};

	for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
		ev_signal_init(all[i].w, all[i].cb, all[i].number);
		all[i].w->data = s;
		ev_signal_start(s->loop, all[i].w);
	}
}

/* ---- what stands in files */

static void runtime_file(const struct server *s, bool there)
{
	char path[700], now[TIME_SIZE];
	FILE *f;

	snprintf(path, sizeof path, "%s/userdata/server-runtime.json", s->store->dir);
	if (!there) {
		unlink(path);
		return;
	}
	store_time(0, now);
	f = fopen(path, "we");
	if (!f)
		return;
	fprintf(f,
	        "{\"version\":1,\"pid\":%d,\"host\":\"%s\",\"port\":%u,\"origin\":\"http://"
	        "127.0.0.1:%u\",\"startedAt\":\"%s\"}",
	        getpid(), s->host, s->port, s->port, now);
	fclose(f);
}

/* The first 12 hexadecimal digits of a UUID. */
static void hex_of_id(const char *id, char out[13])
{
	size_t n = 0;

	for (; *id && n < 12; id++)
		if (*id != '-')
			out[n++] = *id;
	out[n] = '\0';
}

static void cookie_name_set(struct server *s)
{
	enum cookie_rule rule = s->profile->cookie_rule;
	bool loopback = strcmp(s->host, "127.0.0.1") == 0;
	uint8_t sum[20];
	char hex[13];

	snprintf(s->cookie_name, sizeof s->cookie_name, "t3_session");
	if (rule == COOKIE_ENVIRONMENT && !loopback) {
		hex_of_id(s->store->environment_id, hex);
		snprintf(s->cookie_name, sizeof s->cookie_name, "t3_session_%s", hex);
	} else if (rule != COOKIE_FIXED && loopback) {
		token_sha1(s->store->dir, strlen(s->store->dir), sum);
		snprintf(s->cookie_name, sizeof s->cookie_name, "t3_session_%u_%02x%02x%02x%02x%02x%02x", s->port,
		         sum[0], sum[1], sum[2], sum[3], sum[4], sum[5]);
	}
}

/* The file's text; NULL if there is none. */
static char *file_text(const char *path)
{
	FILE *f = path ? fopen(path, "re") : NULL;
	char *text = NULL;
	size_t size = 0;

	if (!f)
		return NULL;
	if (getdelim(&text, &size, '\0', f) < 0) {
		free(text);
		text = NULL;
	}
	fclose(f);
	return text;
}

static void watchers_init(struct server *s)
{
	ev_init(&s->acceptor, on_accept);
	ev_init(&s->unix_acceptor, on_accept);
	ev_init(&s->ready, on_ready);
	ev_timer_init(&s->dead_window, on_dead_window_over, (double)s->switches.dead_ms / 1000, 0);
	s->acceptor.data = s->unix_acceptor.data = s->ready.data = s->dead_window.data = s;
	stop_init(s);
	signals_watch(s);
}

int server_run(struct server *s, const char *host, uint16_t port)
{
	s->loop = ev_default_loop(0);
	s->host = host;
	s->port = port;
	s->listener = s->unix_listener = -1;
	s->page = file_text(s->switches.page);
	watchers_init(s);
	usleep((useconds_t)(s->switches.start_ms * 1000));
	if (tcp_listen(s) != 0)
		return 1;
	cookie_name_set(s);
	ev_now_update(s->loop);
	if (s->profile->hangs)
		ev_timer_set(&s->dead_window, 1e9, 0);
	ev_timer_start(s->loop, &s->dead_window);
	runtime_file(s, true);
	ev_run(s->loop, 0);
	s->stopping = false;
	while (s->conns)
		conn_free(s->conns);
	runtime_file(s, false);
	ev_loop_destroy(s->loop);
	free(s->page);
	return EXIT_STOPPED;
}
