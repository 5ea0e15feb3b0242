/* SPDX-License-Identifier: MIT */
/* HTTP transfers, answered as the test scripted. */
#include <errno.h>
#include <string.h>

#include "clock.h"
#include "fetches.h"
#include "net/fetch_reason.h"
#include "plugin_host/plugin_struct.h"
#include "tbl/reason.h"

#define TIMEOUT_US UINT64_C(10000000)
#define MAX_BODY   (256u << 10)

struct answer {
	const char *url;
	struct testhost_answer a;
	unsigned used;
};

struct name {
	const char *name;
	bool fails;
};

struct fetch {
	struct testhost_due due; /* first */
	struct t3ops_fetch asked;
	uint64_t id, began_us;
	const struct testhost_answer *answer; /* NULL: nobody scripted one, it times out */
	t3ops_fetch_cb cb;
	void *arg;
	bool ended;
};

/* ---- the script ------------------------------------------------------------------------------------------ */

void testhost_answer(struct testhost *h, const char *url, const struct testhost_answer *a)
{
	struct answer *kept = testhost_alloc(h, sizeof *kept);

	kept->url = testhost_keep(h, url);
	kept->a = *a;
	kept->a.body = testhost_keep(h, a->body);
	kept->a.headers = testhost_keep_list(h, a->headers);
	testhost_list_add(&h->answers, kept);
}

static const struct testhost_answer *answer_take(struct testhost *h, const char *url)
{
	for (size_t i = 0; i < h->answers.n; i++) {
		struct answer *a = h->answers.items[i];

		if (strncmp(a->url, url, strlen(a->url)) != 0 || (a->a.times > 0 && a->used == a->a.times))
			continue;
		a->used++;
		return &a->a;
	}
	return NULL;
}

void testhost_resolves(struct testhost *h, const char *name, bool resolves)
{
	struct name *n = testhost_alloc(h, sizeof *n);

	*n = (struct name){testhost_keep(h, name), !resolves};
	testhost_list_add(&h->names, n);
}

/* The host of a URL. */
static size_t host_of(const char *url, const char **host)
{
	const char *slashes = strstr(url, "://");

	*host = slashes != NULL ? slashes + 3 : url;
	return strcspn(*host, ":/?#");
}

bool testhost_url_resolves(const struct testhost *h, const char *url)
{
	const char *host;
	size_t len = host_of(url, &host);
	bool resolves = true;

	for (size_t i = 0; i < h->names.n; i++) {
		const struct name *n = h->names.items[i];

		if (strlen(n->name) == len && strncmp(n->name, host, len) == 0)
			resolves = !n->fails;
	}
	return resolves;
}

/* ---- transfers ------------------------------------------------------------------------------------------- */

static const char *header(const struct t3ops_fetched *f, const char *name, size_t nth)
{
	const struct testhost_answer *a = f->priv;

	return a != NULL ? testhost_header_find(a->headers, name, nth) : NULL;
}

static bool is_late(const struct fetch *f)
{
	return f->answer == NULL || f->answer->after_ms * 1000 >= f->asked.timeout_us;
}

static struct t3ops_fetched outcome(const struct testhost *h, const struct fetch *f)
{
	const struct testhost_answer *a = f->answer;
	struct t3ops_fetched out = {
	    .struct_size = sizeof out, .body = "", .error_text = "", .header = header, .priv = a};

	out.total_us = h->now_us - f->began_us;
	if (!testhost_url_resolves(h, f->asked.url)) {
		out.error = -ENOENT;
		out.step = T3OPS_STEP_DNS;
	} else if (is_late(f)) {
		out.error = -ETIMEDOUT;
		out.step = a != NULL && a->step != 0 ? a->step : T3OPS_STEP_HTTP;
	} else if (a->error != 0) {
		out.error = a->error;
		out.step = a->step != 0 ? a->step : a->error == -ENOENT ? T3OPS_STEP_DNS : T3OPS_STEP_HTTP;
	} else if (strlen(a->body) > f->asked.max_body) {
		out.error = -EFBIG;
		out.step = T3OPS_STEP_HTTP;
	} else {
		out.step = T3OPS_STEP_OPEN;
		out.status = a->status != 0 ? a->status : 200;
		out.body = a->body;
		out.body_len = strlen(a->body);
	}
	if (out.error != 0)
		out.error_text = strerror(-out.error);
	if (a != NULL && out.step > T3OPS_STEP_CONNECT)
		out.certificate_until_us = a->certificate_until_us;
	return out;
}

/* Of the steps reached together only the last one. */
static void steps_report(struct testhost *h, const struct fetch *f, const struct t3ops_fetched *out)
{
	uint32_t reached = out->error == 0 ? T3OPS_STEP_HTTP : out->step;

	if (f->asked.on_step != NULL && reached > T3OPS_STEP_DNS)
		f->asked.on_step(&h->ctx, reached, f->arg);
}

