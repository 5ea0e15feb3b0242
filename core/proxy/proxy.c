/* SPDX-License-Identifier: MIT */
/* The proxy as a process: its beginning, its listeners, its messages and its end; see proxy.h. */
#include "proxy/proxy.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "options/core_options.h"
#include "proxy/filter_chain.h"
#include "proxy/client.h"
#include "proxy/proxy_state.h"
#include "proxy/handover.h"
#include "proxy/recheck.h"
#include "proxy/tunnel.h"
#include "proxy/tunnel_alive.h"
#include "proxy/wsserver.h"

#define ACCEPTS_AT_ONCE 64 /* then the others have their turn */
#define ACCEPT_AGAIN_S  0.5
#define RESERVED_FDS    256 /* for the instances of those who are here; of a small limit an eighth */
#define CLOSE_AWAY      1001
#define CLOSE_RESTART   1012 /* come back at once: another process has the listener */

/* ---- accepting ----------------------------------------------------------------------------------- */

static void accepting_set(struct proxy *f, bool on)
{
	for (size_t i = 0; i < f->n_acceptors; i++) {
		if (on)
			ev_io_start(f->loop, &f->acceptors[i].io);
		else
			ev_io_stop(f->loop, &f->acceptors[i].io);
	}
}

/* New clients wait in the queue of the kernel: without descriptors accept(2) would fail over and over, and
 * those who are here already need some for their instances. */
static void accepting_pause(struct proxy *f, const char *why)
{
	log_line(LOG_L_ERROR, "accept_paused", "reason=\"%s\" connections=%zu tunnels=%zu hint=\"raise LimitNOFILE\"",
	         why, f->n_clients, f->n_tunnels);
	series_add(f->metrics.accept_paused, 1);
	accepting_set(f, false);
	ev_timer_again(f->loop, &f->accept_again);
}

/* The next descriptor will be the lowest that is free. */
static bool is_process(const struct proxy *f)
{
	int fd = fcntl(f->acceptors[0].io.fd, F_DUPFD_CLOEXEC, 0);

	if (fd >= 0)
		close(fd);
	return fd >= 0 && fd < f->last_fd;
}

static void on_accept_again(struct ev_loop *loop, struct ev_timer *w, int revents)
{
	struct proxy *f = w->data;

	(void)revents;
	if (!f->draining && !is_process(f))
		return;
	ev_timer_stop(loop, w);
	accepting_set(f, !f->draining);
}

static void admit(struct proxy *f, int fd, const struct sockaddr *peer)
{
	if (f->n_clients + f->n_tunnels < f->conf.max_connections) {
		client_new(f, fd, peer);
		return;
	}
	series_add(f->metrics.rejected, 1);
	close(fd);
}

static void on_accept(struct ev_loop *loop, struct ev_io *w, int revents)
{
	struct proxy *f = ((struct acceptor *)w->data)->proxy;

	(void)loop, (void)revents;
	for (int i = 0; i < ACCEPTS_AT_ONCE; i++) {
		struct sockaddr_storage peer = {0};
		socklen_t len = sizeof peer;
		int fd = accept4(w->fd, (struct sockaddr *)&peer, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd >= 0) {
			admit(f, fd, (struct sockaddr *)&peer);
			if (fd < f->last_fd)
				continue;
			accepting_pause(f, "few descriptors are left");
		} else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
			accepting_pause(f, strerror(errno));
		}
		return; /* nothing more, or a connection that is gone already */
	}
}

/* Descriptors are dealt out from below: that one tells that only the reserve is left. */
static int last_fd(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur > INT_MAX)
		return INT_MAX;
	return (int)(limit.rlim_cur - (limit.rlim_cur / 8 < RESERVED_FDS ? limit.rlim_cur / 8 : RESERVED_FDS));
}

static void acceptors_start(struct proxy *f)
{
	f->last_fd = last_fd();
	for (size_t i = 0; i < f->process->n_listeners; i++) {
		struct acceptor *a = &f->acceptors[f->n_acceptors];

		if (strcmp(f->process->listeners[i].name, "proxy") != 0)
			continue;
		a->proxy = f;
		ev_io_init(&a->io, on_accept, f->process->listeners[i].fd, EV_READ);
		a->io.data = a;
		f->n_acceptors++;
	}
	accepting_set(f, true);
}

/* ---- the user table -------------------------------------------------------------------------------- */

static void on_users_changed(void *arg, const struct user_list *before, const struct user_list *now)
{
	struct proxy *f = arg;
	struct event e;

	(void)before;
	series_set(f->metrics.users, (double)now->n);
	event_init(&e, EVENT_USERS_LOADED, PROCESS_PROXY);
	e.count = now->n;
	process_emit(f->process, &e);
	tunnels_follow_users(f, now);
}

