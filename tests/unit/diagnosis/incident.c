/* SPDX-License-Identifier: MIT */
/* Incidents: what the processes report, second by second, against the verdicts that must follow. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "diagnosis/incident.h"

#define T0      UINT64_C(5000000000)
#define WALL0   UINT64_C(1800000000000000)
#define MS(n)   ((uint64_t)(n)*1000)
#define SLOWEST 2600000 /* ping_timeout, grace and a little */

static const char config_text[] =
    "{\"core\":{\"user_path\":[\"last_mile\",\"wan\",\"cloudflare\",\"tunnel\",\"traefik\",\"dispatch\",\"serve\"],"
    " \"per_user\":[\"last_mile\",\"serve\"],\"ping_timeout\":2000000},"
    " \"legs\":["
    "  "
    "{\"name\":\"cf\",\"segments\":[\"wan\",\"cloudflare\",\"tunnel\",\"traefik\",\"dispatch\"],\"edge\":"
    "\"cloudflare\","
    "   \"resolver_segments\":[\"wan\",\"dns\"],\"per_user\":false},"
    "  "
    "{\"name\":\"int\",\"segments\":[\"traefik\",\"dispatch\"],\"edge\":\"traefik\",\"resolver_segments\":[],\"per_"
    "user\":false},"
    "  {\"name\":\"srv\",\"segments\":[\"serve\"],\"edge\":\"\",\"resolver_segments\":[],\"per_user\":true}]}";

enum what { END = 0, EVENT, ROOM };

struct step {
	enum what what;
	unsigned at_ms;
	enum event_kind kind;
	const char *leg, *user;
	unsigned step, reason, code;
	unsigned quiet_ms, n;
	bool probed; /* carries the id of the open incident */
	const char *address;
};

#define UP(t, l, u)                                                                                                  \
	{                                                                                                            \
		.what = EVENT, .at_ms = t, .kind = EVENT_LEG_UP, .leg = l, .user = u                                 \
	}
#define UP_P(t, l, u)                                                                                                \
	{                                                                                                            \
		.what = EVENT, .at_ms = t, .kind = EVENT_LEG_UP, .leg = l, .user = u, .probed = true                 \
	}
#define ALIVE(t, l, u)                                                                                               \
	{                                                                                                            \
		.what = EVENT, .at_ms = t, .kind = EVENT_LEG_ALIVE, .leg = l, .user = u, .probed = true              \
	}
#define LATE(t, l, u)                                                                                                \
	{                                                                                                            \
		.what = EVENT, .at_ms = t, .kind = EVENT_LEG_LATE, .leg = l, .user = u                               \
	}
#define DOWN(t, l, u, r)                                                                                             \
	{                                                                                                            \
		.what = EVENT, .at_ms = t, .kind = EVENT_LEG_DOWN, .leg = l, .user = u, .step = T3OPS_STEP_OPEN,     \
		.reason = T3OPS_R_##r                                                                                \
	}
#define TRY(t, l, u, s, r, c)                                                                                        \
	{                                                                                                            \
		.what = EVENT, .at_ms = t, .kind = EVENT_LEG_ATTEMPT, .leg = l, .user = u, .step = T3OPS_STEP_##s,   \
		.reason = T3OPS_R_##r, .code = c, .probed = true                                                     \
	}
#define RESOLVER(t, l, r)                                                                                            \
	{                                                                                                            \
		.what = EVENT, .at_ms = t, .kind = EVENT_LEG_RESOLVER, .leg = l, .reason = T3OPS_R_##r               \
	}
#define DROP(t, u, r, q)                                                                                             \
	{                                                                                                            \
		.what = EVENT, .at_ms = t, .kind = EVENT_TUNNEL_DROP, .user = u, .reason = T3OPS_R_##r,              \
		.quiet_ms = q, .address = "192.0.2.1"                                                                \
	}
