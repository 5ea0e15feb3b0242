/* SPDX-License-Identifier: MIT */
/* Waiting for the first answer of a t3 server; see readiness.h. */
#include "proxy/readiness.h"

#include <errno.h>
#include <stdlib.h>

#include "proxy/upstream.h"
#include "proxy/worker.h"
#include "users/user_target.h"

#define TRY_FIRST_S 0.5 /* t3 is deaf for a quarter of a second */
#define TRY_MAX_S   4.0 /* it may be slow, too */
#define PAUSE_S     0.1

static const char question[] = "GET /.well-known/t3/environment HTTP/1.1\r\nHost: localhost\r\nUser-Agent: t3ops\r\n"
                               "Accept: */*\r\nConnection: close\r\n\r\n";

/* Of one t3 server. */
struct trial {
	LIST_ENTRY(trial) link;
	struct worker *worker;
	struct user user;
	struct upstream *up; /* NULL: the next attempt follows a pause */
	double limit_s;      /* of the next one */
	struct ev_timer timer;
	bool over;
	TAILQ_HEAD(, held) waiting;
};

struct readiness {
	LIST_HEAD(, trial) trials;
	struct worker *worker;
};

static void trial_stop(struct trial *t)
{
	ev_timer_stop(t->worker->loop, &t->timer);
	if (t->up)
		upstream_close(t->up);
	t->up = NULL;
	if (!t->over)
		LIST_REMOVE(t, link);
	t->over = true;
}

static void trial_end(struct trial *t, int error)
{
	struct held *h;

	trial_stop(t);
	if (error == 0)
		upstream_trust(t->worker->upstreams, &t->user);
	while ((h = TAILQ_FIRST(&t->waiting))) {
		readiness_leave(h);
		h->released(h->arg, error);
	}
	free(t);
}

static void timer_set(struct trial *t, double after_s)
{
	ev_timer_stop(t->worker->loop, &t->timer);
	ev_timer_set(&t->timer, after_s, 0.);
	ev_timer_start(t->worker->loop, &t->timer);
}

static const struct upstream_owner trial_owner;

static void trial_ask(struct trial *t)
{
	int r;

	t->up = upstream_get(t->worker->upstreams, &t->user, false, &trial_owner, t);
	r = t->up ? upstream_send(t->up, question, sizeof question - 1) : -errno;
	if (r < 0) {
		trial_end(t, r);
		return;
	}
	timer_set(t, t->limit_s);
	t->limit_s = t->limit_s * 2 < TRY_MAX_S ? t->limit_s * 2 : TRY_MAX_S;
}

static void trial_pause(struct trial *t)
{
	upstream_close(t->up);
	t->up = NULL;
	timer_set(t, PAUSE_S);
}

/* The pause is over, or the attempt's limit. */
static void on_timer(struct ev_loop *loop, struct ev_timer *w, int revents)
{
	struct trial *t = w->data;

	(void)loop, (void)revents;
	if (t->up)
		trial_pause(t);
	else
		trial_ask(t);
}

static void on_readable(void *arg)
{
	struct trial *t = arg;
	ssize_t n = upstream_read(t->up, t->worker->scratch, SCRATCH_BYTES);

	if (n > 0)
		trial_end(t, 0);
	else if (n != -EAGAIN)
		trial_pause(t);
}

static void on_failed(void *arg, int error)
{
	trial_end(arg, error);
}

static void on_nothing(void *arg)
{
	(void)arg;
}

static const struct upstream_owner trial_owner = {
    .connected = on_nothing, .readable = on_readable, .drained = on_nothing, .failed = on_failed};

/* ---- who waits ----------------------------------------------------------------------------------------------------
 */

static struct trial *trial_find(struct readiness *r, const struct user *user)
{
	struct trial *t;

	LIST_FOREACH (t, &r->trials, link)
		if (user_has_same_server(&t->user, user))
			return t;
	t = calloc(1, sizeof *t);
	if (!t)
		return NULL;
	t->worker = r->worker;
	t->user = *user;
	t->limit_s = TRY_FIRST_S;
	TAILQ_INIT(&t->waiting);
	ev_timer_init(&t->timer, on_timer, 0., 0.);
	t->timer.data = t;
	LIST_INSERT_HEAD(&r->trials, t, link);
	timer_set(t, 0.);
	return t;
}

bool readiness_hold(struct readiness *r, const struct user *user, struct held *h, void (*released)(void *, int),
                    void *arg)
{
	struct trial *t = upstream_is_doubted(r->worker->upstreams, user) ? trial_find(r, user) : NULL;

	if (!t)
		return false;
	*h = (struct held){.of = t, .released = released, .arg = arg};
	TAILQ_INSERT_TAIL(&t->waiting, h, link);
	series_add(r->worker->metrics.held, 1);
	return true;
}

/* With the last one the trial ends, unless it ends already. */
void readiness_leave(struct held *h)
{
	struct trial *t = h->of;

	if (!t)
		return;
	TAILQ_REMOVE(&t->waiting, h, link);
	h->of = NULL;
	if (t->over || !TAILQ_EMPTY(&t->waiting))
		return;
	trial_stop(t);
	free(t);
}

struct readiness *readiness_new(struct worker *worker)
{
	struct readiness *r = calloc(1, sizeof *r);

	if (r)
		r->worker = worker;
	return r;
}

void readiness_free(struct readiness *r)
{
	free(r);
}
