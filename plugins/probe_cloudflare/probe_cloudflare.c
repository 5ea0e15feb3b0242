/* SPDX-License-Identifier: MIT */
/*
 * probe_cloudflare: a WebSocket over the whole public path.  The name is looked up over HTTPS at a
 * resolver known by its number, never through the system's resolver, and as a transfer of its own:
 * a lookup that fails while the connection lives is evidence about the resolver, and an address that
 * was good before still leads to the edge.
 *
 * A name that leads elsewhere is followed when somebody answers there: until then the leg stays where it is.  If
 * nobody does while its former address still takes connections, it is the name that is wrong, and so the resolver
 * fails.  Once that address has failed for long, too, both are tried in turn: it may be gone for good.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/ws_leg.h"
#include "probe_cloudflare/dns_message.h"
#include "probe_cloudflare/trial.h"

#define LOOKUP_TIMEOUT_US UINT64_C(3000000)
#define MISSES_TO_MOVE    3 /* answers in a row without the address in use */
#define GONE_TIMEOUTS     6 /* for so many of an attempt's limit the former address fails: it may be gone for good */
#define TO_SIZE           (INET6_ADDRSTRLEN + 2)

struct cloudflare {
	struct ws_leg ws;
	struct t3ops_ctx *ctx;
	struct t3ops_leg *leg;
	char host[256];
	char address[INET6_ADDRSTRLEN]; /* the last good one; "" before */
	uint64_t lookup;                /* fetch in progress, 0: none */
	enum dns_type type;             /* it asks for */
	bool connecting;                /* the attempt waits for it */
	bool freshening;                /* the fresh connection does */
	bool thorough;                  /* and with what leg_fresh said */
	unsigned misses;
	struct trial trial;             /* of one of: */
	struct dns_answer candidates;   /* the addresses that were looked up, tried in turn; then the one in use */
	unsigned tried;                 /* of them, in vain */
	char why[128];                  /* the last of those did not work */
	bool nowhere;                   /* the name leads to addresses where nobody answers */
	char venture[INET6_ADDRSTRLEN]; /* where this attempt goes instead, for the name leads there; "": nowhere */
	unsigned attempts;              /* since it was up */
	uint64_t failing_us;            /* when the first of them began */
};

static void attempt_fail(struct cloudflare *c, enum t3ops_reason reason, const char *text)
{
	struct t3ops_ws_end end = {.struct_size = sizeof end, .step = T3OPS_STEP_DNS, .reason = reason, .text = text};

	c->connecting = false;
	c->ctx->host->leg_down(c->ctx, c->leg, &end);
}

/* As connect_to wants it. */
static const char *to_of(const char *address, char to[TO_SIZE])
{
	snprintf(to, TO_SIZE, strchr(address, ':') ? "[%s]" : "%s", address);
	return to;
}

/* The attempt, or the fresh connection: whichever waits. */
static void connect_now(struct cloudflare *c)
{
	struct t3ops_ws_open open;
	char to[TO_SIZE];

	c->ctx->host->leg_reached(c->ctx, c->leg, T3OPS_STEP_CONNECT);
	ws_leg_options(c->ctx, &open);
	open.connect_to = to_of(c->connecting && c->venture[0] != '\0' ? c->venture : c->address, to);
	if (c->connecting)
		ws_leg_open(&c->ws, c->ctx, c->leg, &open);
	else
		ws_leg_fresh(&c->ws, &open, c->thorough);
	c->connecting = c->freshening = false;
}

/* The path is judged by itself. */
static void go_on_without(struct cloudflare *c, enum t3ops_reason reason, const char *text)
{
	if (!c->connecting && !c->freshening)
		return;
	if (c->address[0] != '\0')
		connect_now(c);
	else
		attempt_fail(c, reason, text);
}

static void lookup_failed(struct cloudflare *c, const char *text)
{
	c->ctx->host->leg_resolver(c->ctx, c->leg, false, text);
	go_on_without(c, T3OPS_R_DNS, text);
}

static bool address_is_in(const char *address, const struct dns_answer *a)
{
	for (unsigned i = 0; i < a->n; i++)
		if (strcmp(a->addresses[i], address) == 0)
			return true;
	return false;
}

/* ---- the name leads elsewhere ------------------------------------------------------------------------------- */

static void moved(struct cloudflare *c, const char *address)
{
	struct t3ops_ws_end end = {
	    .struct_size = sizeof end, .step = T3OPS_STEP_OPEN, .reason = T3OPS_R_ADDRESS_CHANGED, .text = ""};

	c->misses = 0;
	c->nowhere = false;
	snprintf(c->address, sizeof c->address, "%s", address);
	c->freshening = false;
	c->ctx->host->leg_down(c->ctx, c->leg, &end);
}

static void resolver_report(struct cloudflare *c)
{
	char text[320] = "";

	if (c->nowhere)
		snprintf(text, sizeof text, "the name leads to %s, where nobody answers (%s), while %s still does",
		         c->candidates.addresses[0], c->why, c->address);
	c->ctx->host->leg_resolver(c->ctx, c->leg, !c->nowhere, text);
}