#define DROP_YOUNG(t, u, r, q, age)                                                                                  \
	{                                                                                                            \
		.what = EVENT, .at_ms = t, .kind = EVENT_TUNNEL_DROP, .user = u, .reason = T3OPS_R_##r,              \
		.quiet_ms = q, .n = age, .address = "192.0.2.1"                                                      \
	}
#define OPENED(t, u)                                                                                                 \
	{                                                                                                            \
		.what = EVENT, .at_ms = t, .kind = EVENT_TUNNEL_OPEN, .user = u, .address = "192.0.2.2"              \
	}
#define TUNNEL_ALIVE(t, u, down)                                                                                     \
	{                                                                                                            \
		.what = EVENT, .at_ms = t, .kind = EVENT_TUNNEL_ALIVE, .user = u, .n = down, .probed = true          \
	}
#define LAG(t, ms)                                                                                                   \
	{                                                                                                            \
		.what = EVENT, .at_ms = t, .kind = EVENT_LOOP_LAG, .n = ms                                           \
	}
#define GONE(t, l, u)                                                                                                \
	{                                                                                                            \
		.what = EVENT, .at_ms = t, .kind = EVENT_LEG_GONE, .leg = l, .user = u                               \
	}
#define LEGS(t, s, number)                                                                                           \
	{                                                                                                            \
		.what = ROOM, .at_ms = t, .code = s, .n = number                                                     \
	}

#define ALL_UP                                                                                                       \
	LEGS(0, PROCESS_READY, 20), UP(1, "cf", ""), UP(1, "int", ""), UP(1, "srv", "alice"), UP(1, "srv", "bob"),   \
	    RESOLVER(1, "cf", NONE)
#define SERVES(t) ALIVE(t, "srv", "alice"), ALIVE(t, "srv", "bob")

struct scenario {
	const char *name;
	const char *want; /* verdicts in order; ~healed; !login page; +goes on */
	struct step steps[40];
	const char *says; /* in the text of the first verdict */
};

/* The verdicts of one run, as text. */
struct record {
	struct incidents *incidents;
	uint64_t now_us, probe_id, slowest_us;
	unsigned probes;
	char got[512], text[320];
	json_t *evidence;
};

static void note(struct record *r, const char *mark, const char *text)
{
	size_t used = strlen(r->got);

	assert_true(snprintf(r->got + used, sizeof r->got - used, "%s%s%s", used > 0 ? "; " : "", mark, text) <
	            (int)(sizeof r->got - used));
}

static void on_probe(void *arg, uint64_t id, uint64_t since_us)
{
	struct record *r = arg;

	assert_true(since_us <= r->now_us);
	assert_true(id > r->probe_id);
	r->probe_id = id;
	r->probes++;
}

static void on_verdict(void *arg, struct verdict *v)
{
	struct record *r = arg;

	note(r, v->continues != 0 ? "+" : "", v->segments);
	assert_int_equal(v->exonerated, strncmp(v->text, "infra exonerated", 16) == 0);
	assert_true(v->text[0] != '\0');
	assert_true(v->wall_us == v->drop_us + v->delay_us);
	if (v->delay_us > r->slowest_us)
		r->slowest_us = v->delay_us;
	if (r->text[0] == '\0')
		event_set(r->text, v->text);
	json_decref(r->evidence);
	r->evidence = v->evidence;
}

static void on_healed(void *arg, const struct healed *h)
{
	note(arg, "~", h->segments);
}

static void on_walled_off(void *arg, const char *leg)
{
	note(arg, "!", leg);
}

static void on_pressure(void *arg, struct pressure *out)
{
	(void)arg, (void)out;
}

static const struct incident_actions actions = {on_probe, on_verdict, on_healed, on_walled_off, on_pressure};

/* Lets the time pass, as a timer would. */
static void pass(struct record *r, uint64_t until_us)
{
	uint64_t due;

	while ((due = incidents_tick(r->incidents, r->now_us)) <= until_us) {
		assert_true(due > r->now_us);
		r->now_us = due;
	}
	r->now_us = until_us;
}

