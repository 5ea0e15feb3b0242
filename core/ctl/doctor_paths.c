/* SPDX-License-Identifier: MIT */
/* For each leg with the URL of a WebSocket: the name, /probe/ without a sign-in, the upgrade, a protected path, a
 * forged identity, the clock. */
#include <arpa/inet.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ctl/doctor_paths.h"
#include "ctl/h2_offer.h"
#include "ctl/reach.h"

#define CLOCK_WARN_S 5
#define CLOCK_FAIL_S 60

struct way_case {
	struct doctor *d;
	const char *leg, *url;
	char base[512]; /* https://HOST */
	char host[256];
	struct reach_way way;
};

static const char *option(const json_t *plugin, const char *name)
{
	const char *text = json_string_value(json_object_get(json_object_get(plugin, "options"), name));

	return text != NULL ? text : "";
}

static struct way_case case_of(struct doctor *d, const json_t *plugin)
{
	struct way_case c = {
	    .d = d, .leg = json_string_value(json_object_get(plugin, "name")), .url = option(plugin, "url")};
	const char *host = strstr(c.url, "//") + 2;

	c.way = (struct reach_way){.address = option(plugin, "address"),
	                           .resolver = option(plugin, "resolver"),
	                           .ca_file = option(plugin, "ca_file"),
	                           .interface = option(plugin, "interface")};
	snprintf(c.base, sizeof c.base, "%s://%.*s", strncmp(c.url, "wss:", 4) == 0 ? "https" : "http",
	         (int)strcspn(host, "/"), host);
	snprintf(c.host, sizeof c.host, "%.*s", (int)strcspn(host, host[0] == '[' ? "/" : ":/"), host);
	return c;
}

/* ---- the name */

static bool is_private(const char *ip)
{
	return strncmp(ip, "10.", 3) == 0 || strncmp(ip, "192.168.", 8) == 0 || strncmp(ip, "127.", 4) == 0 ||
	       (strncmp(ip, "172.", 4) == 0 && atoi(ip + 4) >= 16 && atoi(ip + 4) <= 31) ||
	       strncmp(ip, "fd", 2) == 0 || strcmp(ip, "::1") == 0;
}

/* What this machine's own resolver says. */
static void internal_answer(const char *host, char *out, size_t size)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *list = NULL;

	out[0] = '\0';
	if (getaddrinfo(host, NULL, &hints, &list) == 0)
		getnameinfo(list->ai_addr, list->ai_addrlen, out, (socklen_t)size, NULL, 0, NI_NUMERICHOST);
	if (list != NULL)
		freeaddrinfo(list);
}

static void name_check(const struct way_case *c, const struct reach_answer *a)
{
	struct findings *f = &c->d->findings;
	char internal[64];

	if (c->way.resolver[0] == '\0' || c->way.address[0] != '\0')
		return;
	internal_answer(c->host, internal, sizeof internal);
	if (a->ip[0] == '\0')
		finding_add(f, FINDING_FAIL, "name", c->leg,
		            "curl the resolver; is UDP or TCP 443 to it let through?", "%s leads nowhere by %s: %s",
		            c->host, c->way.resolver, a->why);
	else if (strcmp(a->ip, internal) == 0 && is_private(a->ip))
		finding_add(f, FINDING_WARN, "name", c->leg, "let the resolver be one outside of the house",
		            "%s is %s for it and for this machine alike: the leg does not leave the house", c->host,
		            a->ip);
	else if (strcmp(a->ip, internal) == 0)
		finding_add(f, FINDING_OK, "name", c->leg, "", "%s is %s for everybody, users at home included",
		            c->host, a->ip);
	else
		finding_add(f, FINDING_OK, "name", c->leg, "", "%s is %s by DNS over HTTPS, %s for this machine",
		            c->host, a->ip, internal[0] != '\0' ? internal : "unknown");
}

/* ---- without a sign-in */

