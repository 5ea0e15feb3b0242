/* SPDX-License-Identifier: MIT */
/* Fetches over pooled connections; see upstream_fetch.h. */
#include "proxy/upstream_fetch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "net/http_parse.h"
#include "proxy/body.h"
#include "proxy/upstream.h"
#include "proxy/worker.h"
#include "users/user_list.h"

#define TIMEOUT_US     UINT64_C(10000000)
#define BODY_MAX       ((size_t)256 << 10)
#define HEAD_MAX_BYTES (128u << 10)

static const char scheme[] = "http://";

struct upstream_fetch {
	LIST_ENTRY(upstream_fetch) link;
	struct upstream_fetches *all;
	uint64_t id, began_us;
	struct user user;
	struct upstream *up;
	struct ev_timer limit;
	struct buf request, head, body; /* head: up to its end, and while that is not there all input */
	size_t seen, max_body;
	bool head_read, reusable;
	struct body rest; /* of the body */
	int status;
	fetch_done_cb cb;
	void *arg;
};

struct upstream_fetches {
	struct worker *worker;
	uint64_t last_id;
	LIST_HEAD(, upstream_fetch) list;
};

/* ---- the end ---------------------------------------------------------------------------------- */

/* Cookies are secret. */
static void secret_fini(struct buf *b)
{
	if (buf_size(b) > 0)
		explicit_bzero(b->room->bytes, buf_size(b));
	buf_fini(b);
}

static void fetch_free(struct upstream_fetch *f)
{
	LIST_REMOVE(f, link);
	ev_timer_stop(f->all->worker->loop, &f->limit);
	if (f->up)
		upstream_close(f->up);
	secret_fini(&f->request);
	secret_fini(&f->head);
	secret_fini(&f->body);
	free(f);
}

static const char *header(const struct t3ops_fetched *fetched, const char *name, size_t nth)
{
	const struct http_head *h = fetched->priv;

	for (size_t i = 0; h && i < h->n; i++)
		if (span_is_nocase(h->fields[i].name, name) && nth-- == 0)
			return h->fields[i].value.at;
	return NULL;
}

/* Behind a value there is white space or the end of the line, which nobody reads any more. */
static void values_end(struct http_head *h)
{
	for (size_t i = 0; i < h->n; i++)
		((char *)(uintptr_t)h->fields[i].value.at)[h->fields[i].value.len] = '\0';
}

static void fetch_end(struct upstream_fetch *f, int error, uint32_t step)
{
	struct http_head h = {.n = 0};
	struct t3ops_fetched fetched = {.struct_size = sizeof fetched,
	                                .error = error,
	                                .step = error == 0 ? T3OPS_STEP_OPEN : step,
	                                .status = error == 0 ? f->status : 0,
	                                .body = "",
	                                .error_text = error == 0 ? "" : strerror(-error),
	                                .total_us = clock_mono_us() - f->began_us,
	                                .header = header,
	                                .priv = &h};

	if (error == 0 && http_response_parse(&h, buf_at(&f->head), buf_len(&f->head)) == HTTP_SYNTAX_OK)
		values_end(&h);
	if (error == 0 && buf_len(&f->body) > 0 && buf_add(&f->body, "", 1)) {
		fetched.body = buf_at(&f->body);
		fetched.body_len = buf_len(&f->body) - 1;
	}
	f->cb(f->arg, &fetched);
	fetch_free(f);
}

/* The whole response came. */
static void fetch_done(struct upstream_fetch *f)
{
	struct upstream *up = f->up;

	f->up = NULL;
	upstream_responds(up);
	if (f->reusable && upstream_pending(up) == 0)
		upstream_put(up);
	else
		upstream_close(up);
	fetch_end(f, 0, T3OPS_STEP_OPEN);
}

/* ---- the response ------------------------------------------------------------------------------ */

