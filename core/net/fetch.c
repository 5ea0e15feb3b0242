/* SPDX-License-Identifier: MIT */
/*
 * Transfers on a loop: libcurl's sockets and its one timer become libev watchers here.  A
 * transfer is in `dialling` (its connection is made here, net/dial.h), in `running` (libcurl has it) or in `done`
 * (its callback is due), in one of them only; callbacks run only while nothing of libcurl is on the stack.  Any
 * process.
 */
#include "net/fetch.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "net/fetch_transfer.h"
#include "sys/clock.h"

/* One socket that libcurl wants watched. */
struct sock {
	LIST_ENTRY(sock) link;
	struct ev_io io;
	struct fetcher *fetcher;
};

struct fetcher {
	struct ev_loop *loop;
	CURLM *multi;
	struct ev_timer timer; /* libcurl's */
	struct ev_timer kick;  /* something is in done although libcurl had no part in it */
	struct transfers dialling, running, done;
	size_t watched; /* transfers whose steps are reported */
	LIST_HEAD(, sock) socks;
	uint64_t last_id;
	uint64_t round; /* of deliveries: what a callback adds waits for the next one */
	bool delivering;
	bool freed; /* inside a callback: the end of delivery does it */
};

static void fetcher_destroy(struct fetcher *f)
{
	struct transfer *t;
	struct sock *s;

	while ((t = TAILQ_FIRST(&f->running))) {
		curl_multi_remove_handle(f->multi, t->easy);
		TAILQ_REMOVE(&f->running, t, link);
		transfer_free(t);
	}
	while ((t = TAILQ_FIRST(&f->dialling))) {
		dial_stop(&t->dial);
		TAILQ_REMOVE(&f->dialling, t, link);
		transfer_free(t);
	}
	while ((t = TAILQ_FIRST(&f->done))) {
		TAILQ_REMOVE(&f->done, t, link);
		transfer_free(t);
	}
	curl_multi_cleanup(f->multi);
	while ((s = LIST_FIRST(&f->socks))) {
		ev_io_stop(f->loop, &s->io);
		LIST_REMOVE(s, link);
		free(s);
	}
	ev_timer_stop(f->loop, &f->timer);
	ev_timer_stop(f->loop, &f->kick);
	curl_global_cleanup();
	free(f);
}

static struct transfer *transfer_advanced(struct fetcher *f)
{
	struct transfer *t;

	TAILQ_FOREACH (t, &f->running, link)
		if (t->on_step && t->step > t->reported)
			return t;
	return NULL;
}

/* A callback may start and cancel transfers: each time the list is looked through anew. */
static void steps_report(struct fetcher *f)
{
	struct transfer *t;

	f->delivering = true;
	while (!f->freed && f->watched > 0 && (t = transfer_advanced(f))) {
		t->reported = t->step;
		t->on_step(t->arg, t->step);
	}
	f->delivering = false;
}

static void deliver(struct fetcher *f)
{
	struct transfer *t;

	if (f->delivering)
		return;
	f->delivering = true;
	f->round++;
	while (!f->freed && (t = TAILQ_FIRST(&f->done)) && t->round < f->round) {
		TAILQ_REMOVE(&f->done, t, link);
		transfer_report(t);
		transfer_free(t);
	}
	f->delivering = false;
	if (f->freed)
		fetcher_destroy(f);
}

/* Whether it goes on, to learn whose clock is right. */
static bool look(struct fetcher *f, struct transfer *t)
{
	if (transfer_is_untimely(t)) {
		transfer_look(t);
		return curl_multi_add_handle(f->multi, t->easy) == CURLM_OK;
	}
	if (t->looking) {
		t->code = CURLE_PEER_FAILED_VERIFICATION;
		transfer_blames_clock(t);
	}
	return false;
}

static void collect(struct fetcher *f)
{
	CURLMsg *m;
	int left;

	while ((m = curl_multi_info_read(f->multi, &left))) {
		struct transfer *t = NULL;

		if (m->msg != CURLMSG_DONE)
			continue;
		curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, (char **)&t);
		t->code = m->data.result; /* m dies with the next call */
		curl_multi_remove_handle(f->multi, t->easy);
		if (look(f, t))
			continue;
		TAILQ_REMOVE(&f->running, t, link);
		f->watched -= t->on_step != NULL;
		t->round = f->round;
		TAILQ_INSERT_TAIL(&f->done, t, link);
	}
}

static void act(struct fetcher *f, curl_socket_t fd, int events)
{
	int running;

	curl_multi_socket_action(f->multi, fd, events, &running);
	steps_report(f);
	if (f->freed) {
		fetcher_destroy(f);
		return;
	}
	collect(f);
	deliver(f);
}

static void on_io(struct ev_loop *loop, struct ev_io *w, int revents)
{
	struct sock *s = w->data;

	(void)loop;
	act(s->fetcher, w->fd,
	    (revents & EV_READ ? CURL_CSELECT_IN : 0) | (revents & EV_WRITE ? CURL_CSELECT_OUT : 0));
}

static void on_timer(struct ev_loop *loop, struct ev_timer *w, int revents)
{
	(void)loop, (void)revents;
	act(w->data, CURL_SOCKET_TIMEOUT, 0);
}

static void on_kick(struct ev_loop *loop, struct ev_timer *w, int revents)
{
	(void)loop, (void)revents;
	deliver(w->data);
}

static struct sock *sock_new(struct fetcher *f)
{
	struct sock *s = calloc(1, sizeof *s);

	if (!s)
		return NULL;
	s->fetcher = f;
	ev_init(&s->io, on_io);
	s->io.data = s;
	LIST_INSERT_HEAD(&f->socks, s, link);
	return s;
}