static void event_deliver(struct record *r, const struct step *s)
{
	struct event e;

	memset(&e, 0, sizeof e);
	e.kind = (uint16_t)s->kind;
	e.process = s->kind == EVENT_TUNNEL_DROP ? PROCESS_PROXY : PROCESS_PROBER;
	e.time_us = WALL0 + MS(s->at_ms);
	e.mono_us = r->now_us;
	e.step = (uint8_t)s->step;
	e.reason = (uint16_t)s->reason;
	e.code = (uint16_t)s->code;
	e.id = s->probed ? r->probe_id : 0;
	e.idle_client_us = e.idle_upstream_us = MS(s->quiet_ms);
	e.rtt_us = s->kind == EVENT_LEG_ALIVE ? 4200 : 0;
	e.age_us = s->kind == EVENT_LOOP_LAG || s->kind == EVENT_TUNNEL_DROP ? MS(s->n) : 0;
	e.bytes_down = s->kind == EVENT_TUNNEL_ALIVE ? s->n : 0;
	event_set(e.plugin, s->leg != NULL ? s->leg : "");
	event_set(e.user, s->user != NULL ? s->user : "");
	event_set(e.address, s->address != NULL ? s->address : "");
	incidents_event(r->incidents, &e, r->now_us);
}

static void step_play(struct record *r, const struct step *s)
{
	pass(r, T0 + MS(s->at_ms));
	if (s->what == ROOM) {
		struct msg_process process = {.process = PROCESS_PROBER, .state = (uint8_t)s->code, .serial = s->n};

		incidents_process(r->incidents, &process, r->now_us);
	} else {
		event_deliver(r, s);
	}
}