/* 0 or -errno. */
static int body_add(struct upstream_fetch *f, char *bytes, size_t n)
{
	size_t take, data;

	if (f->rest.framing == HTTP_BODY_CHUNKED)
		take = body_take_data(&f->rest, bytes, n, &data);
	else
		take = data = body_take(&f->rest, bytes, n);
	if (body_is_bad(&f->rest))
		return -EPROTO;
	if (take < n)
		f->reusable = false; /* it says more than it announced */
	if (buf_len(&f->body) + data > f->max_body)
		return -EFBIG;
	return buf_add(&f->body, bytes, data) ? 0 : -ENOMEM;
}

/* A whole head at the start of the input; what came behind it follows. */
static int head_take(struct upstream_fetch *f, size_t len)
{
	struct http_head h;
	size_t behind = buf_len(&f->head) - len;

	if (http_response_parse(&h, buf_at(&f->head), len) != HTTP_SYNTAX_OK || h.status == 101)
		return -EPROTO;
	f->seen = 0;
	if (h.status < 200) {
		buf_drop(&f->head, len);
		return 0;
	}
	f->status = h.status;
	f->reusable = h.minor == 1 && !http_list_has(&h, "connection", "close");
	f->rest.framing = http_response_framing(&h, span_of("GET"), &f->rest.left);
	if (f->rest.framing == HTTP_BODY_BAD)
		return -EPROTO;
	f->rest.done = f->rest.framing == HTTP_BODY_NONE ||
	               (f->rest.framing == HTTP_BODY_LENGTH && f->rest.left == 0);
	f->head_read = true;
	buf_cut(&f->head, behind);
	return behind > 0 ? body_add(f, buf_end(&f->head), behind) : 0;
}

static int input_take(struct upstream_fetch *f, char *bytes, size_t n)
{
	size_t len;
	int r = 0;

	if (f->head_read)
		return body_add(f, bytes, n);
	if (!buf_add(&f->head, bytes, n))
		return -ENOMEM;
	while (r == 0 && !f->head_read && buf_len(&f->head) > 0) {
		switch (http_head_scan(buf_at(&f->head), buf_len(&f->head), &f->seen, &len)) {
		case HTTP_SCAN_BAD:
			return -EPROTO;
		case HTTP_SCAN_MORE:
			return buf_len(&f->head) > HEAD_MAX_BYTES ? -EPROTO : 0;
		case HTTP_SCAN_DONE:
			r = head_take(f, len);
		}
	}
	return r;
}

/* ---- the connection ---------------------------------------------------------------------------- */

static int fetch_send(struct upstream_fetch *f, bool reuse);

/* It is over before the response was whole. */
static void fetch_lost(struct upstream_fetch *f, int error)
{
	bool again = f->up->reused && !f->head_read && buf_len(&f->head) == 0 && error != -ETIMEDOUT;
	int r = error;

	if (again) {
		upstream_close(f->up);
		f->up = NULL;
		r = fetch_send(f, false);
	}
	if (r < 0)
		fetch_end(f, r, f->up ? T3OPS_STEP_HTTP : T3OPS_STEP_CONNECT);
}

static void on_readable(void *arg)
{
	struct upstream_fetch *f = arg;
	char *scratch = f->all->worker->scratch;
	ssize_t n = upstream_read(f->up, scratch, SCRATCH_BYTES);
	int r;

	if (n == -EAGAIN)
		return;
	if (n == 0 && f->head_read && f->rest.framing == HTTP_BODY_UNTIL_CLOSE) {
		f->reusable = false;
		fetch_done(f);
		return;
	}
	if (n <= 0) {
		fetch_lost(f, n == 0 ? -ENODATA : (int)n);
		return;
	}
	r = input_take(f, scratch, (size_t)n);
	if (r < 0)
		fetch_end(f, r, T3OPS_STEP_HTTP);
	else if (f->head_read && f->rest.done)
		fetch_done(f);
}

static void on_failed(void *arg, int error)
{
	fetch_end(arg, error, T3OPS_STEP_CONNECT);
}

static void on_nothing(void *arg)
{
	(void)arg;
}

static const struct upstream_owner fetch_owner = {
    .connected = on_nothing, .readable = on_readable, .drained = on_nothing, .failed = on_failed};