static void sock_free(struct fetcher *f, struct sock *s)
{
	ev_io_stop(f->loop, &s->io);
	LIST_REMOVE(s, link);
	free(s);
}

static int on_curl_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *known)
{
	struct fetcher *f = arg;
	struct sock *s = known;

	(void)easy;
	if (what == CURL_POLL_REMOVE) {
		if (s)
			sock_free(f, s);
		curl_multi_assign(f->multi, fd, NULL);
		return 0;
	}
	if (!s && !(s = sock_new(f)))
		return -1;
	ev_io_stop(f->loop, &s->io);
	ev_io_set(&s->io, fd, (what & CURL_POLL_IN ? EV_READ : 0) | (what & CURL_POLL_OUT ? EV_WRITE : 0));
	ev_io_start(f->loop, &s->io);
	curl_multi_assign(f->multi, fd, s);
	return 0;
}

static int on_curl_timer(CURLM *multi, long after_ms, void *arg)
{
	struct fetcher *f = arg;

	(void)multi;
	ev_timer_stop(f->loop, &f->timer);
	if (after_ms >= 0) {
		ev_timer_set(&f->timer, (double)after_ms / 1e3, 0.);
		ev_timer_start(f->loop, &f->timer);
	}
	return 0;
}

struct fetcher *fetcher_new(struct ev_loop *loop)
{
	struct fetcher *f = calloc(1, sizeof *f);

	if (!f || curl_global_init(CURL_GLOBAL_DEFAULT) != 0 || !(f->multi = curl_multi_init())) {
		free(f);
		return NULL;
	}
	f->loop = loop;
	TAILQ_INIT(&f->dialling);
	TAILQ_INIT(&f->running);
	TAILQ_INIT(&f->done);
	LIST_INIT(&f->socks);
	ev_init(&f->timer, on_timer);
	f->timer.data = f;
	ev_timer_init(&f->kick, on_kick, 0., 0.);
	f->kick.data = f;
	curl_multi_setopt(f->multi, CURLMOPT_SOCKETFUNCTION, on_curl_socket);
	curl_multi_setopt(f->multi, CURLMOPT_SOCKETDATA, f);
	curl_multi_setopt(f->multi, CURLMOPT_TIMERFUNCTION, on_curl_timer);
	curl_multi_setopt(f->multi, CURLMOPT_TIMERDATA, f);
	return f;
}

void fetcher_free(struct fetcher *f)
{
	if (!f)
		return;
	f->freed = true;
	if (!f->delivering)
		fetcher_destroy(f);
}

/* Its callback is due. */
static void transfer_finish(struct fetcher *f, struct transfer *t)
{
	t->round = f->round;
	TAILQ_INSERT_TAIL(&f->done, t, link);
	ev_timer_start(f->loop, &f->kick);
}

static void transfer_run(struct fetcher *f, struct transfer *t)
{
	if (curl_multi_add_handle(f->multi, t->easy) == CURLM_OK) {
		TAILQ_INSERT_TAIL(&f->running, t, link);
		f->watched += t->on_step != NULL;
		return;
	}
	t->code = CURLE_OUT_OF_MEMORY;
	transfer_finish(f, t);
}

static void on_dialled(void *arg, int error)
{
	struct transfer *t = arg;
	struct fetcher *f = t->fetcher;

	TAILQ_REMOVE(&f->dialling, t, link);
	t->dial_error = error;
	if (error == 0) {
		transfer_use(t, dial_take(&t->dial), clock_mono_us() - t->dialled_us);
		curl_easy_setopt(t->easy, CURLOPT_FORBID_REUSE, 1L);
		transfer_run(f, t);
	} else {
		transfer_finish(f, t);
	}
}

static void transfer_dial(struct fetcher *f, struct transfer *t, const struct fetch_way *way)
{
	static const struct dial_callbacks callbacks = {.done = on_dialled};

	t->fetcher = f;
	t->step = T3OPS_STEP_CONNECT;
	t->dialled_us = clock_mono_us();
	t->dial_error = way->dialer
	                    ? dial_start(&t->dial, way->dialer, &way->target, t->connect_limit_us, &callbacks, t)
	                    : -ENOKEY;
	if (t->dial_error == 0)
		TAILQ_INSERT_TAIL(&f->dialling, t, link);
	else
		transfer_finish(f, t);
}

uint64_t fetch_start(struct fetcher *f, const struct t3ops_fetch *what, const struct fetch_way *way,
                     fetch_step_cb on_step, fetch_done_cb cb, void *arg)
{
	struct transfer *t = transfer_new(what);

	assert(!f->freed);
	t->id = ++f->last_id;
	t->on_step = on_step;
	t->cb = cb;
	t->arg = arg;
	if (t->refused != 0)
		transfer_finish(f, t);
	else if (way)
		transfer_dial(f, t, way);
	else
		transfer_run(f, t);
	return t->id;
}

static struct transfer *transfer_find(struct transfers *list, uint64_t id)
{
	struct transfer *t;

	TAILQ_FOREACH (t, list, link)
		if (t->id == id)
			return t;
	return NULL;
}

void fetch_cancel(struct fetcher *f, uint64_t id)
{
	struct transfer *t = transfer_find(&f->running, id);

	if (t) {
		curl_multi_remove_handle(f->multi, t->easy);
		TAILQ_REMOVE(&f->running, t, link);
		f->watched -= t->on_step != NULL;
	} else if ((t = transfer_find(&f->dialling, id))) {
		dial_stop(&t->dial);
		TAILQ_REMOVE(&f->dialling, t, link);
	} else if ((t = transfer_find(&f->done, id))) {
		TAILQ_REMOVE(&f->done, t, link);
	} else {
		return;
	}
	transfer_free(t);
}
