/* SPDX-License-Identifier: MIT */
/* Which segments legs can report apart, and what -t says of the others. */
#include "monitor/separability.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* One section: the first letter says which. */
static const struct shape {
	char letter;
	uint32_t roles;
	const char *name, *segments, *edge, *resolver;
} shapes[] = {
    {'c', T3OPS_ROLE_LEG, "cf", "wan cloudflare tunnel traefik dispatch", "cloudflare", "wan dns"},
    {'i', T3OPS_ROLE_LEG, "int", "traefik dispatch", "traefik", ""},
    {'n', T3OPS_ROLE_LEG, "int", "traefik dispatch", "traefik", ""},
    {'s', T3OPS_ROLE_LEG, "srv", "serve", "serve", ""},
    {'u', T3OPS_ROLE_LEG, "tun", "tunnel traefik dispatch", "tunnel", ""},
    {'d', T3OPS_ROLE_LEG, "own", "dispatch", "dispatch", ""},
    {'p', T3OPS_ROLE_LEG, "cf", "wan cloudflare tunnel traefik dispatch", "cloudflare", ""},
    {'w', T3OPS_ROLE_LEG, "cf", "wan cloudflare tunnel traefik dispatch", "wan", "wan dns"},
    {'2', T3OPS_ROLE_LEG, "cf2", "wan2 cloudflare tunnel traefik dispatch", "cloudflare", "wan2 dns"},
    {'o', T3OPS_ROLE_LEG, "sso", "traefik sso", "traefik", ""},
    {'j', T3OPS_ROLE_JOB, "backup", "", "", ""},
    {'r', T3OPS_ROLE_PROXY, "echo", "", "", ""},
};

#define APART " cannot be told apart: "
#define ADD(name, scheme, segments)                                                                                  \
	": add plugin \"int_" name "\" { module = \"int\" url = \"" scheme                                           \
	"://t3/probe/ws\" address = \"ADDRESS of " name "\" segments = {" segments "} })\n"
#define ENTER_TUNNEL                                                                                                 \
	"(a leg that enters at tunnel would tell" ADD("tunnel", "wss", "\"tunnel\", \"traefik\", \"dispatch\"")
#define ENTER_DISPATCH "(a leg that enters at dispatch would tell" ADD("dispatch", "ws", "\"dispatch\"")
#define ONE_AT_T3OPS   "(a leg that enters at dispatch would tell: add one with segments = {\"dispatch\"})\n"
#define ELSEWHERE                                                                                                    \
	"(a leg from elsewhere through cloudflare would tell: add one with segments = "                              \
	"{\"cloudflare\", \"tunnel\", \"traefik\", \"dispatch\"})\n"

#define LOCATION                                                                                                     \
	"faults of one location of cloudflare" APART "last_mile and cloudflare, of a user who alone comes over it "  \
	"(a leg that goes over it would tell: one runs where that user's provider is)\n"

static const struct {
	/* plugins: letters; behind a + their legs send large messages, too, behind a - there is no request plugin */
	const char *what, *plugins, *want;
} rows[] = {
    {"the three legs", "cisj",
     "segments: loud faults of all 8 can be told apart\n"
     "brief faults" APART "wan, cloudflare and tunnel " ENTER_TUNNEL "silent faults" APART
     "cloudflare and tunnel " ENTER_TUNNEL "silent and brief faults" APART
     "traefik and dispatch " ENTER_DISPATCH LOCATION},
    {"the three legs, with large messages", "+cisj",
     "segments: loud faults of all 8 can be told apart\n"
     "brief and large-message faults" APART "wan, cloudflare and tunnel " ENTER_TUNNEL "silent faults" APART
     "cloudflare and tunnel " ENTER_TUNNEL "silent, brief and large-message faults" APART
     "traefik and dispatch " ENTER_DISPATCH LOCATION},
    {"a leg behind the tunnel, and one at t3ops", "cuidsj",
     "segments: loud and silent faults of all 8 can be told apart\n"
     "brief faults" APART "wan and cloudflare " ELSEWHERE LOCATION},
    {"without the inner leg", "cs",
     "brief faults" APART "wan, cloudflare, tunnel, traefik and dispatch " ONE_AT_T3OPS "silent faults" APART
     "cloudflare, tunnel, traefik and dispatch " ONE_AT_T3OPS "loud faults" APART
     "tunnel, traefik and dispatch " ONE_AT_T3OPS LOCATION},
    {"without the outer leg", "is",
     "loud, silent and brief faults" APART "last_mile, wan, cloudflare and tunnel "
     "(a leg through wan would tell: add one with segments = "
     "{\"wan\", \"cloudflare\", \"tunnel\", \"traefik\", \"dispatch\"})\n"
     "silent and brief faults" APART "traefik and dispatch " ENTER_DISPATCH},
    {"an inner leg without TLS, which is copied as it is", "ns",
     "loud, silent and brief faults" APART "last_mile, wan, cloudflare and tunnel "
     "(a leg through wan would tell: add one with segments = "
     "{\"wan\", \"cloudflare\", \"tunnel\", \"traefik\", \"dispatch\"})\n"
     "silent and brief faults" APART "traefik and dispatch " ENTER_DISPATCH},
    {"without the legs to the t3 servers", "ci",
     "segments: loud faults of all 8 can be told apart\n"
     "brief faults" APART "wan, cloudflare and tunnel " ENTER_TUNNEL "silent faults" APART
     "cloudflare and tunnel " ENTER_TUNNEL "silent and brief faults" APART
     "traefik and dispatch " ENTER_DISPATCH LOCATION},
    {"an outer leg that looks no name up", "pis",
     "loud and silent faults" APART "wan and cloudflare " ELSEWHERE "brief faults" APART
     "wan, cloudflare and tunnel " ENTER_TUNNEL "silent faults" APART "cloudflare and tunnel " ENTER_TUNNEL
     "silent and brief faults" APART "traefik and dispatch " ENTER_DISPATCH LOCATION},
    {"the outer leg's own first segment ends TCP", "wis",
     "brief faults" APART "wan, cloudflare and tunnel " ENTER_TUNNEL "loud and silent faults" APART
     "cloudflare and tunnel " ENTER_TUNNEL "silent and brief faults" APART "traefik and dispatch " ENTER_DISPATCH},
    {"a second way out", "c2is",
     "segments: loud faults of all 9 can be told apart\n"
     "silent and brief faults" APART "cloudflare and tunnel " ENTER_TUNNEL "silent and brief faults" APART
     "traefik and dispatch " ENTER_DISPATCH LOCATION},
    {"the sign-in", "cios",
     "segments: loud faults of all 9 can be told apart\n"
     "brief faults" APART "wan, cloudflare and tunnel " ENTER_TUNNEL "silent faults" APART
     "cloudflare and tunnel " ENTER_TUNNEL LOCATION},
    {"no leg at all", "j",
     "segments: no leg is configured; the cause of a drop can only be the user's path or the t3 server\n"},
    {"legs only", "-cis",
     "segments: no request plugin is configured, so no users drop here, and user_path is not judged\n"},
};