static int fetch_send(struct upstream_fetch *f, bool reuse)
{
	f->up = upstream_get(f->all->worker->upstreams, &f->user, reuse, &fetch_owner, f);
	return f->up ? upstream_send(f->up, buf_at(&f->request), buf_len(&f->request)) : -errno;
}

static void on_limit(struct ev_loop *loop, struct ev_timer *w, int revents)
{
	struct upstream_fetch *f = w->data;

	(void)loop, (void)revents;
	fetch_end(f, -ETIMEDOUT, f->up->state == UPSTREAM_CONNECTING ? T3OPS_STEP_CONNECT : T3OPS_STEP_HTTP);
}

/* ---- the request ------------------------------------------------------------------------------- */

static bool is_clean(const char *text)
{
	for (; *text != '\0'; text++)
		if ((unsigned char)*text < ' ' || *text == 0x7f)
			return false;
	return true;
}

/* False: something in it cannot be sent, or there is no memory. */
static bool request_write(struct buf *out, const struct t3ops_fetch *what)
{
	const char *host = what->url + sizeof scheme - 1, *path = host + strcspn(host, "/?#");
	bool good = is_clean(what->url) && strcspn(host, "@ ") >= (size_t)(path - host) && *path == '/' &&
	            strcspn(path, " #") == strlen(path);

	good = good && buf_printf(out, "GET %s HTTP/1.1\r\nHost: %.*s\r\nUser-Agent: %s/%s\r\nAccept: */*\r\n", path,
	                          (int)(path - host), host, PACKAGE_NAME, PACKAGE_VERSION);
	for (size_t i = 0; good && what->headers && what->headers[i]; i++)
		good = is_clean(what->headers[i]) && buf_add_text(out, what->headers[i]) && buf_add_text(out, "\r\n");
	return good && buf_add_text(out, "\r\n");
}

static bool is_taken(const struct t3ops_fetch *what)
{
	return (!what->method || strcmp(what->method, "GET") == 0) && !what->body && !what->on_step &&
	       strncmp(what->url, scheme, sizeof scheme - 1) == 0;
}

static uint64_t fetch_start_pooled(void *arg, const struct user *user, const struct t3ops_fetch *what,
                                   fetch_done_cb cb, void *cb_arg)
{
	struct upstream_fetches *all = arg;
	uint64_t limit_us = what->timeout_us > 0 ? what->timeout_us : TIMEOUT_US;
	struct upstream_fetch *f = is_taken(what) ? calloc(1, sizeof *f) : NULL;

	if (!f)
		return 0;
	f->all = all;
	f->user = *user;
	f->began_us = clock_mono_us();
	f->max_body = what->max_body > 0 ? what->max_body : BODY_MAX;
	f->cb = cb;
	f->arg = cb_arg;
	ev_timer_init(&f->limit, on_limit, (double)limit_us / 1e6, 0.);
	f->limit.data = f;
	LIST_INSERT_HEAD(&all->list, f, link);
	if (!request_write(&f->request, what) || fetch_send(f, true) < 0) {
		fetch_free(f);
		return 0;
	}
	ev_timer_start(all->worker->loop, &f->limit);
	f->id = ++all->last_id;
	return f->id;
}

static void cancel(void *arg, uint64_t id)
{
	struct upstream_fetches *all = arg;
	struct upstream_fetch *f;

	LIST_FOREACH (f, &all->list, link)
		if (f->id == id)
			break;
	if (f)
		fetch_free(f);
}

struct user_fetcher upstream_fetches_fetcher(struct upstream_fetches *all)
{
	return (struct user_fetcher){.start = fetch_start_pooled, .cancel = cancel, .arg = all};
}

struct upstream_fetches *upstream_fetches_new(struct worker *worker)
{
	struct upstream_fetches *all = calloc(1, sizeof *all);

	if (all)
		all->worker = worker;
	return all;
}

void upstream_fetches_free(struct upstream_fetches *all)
{
	if (!all)
		return;
	while (LIST_FIRST(&all->list))
		fetch_free(LIST_FIRST(&all->list));
	free(all);
}
