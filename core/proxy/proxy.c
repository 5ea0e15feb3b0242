/* SPDX-License-Identifier: MIT */
/* The proxy as a process: its beginning, its messages, its drain and its end; see proxy.h. */
#include "proxy/proxy.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "process/upstream_dialer.h"
#include "proxy/acceptor.h"
#include "proxy/client.h"
#include "proxy/exchange.h"
#include "proxy/handover.h"
#include "proxy/preface.h"
#include "proxy/recheck.h"
#include "proxy/request_services.h"
#include "proxy/tunnel.h"
#include "proxy/my_page.h"
#include "proxy/tunnel_alive.h"
#include "proxy/tunnel_census.h"
#include "proxy/upstream_fetch.h"
#include "proxy/worker.h"
#include "proxy/wsserver.h"

#define CLOSE_AWAY    1001
#define CLOSE_RESTART 1012 /* come back at once: another process has the listener */

struct proxy {
	struct worker worker;   /* first: as process->state it is known to request_services.c */
	struct ev_prepare left; /* while it drains: is anything left? */
};

/* ---- the user table -------------------------------------------------------------------------------- */

static void on_users_changed(void *arg, const struct user_list *before, const struct user_list *now)
{
	struct worker *worker = arg;
	struct event e;

	(void)before;
	series_set(worker->metrics.users, (double)now->n);
	event_init(&e, EVENT_USERS_LOADED, PROCESS_PROXY);
	e.count = now->n;
	process_emit(worker->process, &e);
	report_tokens_forget(&worker->reports.tokens);
	tunnels_follow_users(worker);
}

static void on_users_state(void *arg, enum users_state state, const char *why)
{
	struct worker *worker = arg;
	struct event e;

	series_set(worker->metrics.users_broken, state == USERS_BROKEN ? 1. : 0.);
	if (state == USERS_GOOD) {
		users_state_log(NULL, state, why);
		return;
	}
	event_init(&e, state == USERS_BROKEN ? EVENT_USERS_BROKEN : EVENT_USERS_PARTIAL, PROCESS_PROXY);
	event_set(e.text, why);
	process_emit(worker->process, &e);
}

static int users_start(struct proxy *proxy)
{
	struct worker *worker = &proxy->worker;
	struct process *process = worker->process;

	series_set(worker->metrics.users_broken, 0.); /* its predecessor may have met another file */
	worker->users = users_new(process->users_reader, on_users_changed, on_users_state, worker);
	if (!worker->users)
		return -errno;
	series_set(worker->metrics.users, (double)users_list(worker->users)->n);
	return 0;
}

/* ---- the process ------------------------------------------------------------------------------------------ */

static int parts_make(struct worker *worker)
{
	worker->scratch = malloc(SCRATCH_BYTES);
	worker->peers = peers_new(&worker->conf);
	worker->dialer = upstream_dialer_new(worker->process, &worker->process->config->core.trusted_upstreams);
	worker->prefaces = prefaces_new(worker);
	worker->clients = clients_new(worker, &exchange_client_owner);
	worker->exchanges = exchanges_new();
	worker->upstreams = upstreams_new(worker);
	worker->fetches = upstream_fetches_new(worker);
	worker->readiness = readiness_new(worker);
	worker->tunnels = tunnels_new(worker);
	worker->wsservers = wsservers_new();
	worker->handovers = handovers_new();
	worker->recheck = recheck_new(worker, tunnel_session_dead);
	worker->alive_rounds = alive_rounds_new();
	return worker->scratch && worker->peers && worker->dialer && worker->prefaces && worker->clients &&
	               worker->exchanges && worker->upstreams && worker->fetches && worker->readiness &&
	               worker->tunnels && worker->wsservers && worker->handovers && worker->recheck &&
	               worker->alive_rounds
	           ? 0
	           : -ENOMEM;
}

static void proxy_free(struct proxy *proxy)
{
	struct worker *worker = &proxy->worker;

	plugin_host_free(worker->plugins);
	report_intake_fini(&worker->reports);
	if (worker->users)
		users_free(worker->users);
	acceptors_free(worker->acceptors);
	peers_free(worker->peers);
	alive_rounds_free(worker->alive_rounds);
	handovers_free(worker->handovers);
	wsservers_free(worker->wsservers);
	prefaces_free(worker->prefaces);
	clients_free(worker->clients);
	exchanges_free(worker->exchanges);
	readiness_free(worker->readiness);
	upstream_fetches_free(worker->fetches);
	upstreams_free(worker->upstreams);
	upstream_dialer_free(worker->dialer);
	tunnels_free(worker->tunnels);
	recheck_free(worker->recheck);
	proxy_conf_fini(&worker->conf);
	free(worker->scratch);
	buf_fini(&worker->head_room);
	buf_fini(&worker->head);
	free(proxy);
}