static void on_tried(void *arg, enum trial_result result, const char *why);

static void try_next(struct cloudflare *c)
{
	const char *address = c->tried < c->candidates.n ? c->candidates.addresses[c->tried] : c->address;
	struct t3ops_ws_open open;
	char to[TO_SIZE];

	ws_leg_options(c->ctx, &open);
	open.connect_to = to_of(address, to);
	trial_begin(&c->trial, c->ctx, &open, on_tried, c);
}

/* One of the new addresses, then the one in use: whether it takes new connections, too. */
static void on_tried(void *arg, enum trial_result result, const char *why)
{
	struct cloudflare *c = arg;

	if (c->misses == 0)
		return; /* the name leads back */
	if (c->tried == c->candidates.n) {
		if (result != TRIAL_WORKS)
			return;
		c->nowhere = true;
		resolver_report(c);
	} else if (result == TRIAL_FAILS) {
		snprintf(c->why, sizeof c->why, "%s", why);
		c->tried++;
		try_next(c);
	} else if (result == TRIAL_WORKS) {
		c->nowhere = false;
		if (c->misses >= MISSES_TO_MOVE)
			moved(c, c->candidates.addresses[c->tried]);
	}
}

static void missed(struct cloudflare *c, const struct dns_answer *a)
{
	c->misses++;
	if (c->trial.ws || (c->misses > 1 && c->misses % MISSES_TO_MOVE != 0))
		return;
	c->candidates = *a;
	c->tried = 0;
	try_next(c);
}

/* Not sooner: what fails where the name leads says nothing of the path. */
static bool is_gone(const struct cloudflare *c)
{
	uint64_t limit_us = (uint64_t)c->ctx->host->opt_int(c->ctx, "timeout");

	return c->ctx->host->now_us(c->ctx) - c->failing_us >= GONE_TIMEOUTS * limit_us;
}

static void lookup_answered(struct cloudflare *c, const struct dns_answer *a)
{
	if (c->address[0] == '\0' || address_is_in(c->address, a)) {
		c->misses = 0;
		c->nowhere = false;
	}
	resolver_report(c);
	if (c->connecting) {
		if (!c->nowhere && !address_is_in(c->address, a))
			snprintf(c->address, sizeof c->address, "%s", a->addresses[0]);
		else if (c->nowhere && c->attempts % 2 == 0 && is_gone(c))
			snprintf(c->venture, sizeof c->venture, "%s", a->addresses[0]);
		connect_now(c);
		return;
	}
	if (!address_is_in(c->address, a))
		missed(c, a);
	if (c->freshening)
		connect_now(c);
}

static void lookup_start(struct cloudflare *c, enum dns_type type);

static void on_looked_up(struct t3ops_ctx *ctx, const struct t3ops_fetched *f, void *arg)
{
	struct cloudflare *c = arg;
	struct dns_answer answer;
	char text[128];

	(void)ctx;
	c->lookup = 0;
	if (f->error == -EKEYEXPIRED) {
		go_on_without(c, T3OPS_R_CLOCK, f->error_text); /* which says nothing of the resolver */
	} else if (f->error != 0) {
		lookup_failed(c, f->error_text);
	} else if (f->status != 200) {
		snprintf(text, sizeof text, "the resolver answered HTTP %d", f->status);
		lookup_failed(c, text);
	} else if (dns_answer_read(f->body, f->body_len, c->type, &answer) < 0) {
		lookup_failed(c, "the resolver's answer is not a DNS message");
	} else if (answer.rcode != 0) {
		snprintf(text, sizeof text, "the resolver answered rcode %u%s", answer.rcode,
		         answer.rcode == 3 ? ", no such name" : "");
		lookup_failed(c, text);
	} else if (answer.n == 0 && c->type == DNS_A) {
		lookup_start(c, DNS_AAAA);
	} else if (answer.n == 0) {
		lookup_failed(c, "the name has no address");
	} else {
		lookup_answered(c, &answer);
	}
}

static void lookup_start(struct cloudflare *c, enum dns_type type)
{
	static const char *const headers[] = {"content-type: application/dns-message",
	                                      "accept: application/dns-message", NULL};
	uint8_t query[DNS_QUERY_MAX];
	int len = dns_query_make(c->host, type, query);
	struct t3ops_fetch what = {.struct_size = sizeof what,
	                           .method = "POST",
	                           .url = c->ctx->host->opt_string(c->ctx, "resolver"),
	                           .headers = headers,
	                           .body = query,
	                           .body_len = (size_t)len,
	                           .timeout_us = LOOKUP_TIMEOUT_US,
	                           .max_body = 65536,
	                           .interface = c->ctx->host->opt_string(c->ctx, "interface"),
	                           .ca_file = c->ctx->host->opt_string(c->ctx, "ca_file")};

	c->type = type;
	c->lookup = c->ctx->host->fetch(c->ctx, &what, on_looked_up, c);
}

static void leg_open(struct t3ops_ctx *ctx, struct t3ops_leg *leg)
{
	struct cloudflare *c = ctx->state;

	c->leg = leg;
	c->connecting = true;
	c->venture[0] = '\0';
	if (c->attempts++ == 0)
		c->failing_us = ctx->host->now_us(ctx);
	if (c->lookup == 0)
		lookup_start(c, DNS_A);
}

