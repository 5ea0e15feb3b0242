/* SPDX-License-Identifier: MIT */
/* The diagnosis: what is reported, second by second, against the verdicts that must follow. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "diagnosis/diagnosis.h"
#include "diagnosis/summary.h"
#include "plugin.h"

#define T0      UINT64_C(5000000000)
#define WALL0   UINT64_C(1800000000000000)
#define MS(n)   ((uint64_t)(n)*1000)
#define SLOWEST 2600000 /* ping_timeout, grace and a little */

#define LIST(...)                                                                                                    \
	{                                                                                                            \
		(const char *const[]){__VA_ARGS__}, sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *)      \
	}

static const struct leg_shape legs[] = {
    {.name = "cf",
     .segments = LIST("wan", "cloudflare", "tunnel", "traefik", "dispatch"),
     .edge = "cloudflare",
     .resolver_segments = LIST("wan", "dns")},
    {.name = "int", .segments = LIST("traefik", "dispatch"), .edge = "traefik"},
    {.name = "srv", .segments = LIST("serve"), .edge = "", .per_user = true},
};

static const struct path_shape shape = {
    .user_path = LIST("last_mile", "wan", "cloudflare", "tunnel", "traefik", "dispatch", "serve"),
    .per_user = LIST("last_mile", "serve"),
    .legs = legs,
    .n_legs = 3,
};

enum what { END = 0, LEG, LEG_GOES, PROBER, DROPPED, OPEN, LIVE, FREEZE };

struct step {
	enum what what;
	unsigned at_ms;
	enum leg_input_kind kind;
	const char *leg, *user;
	unsigned step, reason, code;
	unsigned quiet_ms, n;
	bool probed; /* carries the id of the open incident */
	const char *address;
};

#define UP(t, l, u)                                                                                                  \
	{                                                                                                            \
		.what = LEG, .at_ms = t, .kind = LEG_UP, .leg = l, .user = u                                         \
	}
#define UP_P(t, l, u)                                                                                                \
	{                                                                                                            \
		.what = LEG, .at_ms = t, .kind = LEG_UP, .leg = l, .user = u, .probed = true                         \
	}
#define ALIVE(t, l, u)                                                                                               \
	{                                                                                                            \
		.what = LEG, .at_ms = t, .kind = LEG_ALIVE, .leg = l, .user = u, .probed = true                      \
	}
#define LATE(t, l, u)                                                                                                \
	{                                                                                                            \
		.what = LEG, .at_ms = t, .kind = LEG_LATE, .leg = l, .user = u                                       \
	}
#define DOWN(t, l, u, r)                                                                                             \
	{                                                                                                            \
		.what = LEG, .at_ms = t, .kind = LEG_DOWN, .leg = l, .user = u, .step = T3OPS_STEP_OPEN,             \
		.reason = T3OPS_R_##r                                                                                \
	}
#define TRY(t, l, u, s, r, c)                                                                                        \
	{                                                                                                            \
		.what = LEG, .at_ms = t, .kind = LEG_ATTEMPT, .leg = l, .user = u, .step = T3OPS_STEP_##s,           \
		.reason = T3OPS_R_##r, .code = c, .probed = true                                                     \
	}
#define RESOLVER(t, l, r)                                                                                            \
	{                                                                                                            \
		.what = LEG, .at_ms = t, .kind = LEG_LOOKED_UP, .leg = l, .reason = T3OPS_R_##r                      \
	}
#define DROP(t, u, r, q)                                                                                             \
	{                                                                                                            \
		.what = DROPPED, .at_ms = t, .user = u, .reason = T3OPS_R_##r, .quiet_ms = q, .address = "192.0.2.1" \
	}
#define DROP_YOUNG(t, u, r, q, age)                                                                                  \
	{                                                                                                            \
		.what = DROPPED, .at_ms = t, .user = u, .reason = T3OPS_R_##r, .quiet_ms = q, .n = age,              \
		.address = "192.0.2.1"                                                                               \
	}