static void on_answer(struct testhost *h, struct testhost_due *d)
{
	struct fetch *f = (struct fetch *)d;
	struct t3ops_fetched out = outcome(h, f);

	steps_report(h, f, &out);
	if (f->ended)
		return; /* cancelled in there */
	f->ended = true;
	f->cb(&h->ctx, &out, f->arg);
}

static void asked_keep(struct testhost *h, struct t3ops_fetch *out, const struct t3ops_fetch *f)
{
	plugin_struct_take(out, sizeof *out, f);
	out->struct_size = sizeof *out;
	if (out->url == NULL)
		testhost_die(h, "fetch without a URL");
	out->method = out->method != NULL ? testhost_keep(h, out->method) : "GET";
	out->url = testhost_keep(h, out->url);
	out->headers = testhost_keep_list(h, out->headers);
	out->body = testhost_keep_bytes(h, out->body, out->body_len);
	out->connect_to = testhost_keep(h, out->connect_to);
	out->interface = testhost_keep(h, out->interface);
	out->ca_file = testhost_keep(h, out->ca_file);
	out->user = out->user != NULL ? testhost_keep(h, out->user) : NULL;
	out->timeout_us = out->timeout_us != 0 ? out->timeout_us : TIMEOUT_US;
	out->max_body = out->max_body != 0 ? out->max_body : MAX_BODY;
}

static uint64_t fetch(struct t3ops_ctx *ctx, const struct t3ops_fetch *what, t3ops_fetch_cb cb, void *arg)
{
	struct testhost *h = testhost_of(ctx);
	struct fetch *f = testhost_alloc(h, sizeof *f);

	asked_keep(h, &f->asked, what);
	f->id = ++h->last_id;
	f->began_us = h->now_us;
	f->answer = answer_take(h, f->asked.url);
	f->cb = cb;
	f->arg = arg;
	f->due.fire = on_answer;
	testhost_list_add(&h->fetches, f);
	testhost_due_set(h, &f->due,
	                 !testhost_url_resolves(h, f->asked.url) ? 0
	                 : is_late(f)                            ? f->asked.timeout_us
	                                                         : f->answer->after_ms * 1000);
	return f->id;
}

static void fetch_cancel(struct t3ops_ctx *ctx, uint64_t id)
{
	struct testhost *h = testhost_of(ctx);

	for (size_t i = 0; i < h->fetches.n; i++) {
		struct fetch *f = h->fetches.items[i];

		if (f->id != id)
			continue;
		testhost_due_stop(h, &f->due);
		f->ended = true;
	}
}

/* ---- what the test looks at ------------------------------------------------------------------------------ */

size_t testhost_fetches(const struct testhost *h)
{
	return h->fetches.n;
}

size_t testhost_fetching(const struct testhost *h)
{
	size_t n = 0;

	for (size_t i = 0; i < h->fetches.n; i++)
		n += !((const struct fetch *)h->fetches.items[i])->ended;
	return n;
}

const struct t3ops_fetch *testhost_fetch_at(const struct testhost *h, size_t i)
{
	return i < h->fetches.n ? &((const struct fetch *)h->fetches.items[i])->asked : NULL;
}

size_t testhost_fetches_release(struct testhost *h)
{
	size_t left = testhost_fetching(h);

	for (size_t i = 0; i < h->fetches.n; i++)
		fetch_cancel(&h->ctx, ((const struct fetch *)h->fetches.items[i])->id);
	return left;
}

/* ---- what a leg reports of it ---------------------------------------------------------------------------- */

static uint32_t reason_of_error(struct t3ops_ctx *ctx, int error, uint32_t step)
{
	(void)ctx;
	return fetch_reason(error, step);
}

static uint32_t reason_of_status(struct t3ops_ctx *ctx, int status)
{
	(void)ctx;
	return status_reason(status);
}

static bool fetch_end(struct t3ops_ctx *ctx, const struct t3ops_fetched *f, int expected, struct t3ops_ws_end *out)
{
	struct t3ops_ws_end end = {.step = f->step, .text = f->error_text};

	(void)ctx;
	if (f->error == 0 && f->status == expected)
		return false;
	if (f->error != 0)
		end.reason = fetch_reason(f->error, f->step);
	else /* a response came, so the request did */
		end = (struct t3ops_ws_end){
		    .step = T3OPS_STEP_HTTP, .reason = status_reason(f->status), .code = f->status, .text = ""};
	plugin_struct_give(out, &end, sizeof end);
	return true;
}

static const char *step_name(struct t3ops_ctx *ctx, uint32_t step)
{
	(void)ctx;
	return step_label(step);
}

static const char *reason_name(struct t3ops_ctx *ctx, uint32_t reason)
{
	(void)ctx;
	return reason_label(reason);
}

void testhost_fetches_fill(struct t3ops_host *s)
{
	s->fetch = fetch;
	s->fetch_cancel = fetch_cancel;
	s->fetch_reason = reason_of_error;
	s->status_reason = reason_of_status;
	s->fetch_end = fetch_end;
	s->step_name = step_name;
	s->reason_name = reason_name;
}