/* It is up, so somebody answered there. */
static void arrived(struct cloudflare *c)
{
	c->attempts = 0;
	if (c->venture[0] == '\0')
		return;
	snprintf(c->address, sizeof c->address, "%s", c->venture);
	c->venture[0] = '\0';
	c->misses = 0;
	c->nowhere = false;
}

/* Every heartbeat asks the resolver, too: its state is known whenever a drop is judged. */
static void leg_ping(struct t3ops_ctx *ctx, struct t3ops_leg *leg)
{
	struct cloudflare *c = ctx->state;

	(void)leg;
	arrived(c);
	ws_leg_ping(&c->ws);
	if (c->lookup == 0)
		lookup_start(c, DNS_A);
}

static void leg_fresh(struct t3ops_ctx *ctx, struct t3ops_leg *leg, bool thorough)
{
	struct cloudflare *c = ctx->state;

	(void)leg;
	arrived(c);
	c->freshening = true;
	c->thorough = thorough;
	if (c->lookup == 0)
		lookup_start(c, DNS_A);
}

static void leg_close(struct t3ops_ctx *ctx, struct t3ops_leg *leg)
{
	struct cloudflare *c = ctx->state;

	(void)leg;
	c->connecting = c->freshening = false;
	if (c->lookup != 0)
		ctx->host->fetch_cancel(ctx, c->lookup);
	c->lookup = 0;
	trial_close(&c->trial);
	ws_leg_close(&c->ws);
}

/* The host of a URL, without port. */
static bool host_of(const char *url, char *out, size_t size)
{
	const char *host = strstr(url, "://");
	size_t len;

	if (!host)
		return false;
	host += 3;
	if (host[0] == '[') {
		host++;
		len = strcspn(host, "]");
	} else {
		len = strcspn(host, ":/?#");
	}
	if (len == 0 || len >= size)
		return false;
	memcpy(out, host, len);
	out[len] = '\0';
	return true;
}

/* Of an address; 0: it is none. */
static int family_of(const char *host)
{
	uint8_t address[16];

	if (inet_pton(AF_INET, host, address) == 1)
		return AF_INET;
	return inet_pton(AF_INET6, host, address) == 1 ? AF_INET6 : 0;
}

static bool is_numeric(const char *host)
{
	return family_of(host) != 0;
}

static int check_options(struct cloudflare *c)
{
	const struct t3ops_host *host = c->ctx->host;
	const char *url = host->opt_string(c->ctx, "url"), *resolver = host->opt_string(c->ctx, "resolver"),
	           *interface = host->opt_string(c->ctx, "interface");
	uint8_t query[DNS_QUERY_MAX];
	char resolver_host[256];
	int r = 0;

	if (!host_of(url, c->host, sizeof c->host) || dns_query_make(c->host, DNS_A, query) < 0 ||
	    is_numeric(c->host)) {
		host->option_fault(
		    c->ctx, T3OPS_ERROR, "url",
		    "its host is an address, expected a name to look up; probe_internal takes an address");
		r = -EINVAL;
	}
	if (!host_of(resolver, resolver_host, sizeof resolver_host) || !is_numeric(resolver_host)) {
		host->option_fault(c->ctx, T3OPS_ERROR, "resolver",
		                   "its host is a name, expected an address: a name would itself need a resolver");
		r = -EINVAL;
	} else if (is_numeric(interface) && family_of(interface) != family_of(resolver_host)) {
		host->option_fault(c->ctx, T3OPS_ERROR, "interface", "of another family than the resolver's address");
		r = -EINVAL;
	}
	return r;
}

static int init(struct t3ops_ctx *ctx)
{
	struct cloudflare *c = calloc(1, sizeof *c);

	if (!c)
		return -ENOMEM;
	c->ctx = ctx;
	ctx->state = c;
	if (check_options(c) == 0)
		return 0;
	free(c);
	return -EINVAL;
}

static void stop(struct t3ops_ctx *ctx)
{
	free(ctx->state);
}

static const struct t3ops_option options[] = {
    WS_LEG_OPTIONS,
    {"resolver", T3OPS_OPT_URL, "https://1.1.1.1/dns-query", 0, 0,
     "DNS over HTTPS (RFC 8484), its host as a number."},
};

T3OPS_PLUGIN(probe_cloudflare) = {
    T3OPS_HEAD,
    .roles = T3OPS_ROLE_LEG,
    .name = "probe_cloudflare",
    .version = PACKAGE_VERSION,
    .summary = "WebSocket leg over the whole public path",
    .options = options,
    .n_options = sizeof options / sizeof options[0],
    .init = init,
    .stop = stop,
    .leg_segments = "wan cloudflare tunnel traefik dispatch",
    .leg_edge = "cloudflare",
    .leg_resolver = "wan dns",
    .leg_target = "url",
    .leg_open = leg_open,
    .leg_ping = leg_ping,
    .leg_close = leg_close,
    .leg_fresh = leg_fresh,
};