#define OPENED(t, u)                                                                                                 \
	{                                                                                                            \
		.what = OPEN, .at_ms = t, .user = u, .address = "192.0.2.2"                                          \
	}
#define TUNNEL_ALIVE(t, u, down)                                                                                     \
	{                                                                                                            \
		.what = LIVE, .at_ms = t, .user = u, .n = down, .probed = true                                       \
	}
#define LAG(t, ms)                                                                                                   \
	{                                                                                                            \
		.what = FREEZE, .at_ms = t, .n = ms                                                                  \
	}
#define GONE(t, l, u)                                                                                                \
	{                                                                                                            \
		.what = LEG_GOES, .at_ms = t, .leg = l, .user = u                                                    \
	}
#define REPLACED(t)                                                                                                  \
	{                                                                                                            \
		.what = PROBER, .at_ms = t                                                                           \
	}

#define ALL_UP    UP(1, "cf", ""), UP(1, "int", ""), UP(1, "srv", "alice"), UP(1, "srv", "bob"), RESOLVER(1, "cf", NONE)
#define SERVES(t) ALIVE(t, "srv", "alice"), ALIVE(t, "srv", "bob")

struct scenario {
	const char *name;
	const char *want; /* verdicts in order; ~healed; !login page; +goes on */
	struct step steps[40];
	const char *says; /* in the text of the first verdict */
};