static void on_users_state(void *arg, enum users_state state, const char *why)
{
	struct proxy *f = arg;
	struct event e;

	series_set(f->metrics.users_broken, state == USERS_BROKEN ? 1. : 0.);
	if (state == USERS_GOOD)
		return;
	event_init(&e, state == USERS_BROKEN ? EVENT_USERS_BROKEN : EVENT_USERS_PARTIAL, PROCESS_PROXY);
	event_set(e.text, why);
	process_emit(f->process, &e);
}

/* ---- the process ------------------------------------------------------------------------------------------ */

static int trusted_read(struct cidr_list *out, const struct text_list *networks)
{
	for (size_t i = 0; i < networks->n; i++) {
		if (out->n == CIDRS_MAX || !cidr_parse(networks->items[i], &out->rows[out->n])) {
			log_line(LOG_L_ERROR, "start_failed", "option=trusted_proxies value=\"%s\" reason=\"%s\"",
			         networks->items[i],
			         out->n == CIDRS_MAX ? "too many networks" : "no network in CIDR notation");
			return -EINVAL;
		}
		out->n++;
	}
	return 0;
}

static int conf_read(struct proxy_conf *c, const struct process_config *config)
{
	const struct core_options *core = &config->core;

	*c = (struct proxy_conf){.identity_header = core->identity_header,
	                         .strip_domain = core->identity_strip_domain,
	                         .secret_header = core->proxy_secret_header,
	                         .has_secret = config->proxy_secret_digest[0] != '\0',
	                         .allowed_origins = &core->allowed_origins,
	                         .public_paths = &core->public_paths,
	                         .max_connections = (size_t)(core->max_connections / core->workers),
	                         .max_peer_connections = (size_t)core->max_connections_per_peer,
	                         .max_user_requests = (size_t)core->max_requests_per_user,
	                         .max_user_tunnels = (size_t)core->max_tunnels_per_user,
	                         .max_header_bytes = core->max_header_bytes,
	                         .max_headers = (size_t)core->max_headers,
	                         .upstream_pool = (size_t)core->upstream_pool,
	                         .header_us = core->header_timeout_us,
	                         .keepalive_us = core->keepalive_timeout_us,
	                         .body_us = core->body_timeout_us,
	                         .connect_us = core->connect_timeout_us,
	                         .first_byte_us = core->first_byte_timeout_us,
	                         .upstream_idle_us = core->upstream_idle_us,
	                         .plugin_us = core->plugin_deadline_us,
	                         .tunnel_send_us = core->tunnel_send_timeout_us,
	                         .gave_up_us = core->gave_up_after_us,
	                         .recheck_us = core->recheck_tunnels_us};
	if (c->has_secret && !secret_digest_parse(config->proxy_secret_digest, c->secret))
		return -EINVAL;
	return trusted_read(&c->trusted, &core->trusted_proxies);
}

static void proxy_free(struct proxy *f)
{
	if (f->plugins)
		plugin_host_free(f->plugins);
	if (f->users)
		users_free(f->users);
	pools_free(f);
	quota_fini(&f->peers);
	quota_fini(&f->user_requests);
	quota_fini(&f->user_tunnels);
	filter_chain_free(f);
	free(f->scratch);
	buf_fini(&f->head_room);
	buf_fini(&f->head);
	free(f);
}

static int plugins_start(struct proxy *f)
{
	int r;

	f->plugins = plugin_host_new(f->process, f->users);
	if (!f->plugins)
		return -EINVAL;
	filter_chain_services_fill(plugin_host_services(f->plugins));
	r = plugin_host_start(f->plugins);
	return r == 0 ? recheck_start(f) : r;
}

/* The directory of a file, or of all files of a pattern: what stands before %u.  "" if it does not fit. */
static void dir_of(const char *path, char *out, size_t size)
{
	const char *mark = strstr(path, "%u");
	const char *slash = memrchr(path, '/', mark ? (size_t)(mark - path) : strlen(path));
	int n = slash ? snprintf(out, size, "%.*s/", (int)(slash - path), path) : snprintf(out, size, ".");

	if (n < 0 || (size_t)n >= size)
		out[0] = '\0';
}

/* The directories of the table, of what it is a link to, and of the env files. */
static void tables_find(struct proxy *f, const char *users, const char *env)
{
	char *real = realpath(users, NULL);

	dir_of(users, f->tables[0], sizeof f->tables[0]);
	dir_of(real ? real : users, f->tables[1], sizeof f->tables[1]);
	dir_of(env, f->tables[2], sizeof f->tables[2]);
	free(real);
}