static const struct scenario scenarios[] = {
    {"the edge is cut: refused, while its resolver and everything inside works",
     "cloudflare; ~cloudflare",
     {ALL_UP, DOWN(100, "cf", "", EOF), DROP(110, "alice", CLIENT_EOF, 900), ALIVE(120, "int", ""), SERVES(120),
      TRY(1110, "cf", "", CONNECT, REFUSED, 0), UP(9000, "cf", ""), OPENED(9100, "alice")},
     "cf failed at connect (refused)"},
    {"the edge is cut: no answer at all",
     "cloudflare",
     {ALL_UP, DOWN(100, "cf", "", HEARTBEAT_TIMEOUT), ALIVE(120, "int", ""), SERVES(120),
      TRY(2200, "cf", "", TLS, CONNECT_TIMEOUT, 0)},
     NULL},
    {"the tunnel is cut: the edge says 502",
     "tunnel; ~tunnel",
     {ALL_UP, DROP(100, "alice", CLIENT_RESET, 100), DROP(105, "bob", CLIENT_RESET, 100), DOWN(150, "cf", "", CLOSED),
      ALIVE(160, "int", ""), SERVES(160), TRY(300, "cf", "", HTTP, HTTP_STATUS, 502), UP(5000, "cf", "")},
     "alice lost 1 tunnel"},
    {"traefik is cut",
     "traefik; ~traefik",
     {ALL_UP, DOWN(100, "int", "", EOF), DOWN(101, "cf", "", CLOSED), DROP(102, "alice", CLIENT_EOF, 10), SERVES(110),
      TRY(200, "int", "", CONNECT, REFUSED, 0), TRY(250, "cf", "", HTTP, HTTP_STATUS, 502), UP(4000, "int", ""),
      UP(4500, "cf", "")},
     NULL},
    {"the instance of alice stalls; her page gives up after it was healed",
     "serve(alice); ~serve(alice); +serve(alice)",
     {ALL_UP, LATE(2000, "srv", "alice"), ALIVE(2010, "cf", ""), ALIVE(2010, "int", ""), ALIVE(2010, "srv", "bob"),
      UP(9000, "srv", "alice"), DROP(15000, "alice", CLIENT_GAVE_UP, 14000), ALIVE(15010, "cf", ""),
      ALIVE(15010, "int", ""), SERVES(15010)},
     "srv(alice) stopped answering"},
    {"the instance of alice stalls; a tunnel opened meanwhile drops for another reason",
     "serve(alice); ~serve(alice); last_mile(alice); ~last_mile(alice)",
     {ALL_UP, LATE(2000, "srv", "alice"), ALIVE(2010, "cf", ""), ALIVE(2010, "int", ""), ALIVE(2010, "srv", "bob"),
      UP(9000, "srv", "alice"), DROP_YOUNG(9100, "alice", CLIENT_EOF, 500, 1000), ALIVE(9110, "cf", ""),
      ALIVE(9110, "int", ""), SERVES(9110), OPENED(12000, "alice")},
     "srv(alice) stopped answering"},
    {"the instance of alice crashes",
     "serve(alice); ~serve(alice)",
     {ALL_UP, DROP(100, "alice", UPSTREAM_EOF, 10), DOWN(101, "srv", "alice", REFUSED), ALIVE(110, "cf", ""),
      ALIVE(110, "int", ""), ALIVE(110, "srv", "bob"), TRY(1000, "srv", "alice", CONNECT, REFUSED, 0),
      UP(3000, "srv", "alice")},
     NULL},
    {"the last mile of alice: everything of ours answers",
     "last_mile(alice); ~last_mile(alice)",
     {ALL_UP, DROP(100, "alice", CLIENT_RESET, 12000), ALIVE(110, "cf", ""), ALIVE(110, "int", ""), SERVES(110),
      OPENED(6000, "alice")},
     "infra exonerated: alice lost 1 tunnel (client_reset after 12.0 s of silence) while cf 4 ms, int 4 ms"},
    {"the last mile of alice: she is back from another address before the verdict",
     "last_mile(alice); ~last_mile(alice)",
     {ALL_UP, DROP(100, "alice", CLIENT_EOF, 0), ALIVE(110, "cf", ""), ALIVE(110, "int", ""), SERVES(110),
      OPENED(600, "alice")},
     "another address"},
    {"two users lose their own networks at once",
     "last_mile(alice); last_mile(bob)",
     {ALL_UP, DROP(100, "alice", CLIENT_EOF, 10), DROP(150, "bob", CLIENT_TIMEOUT, 10), ALIVE(160, "cf", ""),
      ALIVE(160, "int", ""), SERVES(160)},
     NULL},
    {"without a leg through the edge a tunnel_alive exonerates",
     "last_mile(alice)",
     {LEGS(0, PROCESS_READY, 20), UP(1, "int", ""), DROP(100, "alice", CLIENT_EOF, 10), ALIVE(110, "int", ""),
      TUNNEL_ALIVE(1150, "bob", 0)},
     "a tunnel of bob answered"},
    {"without a tunnel_alive all that is possible is named",
     "last_mile(alice) wan cloudflare tunnel",
     {LEGS(0, PROCESS_READY, 20), UP(1, "int", ""), DROP(100, "alice", CLIENT_EOF, 10), ALIVE(110, "int", "")},
     NULL},
    {"a resolver fails while connections live",
     "dns; ~dns",
     {ALL_UP, RESOLVER(100, "cf", DNS), ALIVE(110, "cf", ""), ALIVE(110, "int", ""), SERVES(110),
      RESOLVER(5000, "cf", NONE)},
     "the resolver of cf failed"},
    {"the leg is cut and cannot look its name up: wan or the resolver",
     "wan dns",
     {ALL_UP, DOWN(100, "cf", "", HEARTBEAT_TIMEOUT), ALIVE(110, "int", ""), SERVES(110),
      TRY(900, "cf", "", DNS, DNS, 0)},
     NULL},
    {"we were frozen ourselves",
     "host",
     {ALL_UP, LAG(8000, 7000), LATE(8001, "cf", ""), DOWN(8002, "srv", "alice", HEARTBEAT_TIMEOUT),
      DROP(8003, "bob", CLIENT_TIMEOUT, 7000), ALIVE(8010, "int", "")},
     "frozen for 7.0 s"},
    {"a freeze long before the drop is forgotten",
     "last_mile(alice)",
     {ALL_UP, LAG(3000, 700), DROP(8000, "alice", CLIENT_EOF, 0), ALIVE(8010, "cf", ""), ALIVE(8010, "int", ""),
      SERVES(8010)},
     NULL},
    {"two faults at once",
     "cloudflare; serve(bob)",
     {ALL_UP, DOWN(100, "cf", "", EOF), DOWN(120, "srv", "bob", RESET), ALIVE(130, "int", ""),
      ALIVE(130, "srv", "alice"), TRY(1110, "cf", "", CONNECT, REFUSED, 0),
      TRY(1120, "srv", "bob", CONNECT, REFUSED, 0)},
     NULL},
    {"a login page stands before the probe: a note, no verdict",
     "!cf",
     {ALL_UP, DOWN(100, "cf", "", LOCAL), TRY(200, "cf", "", HTTP, WALLED_OFF, 302),
      TRY(900, "cf", "", HTTP, WALLED_OFF, 302)},
     NULL},
    {"the prober is replaced: nothing broke, and its news count",
     "serve(alice)",
     {ALL_UP, DOWN(1000, "cf", "", LOCAL), DOWN(1000, "int", "", LOCAL), LEGS(1001, PROCESS_READY, 21),
      UP(1100, "cf", ""), UP(1100, "int", ""), UP(1100, "srv", "alice"), DOWN(3000, "srv", "alice", RESET),
      ALIVE(3010, "cf", ""), ALIVE(3010, "int", ""), TRY(3100, "srv", "alice", HTTP, HTTP_TIMEOUT, 0)},
     NULL},
    {"the prober dies: a user's drop can only be narrowed by what still speaks",
     "last_mile(alice) wan cloudflare tunnel traefik dispatch",
     {ALL_UP, LEGS(1000, PROCESS_DEAD, 20), DROP(2000, "alice", CLIENT_EOF, 10)},
     NULL},
    {"a late answer that comes is no fault",
     "",
     {ALL_UP, LATE(2000, "cf", ""), ALIVE(2010, "int", ""), SERVES(2010), ALIVE(2600, "cf", "")},
     NULL},
    {"a leg that never worked opens nothing and accuses nobody",
     "last_mile(alice)",
     {ALL_UP, GONE(2, "cf", ""), TRY(10, "cf", "", CONNECT, REFUSED, 0), DROP(500, "alice", CLIENT_EOF, 1),
      ALIVE(510, "int", ""), SERVES(510), TUNNEL_ALIVE(1500, "bob", 0)},
     NULL},
    {"users who notice late: the fault goes on",
     "cloudflare; +cloudflare; ~cloudflare; +cloudflare",
     {ALL_UP, DOWN(100, "cf", "", EOF), ALIVE(120, "int", ""), SERVES(120), TRY(1110, "cf", "", CONNECT, REFUSED, 0),
      DROP(5000, "alice", CLIENT_TIMEOUT, 4900), ALIVE(5010, "int", ""), SERVES(5010), UP(12000, "cf", ""),
      DROP(20000, "bob", CLIENT_TIMEOUT, 19900), ALIVE(20010, "cf", ""), ALIVE(20010, "int", ""), SERVES(20010)},
     NULL},
    {"after the end of a fault a tunnel that had survived it is judged afresh",
     "cloudflare; ~cloudflare; last_mile(bob)",
     {ALL_UP, DOWN(100, "cf", "", EOF), ALIVE(120, "int", ""), SERVES(120), TRY(1110, "cf", "", CONNECT, REFUSED, 0),
      UP(3000, "cf", ""), DROP(20000, "bob", CLIENT_TIMEOUT, 2000), ALIVE(20010, "cf", ""), ALIVE(20010, "int", ""),
      SERVES(20010)},
     NULL},
    {"a stalled tunnel is first a suspicion, then narrowed by the next attempt",
     "wan cloudflare tunnel; +cloudflare tunnel; ~cloudflare tunnel",
     {ALL_UP, LATE(2000, "cf", ""), ALIVE(2010, "int", ""), SERVES(2010), DOWN(20000, "cf", "", HEARTBEAT_TIMEOUT),
      ALIVE(20010, "int", ""), SERVES(20010), TRY(22000, "cf", "", HTTP, HTTP_TIMEOUT, 0), UP(30000, "cf", "")},
     NULL},
    {"two cuts one after the other",
     "cloudflare; ~cloudflare; tunnel; ~tunnel",
     {ALL_UP, DOWN(100, "cf", "", EOF), ALIVE(120, "int", ""), SERVES(120), TRY(1110, "cf", "", CONNECT, REFUSED, 0),
      UP(3000, "cf", ""), OPENED(3100, "alice"), DOWN(6000, "cf", "", EOF), DROP(6001, "alice", CLIENT_EOF, 800),
      ALIVE(6010, "int", ""), SERVES(6010), TRY(7000, "cf", "", HTTP, HTTP_STATUS, 503), UP(9000, "cf", "")},
     NULL},
    {"everything on the path also worked: unknown",
     "unknown",
     {ALL_UP, DROP(100, "alice", CLIENT_EOF, 10), ALIVE(110, "cf", ""), ALIVE(110, "int", ""), SERVES(110),
      TUNNEL_ALIVE(1100, "alice", 1)},
     NULL},
    {"an ordinary end is no drop",
     "",
     {ALL_UP, DROP(100, "alice", CLIENT_CLOSED, 0), DROP(100, "bob", LOCAL, 0)},
     NULL},
};