static bool is_redirect(long status)
{
	return status >= 300 && status < 400;
}

static bool healthz_check(const struct way_case *c, const struct reach_answer *a)
{
	struct findings *f = &c->d->findings;
	bool is_ours = a->status == 200 && strstr(a->body, "\"status\"") != NULL;

	if (is_ours)
		finding_add(f, FINDING_OK, "probe", c->leg, "", "%s/probe/healthz answers without a sign-in",
		            c->base);
	else if (is_redirect(a->status) || a->status == 401 || a->status == 403)
		finding_add(f, FINDING_FAIL, "probe", c->leg, "exempt /probe/ from the sign-in, and nothing else",
		            "/probe/healthz is walled off: status %ld, %s", a->status, a->location);
	else if (a->status == 200)
		finding_add(f, FINDING_FAIL, "probe", c->leg, "send /probe/ of this host to t3ops",
		            "something else than t3ops answers at /probe/healthz");
	else if (a->status != 0)
		finding_add(f, FINDING_FAIL, "probe", c->leg,
		            "is t3ops running, and does the proxy send this host there?",
		            "/probe/healthz: status %ld", a->status);
	else
		finding_add(f, FINDING_FAIL, "probe", c->leg, "t3opsctl why says which segment does not answer",
		            "%s: %s", c->base, a->why);
	return is_ours;
}

static void upgrade_check(const struct way_case *c)
{
	struct findings *f = &c->d->findings;
	struct reach_answer a;

	reach_websocket(c->url, &c->way, c->d->timeout_ms, &a);
	if (a.status == 101)
		finding_add(f, FINDING_OK, "websocket", c->leg, "", "%s is upgraded", c->url);
	else if (a.status == 503)
		finding_add(f, FINDING_WARN, "websocket", c->leg, "there are too many probes: t3opsctl metrics",
		            "%s: status 503", c->url);
	else if (a.status != 0)
		finding_add(f, FINDING_FAIL, "websocket", c->leg,
		            "let each proxy on the way pass Upgrade and Connection on, over HTTP/1.1",
		            "the Upgrade was lost on the way: status %ld instead of 101", a.status);
	else
		finding_add(f, FINDING_FAIL, "websocket", c->leg, "t3opsctl why says which segment does not answer",
		            "%s", a.why);
}

/* Over HTTP/2 browsers send no close frame that arrives. */
static void http2_check(const struct way_case *c, const struct reach_answer *a)
{
	enum h2_offer offer = strncmp(c->url, "wss:", 4) == 0
	                          ? h2_offer_ask(a->ip, a->port, c->host, c->d->timeout_ms)
	                          : H2_OFFER_NONE;

	if (offer == H2_OFFER_WEBSOCKETS)
		finding_add(&c->d->findings, FINDING_WARN, "http2", c->leg,
		            "haproxy: h2-workaround-bogus-websocket-clients in the section global",
		            "browsers open WebSockets over HTTP/2 there, where no close frame comes through: an "
		            "ordinary reload "
		            "looks like a drop");
	else if (offer == H2_OFFER_NONE)
		finding_add(&c->d->findings, FINDING_OK, "http2", c->leg, "", "WebSockets go over HTTP/1.1");
	else
		finding_add(&c->d->findings, FINDING_SKIP, "http2", c->leg, "", "it announces no settings of HTTP/2");
}

static void protected_check(const struct way_case *c)
{
	struct findings *f = &c->d->findings;
	struct reach_answer a;
	char url[600];

	snprintf(url, sizeof url, "%s/", c->base);
	reach_get(url, &c->way, NULL, c->d->timeout_ms, &a);
	if (a.status == 200)
		finding_add(f, FINDING_FAIL, "sign_in", c->leg,
		            "let the proxy ask for a sign-in on everything but /probe/",
		            "%s/ answers without a sign-in", c->base);
	else if (is_redirect(a.status))
		finding_add(f, FINDING_OK, "sign_in", c->leg, "", "a protected path leads to %s", a.location);
	else if (a.status == 401 || a.status == 403)
		finding_add(f, FINDING_OK, "sign_in", c->leg, "", "a protected path is refused with %ld", a.status);
	else
		finding_add(f, FINDING_FAIL, "sign_in", c->leg, "is the sign-in running?",
		            "a protected path: status %ld %s", a.status, a.why);
}