static int proxy_build(struct proxy *f)
{
	const struct core_options *core = &f->process->config->core;
	struct users_source source = {.path = core->users,
	                              .env_pattern = core->instance_env,
	                              .snapshot = f->process->snapshot,
	                              .must_read = f->process->succeeds};
	int r = conf_read(&f->conf, f->process->config);

	if (r < 0)
		return r;
	proxy_metrics_init(&f->metrics, f->process->metrics, f->process->worker);
	proxy_gauges_set(f);
	f->last_tunnel = (uint64_t)f->process->serial << 32; /* a tunnel keeps its id when it moves */
	f->scratch = malloc(SCRATCH_BYTES);
	on_users_state(f, USERS_GOOD, NULL); /* the one before may have met another file */
	f->users = users_new(f->loop, &source, on_users_changed, on_users_state, f);
	if (!f->scratch || !f->users)
		return f->users ? -ENOMEM : -errno;
	series_set(f->metrics.users, (double)users_list(f->users)->n);
	tables_find(f, source.path, source.env_pattern);
	return plugins_start(f);
}

static int start(struct process *process)
{
	struct proxy *f = calloc(1, sizeof *f);
	int r;

	if (!f)
		return -ENOMEM;
	f->process = process;
	f->loop = process->loop;
	process->state = f;
	ev_timer_init(&f->accept_again, on_accept_again, ACCEPT_AGAIN_S, ACCEPT_AGAIN_S);
	f->accept_again.data = f;
	r = proxy_build(f);
	if (r < 0) {
		proxy_free(f);
		return r;
	}
	acceptors_start(f);
	return 0;
}

static void stop(struct process *process)
{
	struct proxy *f = process->state;
	struct client *c;

	accepting_set(f, false);
	ev_timer_stop(f->loop, &f->accept_again);
	if (f->draining)
		ev_prepare_stop(f->loop, &f->left);
	alive_rounds_free(f);
	recheck_stop(f);
	handover_free(f);
	tunnels_close_all(f);
	wsserver_close_all(f, CLOSE_AWAY, true);
	while ((c = LIST_FIRST(&f->clients))) {
		if (c->exchange)
			exchange_client_gone(c->exchange);
		else
			client_free(c);
	}
	plugin_host_stop(f->plugins);
	proxy_free(f);
}

static void on_left(struct ev_loop *loop, struct ev_prepare *w, int revents)
{
	struct proxy *f = w->data;

	(void)loop, (void)revents;
	if (f->n_clients == 0 && f->n_tunnels == 0 && LIST_EMPTY(&f->websockets) && !handover_is_taking(f))
		process_leave(f->process);
}

/* Takes nothing new; users' tunnels and requests go on.  A plugin's WebSocket can begin again. */
static void drain(struct process *process)
{
	struct proxy *f = process->state;
	struct client *c, *next;

	if (f->draining)
		return;
	f->draining = true;
	accepting_set(f, false);
	for (size_t i = 0; i < f->n_acceptors; i++)
		close(f->acceptors[i].io.fd);
	f->n_acceptors = 0;
	wsserver_close_all(f, CLOSE_RESTART, false);
	for (c = LIST_FIRST(&f->clients); c; c = next) {
		next = LIST_NEXT(c, link);
		if (client_is_idle(c))
			client_free(c);
	}
	ev_prepare_init(&f->left, on_left);
	f->left.data = f;
	ev_prepare_start(f->loop, &f->left);
}

static void message(struct process *process, const struct msg_head *head, const void *payload)
{
	struct proxy *f = process->state;
	struct msg_probe probe;
	int fds[CHANNEL_FDS];

	if (head->type == MSG_PROBE && head->len == sizeof probe) {
		memcpy(&probe, payload, sizeof probe);
		alive_round_begin(f, head->id, probe.since_us);
	} else if (head->type == MSG_GIVE && channel_take_fds(process->channel, fds) == 1) {
		handover_give(f, fds[0], (uint32_t)head->id);
	} else if (head->type == MSG_TAKE && channel_take_fds(process->channel, fds) == 1) {
		handover_take(f, fds[0]);
	} else {
		plugin_host_message(f->plugins, head, payload);
	}
}

/* The table's directory and the env files', for both are replaced by rename; and what resolving a name takes,
 * which a plugin's fetch may do. */
static size_t readable(struct process *process, const char **out, size_t max)
{
	static const char *const resolver[] = {"/etc/hosts",
	                                       "/etc/resolv.conf",
	                                       "/etc/nsswitch.conf",
	                                       "/etc/host.conf",
	                                       "/etc/gai.conf",
	                                       "/etc/services",
	                                       "/etc/passwd",
	                                       "/etc/group",
	                                       "/etc/localtime",
	                                       "/etc/ssl",
	                                       "/usr/lib/ssl",
	                                       "/usr/share/ca-certificates",
	                                       "/usr/share/zoneinfo",
	                                       "/run/systemd/resolve",
	                                       "/lib",
	                                       "/usr/lib"};
	struct proxy *f = process->state;
	size_t n = 0;

	for (size_t i = 0; i < sizeof f->tables / sizeof f->tables[0] && n < max; i++)
		out[n++] = f->tables[i];
	for (size_t i = 0; i < sizeof resolver / sizeof resolver[0] && n < max; i++)
		out[n++] = resolver[i];
	return n;
}

const struct process_ops proxy_ops = {
    .start = start, .stop = stop, .drain = drain, .readable = readable, .message = message};
