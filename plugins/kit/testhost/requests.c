/* SPDX-License-Identifier: MIT */
/* The proxy: requests, and what the plugin makes of them. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "clock.h"
#include "requests.h"
#include "sockets.h"
#include "table.h"
#include "plugin_host/plugin_struct.h"

#define DEADLINE_US UINT64_C(30000000) /* the default of plugin_deadline */

struct request {
	struct testhost_due due; /* first: the deadline of a wait */
	uint64_t id;
	struct testhost_request asked;
	const struct t3ops_user *user;
	enum testhost_fate fate;
	bool stale;
	bool in_identity; /* on_identity has it, and on_request follows */
	int status;
	const char *body;
	struct testhost_list sent, forwarded; /* struct testhost_pair: of the response; on the way to the t3 server */
};

static struct request *request_get(const struct testhost *h, t3ops_request_id r)
{
	for (size_t i = 0; i < h->requests.n; i++) {
		struct request *q = h->requests.items[i];

		if (q->id == r)
			return q->stale ? NULL : q;
	}
	return NULL;
}

static const struct request *request_must(const struct testhost *h, t3ops_request_id r)
{
	const struct request *q = request_get(h, r);

	if (q == NULL)
		testhost_die(h, "the test asks for a request that has ended");
	return q;
}

/* Whether the plugin may still decide it. */
static struct request *request_open(struct t3ops_ctx *ctx, t3ops_request_id r)
{
	struct request *q = request_get(testhost_of(ctx), r);

	return q != NULL && q->fate == TESTHOST_WAITING ? q : NULL;
}

/* ---- headers --------------------------------------------------------------------------------------------- */

static void pair_add(struct testhost *h, struct testhost_list *l, const char *name, const char *value)
{
	struct testhost_pair *p = testhost_alloc(h, sizeof *p);

	*p = (struct testhost_pair){testhost_keep(h, name), value != NULL ? testhost_keep(h, value) : NULL};
	testhost_list_add(l, p);
}

/* The last one of that name. */
static const struct testhost_pair *pair_find(const struct testhost_list *l, const char *name)
{
	for (size_t i = l->n; i-- > 0;) {
		const struct testhost_pair *p = l->items[i];

		if (strcasecmp(p->name, name) == 0)
			return p;
	}
	return NULL;
}

static void headers_add(struct testhost *h, struct testhost_list *l, const char *const *headers)
{
	char name[128];

	for (; headers != NULL && *headers != NULL; headers++) {
		snprintf(name, sizeof name, "%.*s", (int)strcspn(*headers, ":"), *headers);
		pair_add(h, l, name, testhost_header_find((const char *const[]){*headers, NULL}, name, 0));
	}
}

/* ---- what the test does ---------------------------------------------------------------------------------- */

static void on_deadline(struct testhost *h, struct testhost_due *d)
{
	struct request *q = (struct request *)d;

	(void)h;
	q->fate = TESTHOST_DEADLINE;
	q->status = 503;
}

static void decided(struct testhost *h, struct request *q, enum t3ops_next next, enum testhost_fate left_alone,
                    const char *callback)
{
	if (q->fate != TESTHOST_WAITING || q->stale)
		return;
	if (next == T3OPS_DONE)
		testhost_bug(h, "%s returned T3OPS_DONE, and responded to nothing", callback);
	if (next == T3OPS_WAIT)
		testhost_due_set(h, &q->due, DEADLINE_US);
	else
		q->fate = left_alone;
}

static void request_turn(struct testhost *h, struct request *q)
{
	decided(h, q, h->plugin->on_request != NULL ? h->plugin->on_request(&h->ctx, q->id) : T3OPS_NEXT,
	        TESTHOST_PASSED, "on_request");
}

static void identity_turn(struct testhost *h, struct request *q)
{
	enum t3ops_next next = h->plugin->on_identity(&h->ctx, q->id);

	if (next == T3OPS_NEXT && q->in_identity && q->fate == TESTHOST_WAITING) {
		q->in_identity = false;
		request_turn(h, q);
	} else if (next != T3OPS_NEXT) {
		decided(h, q, next, TESTHOST_PASSED, "on_identity");
	}
}

