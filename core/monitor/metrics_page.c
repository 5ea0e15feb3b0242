/* SPDX-License-Identifier: MIT */
/* Making the metrics page for those who wait for it; see metrics_page.h. */
#include "monitor/metrics_page.h"

#include <stdbool.h>
#include <stdlib.h>
#include <sys/queue.h>

#include "monitor/metrics_render.h"

struct waiter {
	TAILQ_ENTRY(waiter) link;
	struct local_conn *conn;
	metrics_page_answer *answer;
};

struct metrics_page {
	struct ev_loop *loop;
	const struct metrics *metrics;
	const char *vantage;
	struct ev_timer turn;
	struct metrics_rendering *rendering; /* NULL: nobody waits */
	TAILQ_HEAD(, waiter) waiters;
	bool hurries;
};

struct metrics_page *metrics_page_new(struct ev_loop *loop, const struct metrics *m, const char *vantage)
{
	struct metrics_page *p = calloc(1, sizeof *p);

	if (p == NULL)
		return NULL;
	p->loop = loop;
	p->metrics = m;
	p->vantage = vantage;
	TAILQ_INIT(&p->waiters);
	return p;
}

/* All who wait: with the text, if there is one. */
static void waiters_answer(struct metrics_page *p)
{
	struct metrics_rendering *rendering = p->rendering;
	struct waiter *w;
	struct buf bytes = {0};
	struct shared_text *text = rendering != NULL && metrics_render_take(rendering, &bytes)
	                               ? shared_text_new(&bytes)
	                               : NULL;

	p->rendering = NULL;
	while ((w = TAILQ_FIRST(&p->waiters)) != NULL) {
		TAILQ_REMOVE(&p->waiters, w, link);
		local_hold(w->conn, false);
		w->answer(w->conn, text);
		free(w);
	}
	shared_text_release(text);
	metrics_render_end(rendering);
}

/* A step; others have the loop before the next one. */
static void on_turn(struct ev_loop *loop, struct ev_timer *w, int revents)
{
	struct metrics_page *p = w->data;

	(void)revents;
	if (p->rendering != NULL && !metrics_render_step(p->rendering)) {
		ev_timer_set(w, 0., 0.);
		ev_timer_start(loop, w);
		return;
	}
	waiters_answer(p);
}

static void rendering_start(struct metrics_page *p)
{
	if (p->rendering != NULL)
		return;
	p->rendering = metrics_render_begin(p->metrics, NULL, p->vantage);
	ev_timer_init(&p->turn, on_turn, 0., 0.);
	p->turn.data = p;
	ev_timer_start(p->loop, &p->turn);
}

void metrics_page_ask(struct metrics_page *p, struct local_conn *c, metrics_page_answer *answer)
{
	struct waiter *w = calloc(1, sizeof *w);

	if (w == NULL) {
		answer(c, NULL);
		return;
	}
	*w = (struct waiter){.conn = c, .answer = answer};
	TAILQ_INSERT_TAIL(&p->waiters, w, link);
	local_hold(c, true);
	rendering_start(p);
	if (p->hurries)
		metrics_page_hurry(p);
}

void metrics_page_forget(struct metrics_page *p, const struct local_conn *c)
{
	struct waiter *w, *next;

	for (w = TAILQ_FIRST(&p->waiters); w != NULL; w = next) {
		next = TAILQ_NEXT(w, link);
		if (w->conn != c)
			continue;
		TAILQ_REMOVE(&p->waiters, w, link);
		free(w);
	}
}

void metrics_page_hurry(struct metrics_page *p)
{
	p->hurries = true;
	while (p->rendering != NULL && !metrics_render_step(p->rendering))
		;
	ev_timer_stop(p->loop, &p->turn);
	waiters_answer(p);
}

void metrics_page_free(struct metrics_page *p)
{
	struct waiter *w;

	if (p == NULL)
		return;
	ev_timer_stop(p->loop, &p->turn);
	metrics_render_end(p->rendering);
	while ((w = TAILQ_FIRST(&p->waiters)) != NULL) {
		TAILQ_REMOVE(&p->waiters, w, link);
		free(w);
	}
	free(p);
}