/* As a stranger who knows the header: t3 answers /api/auth/session to everybody who reaches it. */
static void forged_check(const struct way_case *c)
{
	const json_t *core = json_object_get(c->d->config, "core"), *users = json_object_get(c->d->config, "users");
	const char *header = json_string_value(json_object_get(core, "identity_header"));
	const char *user = json_string_value(json_object_get(json_array_get(users, 0), "name"));
	struct reach_way way = c->way;
	struct reach_answer a;
	char url[600], line[512];

	if (user == NULL)
		return;
	if (strncmp(way.address, "127.", 4) == 0 && way.interface[0] == '\0')
		way.interface = "127.0.0.9"; /* a stranger, not the proxy's own neighbour */
	snprintf(url, sizeof url, "%s/api/auth/session", c->base);
	snprintf(line, sizeof line, "%s: %s", header, user);
	reach_get(url, &way, line, c->d->timeout_ms, &a);
	if (a.status == 200 && strstr(a.body, "sessionCookieName") != NULL)
		finding_add(&c->d->findings, FINDING_FAIL, "forged", c->leg,
		            "let the proxy set or remove that header on every request; t3opsctl init writes how",
		            "whoever sends %s is that user, without a sign-in", header);
	else if (a.status != 0)
		finding_add(&c->d->findings, FINDING_OK, "forged", c->leg, "", "a forged %s gets no further (%ld)",
		            header, a.status);
	else
		finding_add(&c->d->findings, FINDING_SKIP, "forged", c->leg, "", "no answer: %s", a.why);
}

/* ---- the clock, as the far side's answer dates it */

static void clock_check(const struct way_case *c, const struct reach_answer *a)
{
	long off = a->date != 0 ? labs((long)(time(NULL) - a->date)) : 0;

	if (off > CLOCK_WARN_S)
		finding_add(&c->d->findings, off > CLOCK_FAIL_S ? FINDING_FAIL : FINDING_WARN, "clock", c->leg,
		            "timedatectl set-ntp true",
		            "this machine's clock is %ld s off that of whoever answers there: times of verdicts and "
		            "certificates are wrong",
		            off);
}

/* Whether that address is where t3ops itself listens: no sign-in is on the way then. */
static bool is_straight(const struct doctor *d, const char *address)
{
	const json_t *one;
	size_t i;

	json_array_foreach (json_object_get(json_object_get(d->config, "core"), "listen"), i, one)
		if (strcmp(json_string_value(one), address) == 0)
			return true;
	return false;
}

static void way_check(const struct way_case *c)
{
	struct reach_answer a;
	char url[600];

	snprintf(url, sizeof url, "%s/probe/healthz", c->base);
	reach_get(url, &c->way, NULL, c->d->timeout_ms, &a);
	name_check(c, &a);
	clock_check(c, &a);
	if (healthz_check(c, &a)) {
		upgrade_check(c);
		http2_check(c, &a);
	}
	if (a.status != 0 && !is_straight(c->d, c->way.address)) {
		protected_check(c);
		forged_check(c);
	}
}

void doctor_paths(struct doctor *d)
{
	const json_t *plugin;
	size_t i;

	json_array_foreach (json_object_get(d->config, "plugins"), i, plugin) {
		const char *url = option(plugin, "url");

		if (json_is_true(json_object_get(plugin, "leg")) &&
		    (strncmp(url, "ws://", 5) == 0 || strncmp(url, "wss://", 6) == 0)) {
			struct way_case c = case_of(d, plugin);

			way_check(&c);
		}
	}
}