static int plugins_start(struct worker *worker)
{
	const struct user_fetcher fetcher = upstream_fetches_fetcher(worker->fetches);
	int r;

	worker->plugins = plugin_host_new(worker->process, worker->users, worker->dialer);
	if (!worker->plugins)
		return -EINVAL;
	plugin_host_set_user_fetcher(worker->plugins, &fetcher);
	request_services_fill(plugin_host_services(worker->plugins));
	r = plugin_host_start(worker->plugins);
	return r == 0 ? recheck_start(worker->recheck) : r;
}

static int proxy_build(struct proxy *proxy)
{
	struct worker *worker = &proxy->worker;
	struct process *process = worker->process;
	int r = proxy_conf_read(&worker->conf, process->config, &config_faults_log);

	if (r < 0)
		return r;
	proxy_metrics_init(&worker->metrics, process->metrics, process->worker);
	report_intake_init(&worker->reports, worker->conf.browser_reports, worker->conf.browser_reports_rate,
	                   process->probe_key, process->metrics);
	r = parts_make(worker);
	if (r == 0)
		r = users_start(proxy);
	if (r == 0)
		r = plugins_start(worker);
	if (r < 0)
		return r;
	worker->acceptors = acceptors_new(worker);
	return worker->acceptors ? 0 : -ENOMEM;
}

static int start(struct process *process)
{
	struct proxy *proxy = calloc(1, sizeof *proxy);
	int r;

	if (!proxy)
		return -ENOMEM;
	proxy->worker.process = process;
	proxy->worker.loop = process->loop;
	process->state = &proxy->worker;
	r = proxy_build(proxy);
	if (r < 0)
		proxy_free(proxy);
	return r;
}

static void stop(struct process *process)
{
	struct proxy *proxy = process->state;
	struct worker *worker = &proxy->worker;

	if (worker->draining)
		ev_prepare_stop(worker->loop, &proxy->left);
	acceptors_free(worker->acceptors);
	worker->acceptors = NULL;
	alive_rounds_free(worker->alive_rounds);
	worker->alive_rounds = NULL;
	recheck_stop(worker->recheck);
	handovers_free(worker->handovers);
	worker->handovers = NULL;
	tunnels_close_all(worker);
	wsservers_close_all(worker, CLOSE_AWAY, true);
	clients_close_all(worker->clients);
	plugin_host_stop(worker->plugins);
	proxy_free(proxy);
}

static void on_left(struct ev_loop *loop, struct ev_prepare *w, int revents)
{
	struct worker *worker = w->data;

	(void)loop, (void)revents;
	if (clients_count(worker->clients) == 0 && prefaces_count(worker->prefaces) == 0 && worker->tunnels->n == 0 &&
	    wsservers_is_empty(worker->wsservers) && !handover_is_taking(worker->handovers))
		process_leave(worker->process);
}

/* Takes nothing new; users' tunnels and requests go on, and a client that is between two requests may send one more
 * if it cannot move: a close could cross its next one.  A plugin's WebSocket can begin again. */
static void drain(struct process *process)
{
	struct proxy *proxy = process->state;
	struct worker *worker = &proxy->worker;

	if (worker->draining)
		return;
	worker->draining = true;
	acceptors_close(worker->acceptors);
	wsservers_close_all(worker, CLOSE_RESTART, false);
	ev_prepare_init(&proxy->left, on_left);
	proxy->left.data = worker;
	ev_prepare_start(worker->loop, &proxy->left);
}

static void message(struct process *process, const struct msg_head *head, const void *payload)
{
	struct worker *worker = process->state;
	struct msg_probe probe;
	int fds[CHANNEL_FDS];

	if (head->type == MSG_PROBE && head->len == sizeof probe) {
		memcpy(&probe, payload, sizeof probe);
		if (probe.since_us == 0)
			tunnel_census(worker);
		else
			alive_round_begin(worker, head->id, probe.since_us);
	} else if (head->type == MSG_GIVE && channel_take_fds(process->channel, fds) == 1) {
		handover_give(worker, fds[0], (uint32_t)head->id);
	} else if (head->type == MSG_TAKE && channel_take_fds(process->channel, fds) == 1) {
		handover_take(worker, fds[0]);
	} else if (!my_page_message(worker, head, payload) &&
	           !verdict_words_message(&worker->verdict_words, head, payload)) {
		plugin_host_message(worker->plugins, head, payload);
	}
}

/* What resolving a name takes, which a plugin's fetch may do. */
static void confine(struct process *process, struct confinement *c)
{
	confinement_read_options(c, process->config);
	confinement_read_system(c);
}

/* Pages speak whenever they like, and then wait for an answer. */
static enum awaited awaits(const struct process *process)
{
	const struct worker *worker = process->state;

	return worker != NULL && worker->tunnels != NULL && tunnels_any(worker->tunnels) ? AWAITED_ANSWER
	                                                                                 : AWAITED_NOTHING;
}

const struct process_ops proxy_ops = {.check = proxy_conf_check,
                                      .start = start,
                                      .stop = stop,
                                      .drain = drain,
                                      .confine = confine,
                                      .awaits = awaits,
                                      .message = message};