t3ops_request_id testhost_request(struct testhost *h, const struct testhost_request *r)
{
	struct request *q = testhost_alloc(h, sizeof *q);

	if (!h->running || (h->plugin->on_request == NULL && h->plugin->on_identity == NULL))
		testhost_die(h, "the test makes a request before testhost_start, or of a plugin without on_request");
	q->due.fire = on_deadline;
	q->id = ++h->last_id;
	q->asked = *r;
	q->asked.method = r->method != NULL ? testhost_keep(h, r->method) : "GET";
	q->asked.target = r->target != NULL ? testhost_keep(h, r->target) : "/";
	q->asked.address = r->address != NULL ? testhost_keep(h, r->address) : "192.0.2.1";
	q->asked.headers = testhost_keep_list(h, r->headers);
	q->user = r->user != NULL ? testhost_user_get(h, r->user) : NULL;
	if (r->user != NULL && q->user == NULL)
		testhost_die(h, "the test makes a request of user %s: testhost_user comes first", r->user);
	q->asked.identity = r->identity != NULL ? testhost_keep(h, r->identity) : r->user;
	testhost_list_add(&h->requests, q);
	q->in_identity = q->asked.identity != NULL && h->plugin->on_identity != NULL;
	if (q->in_identity)
		identity_turn(h, q);
	else
		request_turn(h, q);
	return q->id;
}

void testhost_request_unauthorized(struct testhost *h, t3ops_request_id r)
{
	struct request *q = request_get(h, r);

	if (q == NULL || q->fate != TESTHOST_PASSED || h->plugin->on_unauthorized == NULL)
		testhost_die(h, "only a request that was passed on is answered 401, and the plugin needs "
		                "on_unauthorized");
	q->fate = TESTHOST_WAITING;
	decided(h, q, h->plugin->on_unauthorized(&h->ctx, r), TESTHOST_FORWARDED, "on_unauthorized");
}

void testhost_request_end(struct testhost *h, t3ops_request_id r)
{
	struct request *q = request_get(h, r);

	if (q == NULL)
		return;
	testhost_due_stop(h, &q->due);
	q->stale = true;
}

enum testhost_fate testhost_request_fate(const struct testhost *h, t3ops_request_id r)
{
	return request_must(h, r)->fate;
}

int testhost_response_status(const struct testhost *h, t3ops_request_id r)
{
	return request_must(h, r)->status;
}

const char *testhost_response_body(const struct testhost *h, t3ops_request_id r)
{
	const struct request *q = request_must(h, r);

	return q->body != NULL ? q->body : "";
}

const char *testhost_response_header(const struct testhost *h, t3ops_request_id r, const char *name)
{
	const struct testhost_pair *p = pair_find(&request_must(h, r)->sent, name);

	return p != NULL ? p->value : NULL;
}

const char *testhost_forwarded_header(const struct testhost *h, t3ops_request_id r, const char *name)
{
	const struct request *q = request_must(h, r);
	const struct testhost_pair *p = pair_find(&q->forwarded, name);

	return p != NULL ? p->value : testhost_header_find(q->asked.headers, name, 0);
}

/* ---- services: what it asks ------------------------------------------------------------------------------ */

static const char *request_method(struct t3ops_ctx *ctx, t3ops_request_id r)
{
	const struct request *q = request_get(testhost_of(ctx), r);

	return q != NULL ? q->asked.method : NULL;
}

static const char *request_target(struct t3ops_ctx *ctx, t3ops_request_id r)
{
	const struct request *q = request_get(testhost_of(ctx), r);

	return q != NULL ? q->asked.target : NULL;
}

static const char *request_header(struct t3ops_ctx *ctx, t3ops_request_id r, const char *name)
{
	const struct request *q = request_get(testhost_of(ctx), r);

	return q != NULL ? testhost_forwarded_header(testhost_of(ctx), r, name) : NULL;
}

static const char *request_header_nth(struct t3ops_ctx *ctx, t3ops_request_id r, const char *name, size_t nth)
{
	const struct request *q = request_get(testhost_of(ctx), r);

	return q != NULL ? testhost_header_find(q->asked.headers, name, nth) : NULL;
}

static bool request_is_of(struct t3ops_ctx *ctx, t3ops_request_id r, const char *identity)
{
	const struct request *q = request_get(testhost_of(ctx), r);

	return q != NULL && q->asked.identity != NULL && strcmp(q->asked.identity, identity) == 0;
}

static bool request_is_upgrade(struct t3ops_ctx *ctx, t3ops_request_id r)
{
	const struct request *q = request_get(testhost_of(ctx), r);

	return q != NULL && q->asked.upgrade;
}

static bool request_user(struct t3ops_ctx *ctx, t3ops_request_id r, struct t3ops_user *out)
{
	const struct request *q = request_get(testhost_of(ctx), r);

	if (q == NULL || q->user == NULL)
		return false;
	plugin_struct_give(out, q->user, sizeof *q->user);
	return true;
}

static bool request_address(struct t3ops_ctx *ctx, t3ops_request_id r, char *out, size_t size)
{
	const struct request *q = request_get(testhost_of(ctx), r);

	if (size > 0)
		snprintf(out, size, "%s", q != NULL ? q->asked.address : "");
	return q != NULL;
}

static uint32_t request_site(struct t3ops_ctx *ctx, t3ops_request_id r)
{
	const struct request *q = request_get(testhost_of(ctx), r);

	return q != NULL ? q->asked.site : T3OPS_SITE_UNKNOWN;
}