static void scenario_play(void **state)
{
	const struct scenario *s = *state;
	struct record r = {.now_us = T0};
	json_t *config = json_loads(config_text, 0, NULL);

	r.incidents = incidents_new(config, 7, &actions, &r);
	assert_non_null(r.incidents);
	for (size_t n = 0; s->steps[n].what != END; n++)
		step_play(&r, &s->steps[n]);
	pass(&r, r.now_us + MS(5000));
	assert_string_equal(r.got, s->want);
	assert_true(r.slowest_us <= SLOWEST);
	assert_int_equal(incidents_open(r.incidents), 0);
	if (s->says != NULL && strstr(r.text, s->says) == NULL)
		fail_msg("\"%s\" is not in \"%s\"", s->says, r.text);
	incidents_free(r.incidents);
	json_decref(r.evidence);
	json_decref(config);
}

/* As soon as every leg has spoken, and not before a burst of drops is over. */
static void speed_test(void **state)
{
	static const struct step steps[] = {ALL_UP, DOWN(100, "int", "", EOF), SERVES(110),
	                                    TRY(120, "int", "", CONNECT, REFUSED, 0), ALIVE(130, "cf", "")};
	struct record r = {.now_us = T0};
	json_t *config = json_loads(config_text, 0, NULL);

	(void)state;
	r.incidents = incidents_new(config, 1, &actions, &r);
	for (size_t n = 0; n < sizeof steps / sizeof steps[0]; n++)
		step_play(&r, &steps[n]);
	assert_string_equal(r.got, "");
	assert_int_equal(incidents_open(r.incidents), 1);
	pass(&r, T0 + MS(299));
	assert_string_equal(r.got, "");
	pass(&r, T0 + MS(301));
	assert_int_equal(r.slowest_us, MS(200));
	assert_int_equal(r.probes, 1);
	/* int failed at its edge, though cf, which crosses it, worked. */
	assert_string_equal(r.got, "unknown");
	assert_int_equal(json_array_size(r.evidence), 4);
	incidents_free(r.incidents);
	json_decref(r.evidence);
	json_decref(config);
}

int main(void)
{
	enum { N = sizeof scenarios / sizeof scenarios[0] };
	struct CMUnitTest tests[N + 1];

	for (size_t n = 0; n < N; n++)
		tests[n] = (struct CMUnitTest){scenarios[n].name, scenario_play, NULL, NULL, (void *)&scenarios[n]};
	tests[N] = (struct CMUnitTest)cmocka_unit_test(speed_test);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