static struct text_list list_of(const char *words)
{
	static const struct t3ops_option row = {.name = "it", .type = T3OPS_OPT_LIST};
	struct t3ops_option o = row;
	struct option_value value;
	char why[64];

	o.fallback = words;
	assert_true(option_fallback(&o, &value, why, sizeof why));
	return value.list;
}

static void list_free(struct text_list list)
{
	struct option_value value = {.type = T3OPS_OPT_LIST, .list = list};

	option_value_fini(&value);
}

static void text_put(struct option_set *s, const char *name, uint32_t type, const char *text)
{
	option_set_put(s, name, (struct option_value){.type = type, .text = strdup(text)});
}

static void large_put(struct option_set *s)
{
	option_set_put(s, "large_beat", (struct option_value){.type = T3OPS_OPT_DURATION, .number = 300000000});
}

static void section_make(struct plugin_section *s, char letter)
{
	for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++)
		if (shapes[i].letter == letter)
			*s = (struct plugin_section){.name = (char *)(uintptr_t)shapes[i].name,
			                             .roles = shapes[i].roles,
			                             .module = (char *)(uintptr_t)shapes[i].name,
			                             .per_user = shapes[i].letter == 's',
			                             .leg = {.segments = list_of(shapes[i].segments),
			                                     .edge = shapes[i].edge,
			                                     .resolver_segments = list_of(shapes[i].resolver)}};
	if (letter != 'i' && letter != 'n')
		return;
	text_put(&s->values, "url", T3OPS_OPT_WS_URL, letter == 'i' ? "wss://t3/probe/ws" : "ws://t3/probe/ws");
	text_put(&s->values, "address", T3OPS_OPT_ADDRESS, "10.0.20.203");
}

static void table(void **state)
{
	struct plugin_section sections[8];
	struct resolved_config c = {
	    .plugins = sections,
	    .options = {.user_path = list_of("last_mile wan cloudflare tunnel traefik dispatch serve"),
	                .per_user = list_of("last_mile serve")}};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		char *said = NULL;
		size_t len = 0;
		FILE *out = open_memstream(&said, &len);

		c.n_plugins = 0;
		if (rows[i].plugins[0] != '-')
			section_make(&sections[c.n_plugins++], 'r');
		for (const char *p = rows[i].plugins; *p; p++) {
			if (*p == '+' || *p == '-')
				continue;
			section_make(&sections[c.n_plugins], *p);
			if (rows[i].plugins[0] == '+' && strchr("ci", *p))
				large_put(&sections[c.n_plugins].values);
			c.n_plugins++;
		}
		separability_print(&c, out);
		fclose(out);
		if (strcmp(said, rows[i].want) != 0)
			fail_msg("%s: %s", rows[i].what, said);
		free(said);
		for (size_t k = 0; k < c.n_plugins; k++) {
			option_set_fini(&sections[k].values);
			list_free(sections[k].leg.segments);
			list_free(sections[k].leg.resolver_segments);
		}
	}
	list_free(c.options.user_path);
	list_free(c.options.per_user);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(table)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