static bool request_browser(struct t3ops_ctx *ctx, t3ops_request_id r, struct t3ops_browser *out)
{
	const struct request *q = request_get(testhost_of(ctx), r);
	struct t3ops_browser b = {.struct_size = sizeof b};
	const char *agent = q != NULL ? request_header(ctx, r, "User-Agent") : NULL;

	if (q == NULL)
		return false;
	snprintf(b.address, sizeof b.address, "%s", q->asked.address);
	snprintf(b.user_agent, sizeof b.user_agent, "%s", agent != NULL ? agent : "");
	snprintf(b.path, sizeof b.path, "%.*s", (int)strcspn(q->asked.target, "?"), q->asked.target);
	plugin_struct_give(out, &b, sizeof b);
	return true;
}

/* ---- services: what it does ------------------------------------------------------------------------------ */

static int request_set_header(struct t3ops_ctx *ctx, t3ops_request_id r, const char *name, const char *value)
{
	struct request *q = request_get(testhost_of(ctx), r);

	if (q == NULL)
		return -ESTALE;
	pair_add(testhost_of(ctx), &q->forwarded, name, value);
	return 0;
}

static int request_add_response_header(struct t3ops_ctx *ctx, t3ops_request_id r, const char *name, const char *value)
{
	struct request *q = request_get(testhost_of(ctx), r);

	if (q == NULL)
		return -ESTALE;
	pair_add(testhost_of(ctx), &q->sent, name, value);
	return 0;
}

static void request_decide(struct testhost *h, struct request *q, enum testhost_fate fate, int status)
{
	testhost_due_stop(h, &q->due);
	q->fate = fate;
	q->status = status;
}

static int request_respond(struct t3ops_ctx *ctx, t3ops_request_id r, int status, const char *const *headers,
                           const void *body, size_t len)
{
	struct testhost *h = testhost_of(ctx);
	struct request *q = request_open(ctx, r);

	if (q == NULL)
		return -ESTALE;
	request_decide(h, q, TESTHOST_RESPONDED, status);
	headers_add(h, &q->sent, headers);
	q->body = testhost_keep_bytes(h, body, len);
	return 0;
}

static int request_explain(struct t3ops_ctx *ctx, t3ops_request_id r, const struct t3ops_page *page)
{
	struct testhost *h = testhost_of(ctx);
	struct request *q = request_open(ctx, r);
	struct t3ops_page known;
	char text[32];

	if (q == NULL)
		return -ESTALE;
	plugin_struct_take(&known, sizeof known, page);
	request_decide(h, q, TESTHOST_RESPONDED, known.status);
	q->body = testhost_keep(h, known.text);
	if (known.retry_s > 0) {
		snprintf(text, sizeof text, "%u", known.retry_s);
		pair_add(h, &q->sent, "Retry-After", text);
	}
	return 0;
}

static void request_resume(struct t3ops_ctx *ctx, t3ops_request_id r)
{
	struct testhost *h = testhost_of(ctx);
	struct request *q = request_open(ctx, r);

	if (q != NULL && q->in_identity) {
		q->in_identity = false;
		testhost_due_stop(h, &q->due);
		request_turn(h, q);
	} else if (q != NULL) {
		request_decide(h, q, TESTHOST_PASSED, 0);
	}
}

static struct t3ops_ws *request_accept_ws(struct t3ops_ctx *ctx, t3ops_request_id r,
                                          const struct t3ops_ws_handler *handler, void *arg)
{
	struct request *q = request_open(ctx, r);

	if (q == NULL || !q->asked.upgrade)
		return NULL;
	request_decide(testhost_of(ctx), q, TESTHOST_WEBSOCKET, 101);
	return testhost_ws_server(testhost_of(ctx), handler, arg);
}

void testhost_requests_fill(struct t3ops_host *s)
{
	s->request_method = request_method;
	s->request_target = request_target;
	s->request_header = request_header;
	s->request_header_nth = request_header_nth;
	s->request_is_of = request_is_of;
	s->request_is_upgrade = request_is_upgrade;
	s->request_user = request_user;
	s->request_address = request_address;
	s->request_site = request_site;
	s->request_browser = request_browser;
	s->request_set_header = request_set_header;
	s->request_add_response_header = request_add_response_header;
	s->request_respond = request_respond;
	s->request_explain = request_explain;
	s->request_resume = request_resume;
	s->request_accept_ws = request_accept_ws;
}

void testhost_requests_fini(struct testhost *h)
{
	for (size_t i = 0; i < h->requests.n; i++) {
		struct request *q = h->requests.items[i];

		testhost_list_fini(&q->sent);
		testhost_list_fini(&q->forwarded);
	}
}