/* The verdicts of one run, as text. */
struct record {
	struct diagnosis *diagnosis;
	uint64_t now_us, probe_id, slowest_us;
	unsigned probes;
	char got[512], text[1024];
	size_t n_observations;
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

/* Suspects as one text, or the verdict's name. */
static void segments_note(struct record *r, const char *mark, const struct tomo_path *p)
{
	char text[256] = "";

	for (size_t i = 0; i < p->n; i++)
		snprintf(text + strlen(text), sizeof text - strlen(text), "%s%s", i > 0 ? " " : "", p->segments[i]);
	note(r, mark, text);
}

static void on_verdict(void *arg, const struct verdict *v)
{
	struct record *r = arg;
	const char *mark = v->continues != 0 ? "+" : "";
	char *text = summary_make(v);

	if (verdict_kind_name(v->kind) != NULL)
		note(r, mark, verdict_kind_name(v->kind));
	else
		segments_note(r, mark, &v->suspects);
	assert_int_equal(v->kind == VERDICT_EXONERATED, strncmp(text, "infra exonerated", 16) == 0);
	assert_true(text[0] != '\0');
	assert_true(v->wall_us == v->drop_us + v->delay_us);
	if (v->delay_us > r->slowest_us)
		r->slowest_us = v->delay_us;
	if (r->text[0] == '\0')
		snprintf(r->text, sizeof r->text, "%s", text);
	r->n_observations = v->observations->n;
	free(text);
}

static void on_healed(void *arg, const struct healed *h)
{
	segments_note(arg, "~", &h->suspects);
}

static void on_walled_off(void *arg, const char *leg)
{
	note(arg, "!", leg);
}

static void on_pressure(void *arg, struct pressure *out)
{
	(void)arg, (void)out;
}

static const struct diagnosis_actions actions = {on_probe, on_verdict, on_healed, on_walled_off, on_pressure};

/* Lets the time pass, as a timer would. */
static void pass(struct record *r, uint64_t until_us)
{
	uint64_t due;

	while (diagnosis_tick(r->diagnosis, r->now_us, &due) == 0 && due <= until_us) {
		assert_true(due > r->now_us);
		r->now_us = due;
	}
	r->now_us = until_us;
}

static const char *or_empty(const char *text)
{
	return text != NULL ? text : "";
}

static int leg_play(struct record *r, const struct step *s)
{
	struct leg_report report = {.kind = s->kind,
	                            .name = s->leg,
	                            .user = or_empty(s->user),
	                            .step = (uint16_t)s->step,
	                            .reason = (uint16_t)s->reason,
	                            .code = (uint16_t)s->code,
	                            .wall_us = WALL0 + MS(s->at_ms),
	                            .mono_us = r->now_us,
	                            .rtt_us = s->kind == LEG_ALIVE ? 4200 : 0,
	                            .probe_id = s->probed ? r->probe_id : 0};

	return diagnosis_leg(r->diagnosis, &report, r->now_us);
}

static int drop_play(struct record *r, const struct step *s)
{
	struct drop_report report = {.user = s->user,
	                             .address = or_empty(s->address),
	                             .colo = "",
	                             .reason = (uint16_t)s->reason,
	                             .wall_us = WALL0 + MS(s->at_ms),
	                             .mono_us = r->now_us,
	                             .age_us = MS(s->n),
	                             .idle_client_us = MS(s->quiet_ms),
	                             .idle_upstream_us = MS(s->quiet_ms)};

	return diagnosis_drop(r->diagnosis, &report, r->now_us);
}

static int report(struct record *r, const struct step *s)
{
	struct open_report open = {s->user, or_empty(s->address), ""};
	struct live_report live = {s->user, r->probe_id, r->now_us, 0, s->n > 0};
	struct freeze_report freeze = {"prober", MS(s->n), r->now_us};

	switch (s->what) {
	case LEG:
		return leg_play(r, s);
	case LEG_GOES:
		return diagnosis_leg_gone(r->diagnosis, s->leg, or_empty(s->user), r->now_us);
	case PROBER:
		diagnosis_prober_replaced(r->diagnosis, WALL0 + MS(s->at_ms));
		return 0;
	case DROPPED:
		return drop_play(r, s);
	case OPEN:
		return diagnosis_open(r->diagnosis, &open, r->now_us);
	case LIVE:
		return diagnosis_live(r->diagnosis, &live, r->now_us);
	case FREEZE:
		diagnosis_freeze(r->diagnosis, &freeze, r->now_us);
		return 0;
	case END:
		break;
	}
	return -1;
}

static void step_play(struct record *r, const struct step *s)
{
	pass(r, T0 + MS(s->at_ms));
	assert_int_equal(report(r, s), 0);
}

static struct record begin(uint64_t next_id)
{
	return (struct record){.now_us = T0, .probe_id = next_id - 1};
}

static void diagnosis_make(struct record *r)
{
	struct diagnosis_setup setup = {shape, 2000000, r->probe_id + 1, &actions, r};
	const char *which;

	assert_int_equal(diagnosis_new(&setup, &r->diagnosis, &which), 0);
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
     {UP(1, "int", ""), DROP(100, "alice", CLIENT_EOF, 10), ALIVE(110, "int", ""), TUNNEL_ALIVE(1150, "bob", 0)},
     "a tunnel of bob answered"},
    {"without a tunnel_alive all that is possible is named",
     "last_mile(alice) wan cloudflare tunnel",
     {UP(1, "int", ""), DROP(100, "alice", CLIENT_EOF, 10), ALIVE(110, "int", "")},
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
     {ALL_UP, DOWN(1000, "cf", "", LOCAL), DOWN(1000, "int", "", LOCAL), REPLACED(1001), UP(1100, "cf", ""),
      UP(1100, "int", ""), UP(1100, "srv", "alice"), DOWN(3000, "srv", "alice", RESET), ALIVE(3010, "cf", ""),
      ALIVE(3010, "int", ""), TRY(3100, "srv", "alice", HTTP, HTTP_TIMEOUT, 0)},
     NULL},
    {"the prober dies: a user's drop can only be narrowed by what still speaks",
     "last_mile(alice) wan cloudflare tunnel traefik dispatch",
     {ALL_UP, REPLACED(1000), DROP(2000, "alice", CLIENT_EOF, 10)},
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
	struct record r = begin(7);

	diagnosis_make(&r);
	for (size_t n = 0; s->steps[n].what != END; n++)
		step_play(&r, &s->steps[n]);
	pass(&r, r.now_us + MS(5000));
	assert_string_equal(r.got, s->want);
	assert_true(r.slowest_us <= SLOWEST);
	assert_int_equal(diagnosis_incident(r.diagnosis), 0);
	if (s->says != NULL && strstr(r.text, s->says) == NULL)
		fail_msg("\"%s\" is not in \"%s\"", s->says, r.text);
	diagnosis_free(r.diagnosis);
}

/* As soon as every leg has reported, and not before a burst of drops is over. */
static void speed_test(void **state)
{
	static const struct step steps[] = {ALL_UP, DOWN(100, "int", "", EOF), SERVES(110),
	                                    TRY(120, "int", "", CONNECT, REFUSED, 0), ALIVE(130, "cf", "")};
	struct record r = begin(1);

	(void)state;
	diagnosis_make(&r);
	for (size_t n = 0; n < sizeof steps / sizeof steps[0]; n++)
		step_play(&r, &steps[n]);
	assert_string_equal(r.got, "");
	assert_int_equal(diagnosis_incident(r.diagnosis), 1);
	pass(&r, T0 + MS(299));
	assert_string_equal(r.got, "");
	pass(&r, T0 + MS(301));
	assert_int_equal(r.slowest_us, MS(200));
	assert_int_equal(r.probes, 1);
	/* int failed at its edge, though cf, which crosses it, worked. */
	assert_string_equal(r.got, "unknown");
	assert_int_equal(r.n_observations, 4);
	diagnosis_free(r.diagnosis);
}

/* No drop of a user is left out, however many there are, and all are named as many. */
static void many_users_at_once(void **state)
{
	enum { N = 200 };
	struct record r = begin(1);
	char user[16];
	struct step s = DROP(100, user, CLIENT_EOF, 10);

	(void)state;
	diagnosis_make(&r);
	for (int n = 0; n < N; n++) {
		snprintf(user, sizeof user, "user%d", n);
		step_play(&r, &s);
	}
	pass(&r, T0 + MS(5000));
	assert_string_equal(r.got, "wan cloudflare tunnel traefik dispatch");
	assert_non_null(strstr(r.text, "user0 lost 1 tunnel"));
	assert_non_null(strstr(r.text, " and 196 more"));
	assert_int_equal(r.n_observations, N);
	diagnosis_free(r.diagnosis);
}

/* A list that is too long for a path is refused, by name. */
static void a_list_that_is_too_long(void **state)
{
	const char *names[TOPOLOGY_LIST_MAX + 1];
	struct leg_shape leg = {.name = "long", .segments = {names, TOPOLOGY_LIST_MAX + 1}};
	struct diagnosis_setup setup = {.shape = {.legs = &leg, .n_legs = 1}, .next_id = 1};
	struct diagnosis *d;
	const char *which = "";

	(void)state;
	for (size_t i = 0; i < TOPOLOGY_LIST_MAX + 1; i++)
		names[i] = "x";
	assert_int_equal(diagnosis_new(&setup, &d, &which), -E2BIG);
	assert_null(d);
	assert_string_equal(which, "long");
	leg.segments.n--;
	assert_int_equal(diagnosis_new(&setup, &d, &which), 0);
	diagnosis_free(d);
}

int main(void)
{
	enum { N = sizeof scenarios / sizeof scenarios[0] };
	struct CMUnitTest tests[N + 3];

	for (size_t n = 0; n < N; n++)
		tests[n] = (struct CMUnitTest){scenarios[n].name, scenario_play, NULL, NULL, (void *)&scenarios[n]};
	tests[N] = (struct CMUnitTest)cmocka_unit_test(speed_test);
	tests[N + 1] = (struct CMUnitTest)cmocka_unit_test(many_users_at_once);
	tests[N + 2] = (struct CMUnitTest)cmocka_unit_test(a_list_that_is_too_long);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
