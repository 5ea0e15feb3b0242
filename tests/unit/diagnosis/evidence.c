/* SPDX-License-Identifier: MIT */
/* What the end of an attempt says, and how long ago that was so. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "diagnosis/observation.h"
#include "plugin.h"
#include "tbl/reason.h"

#define LIST(...)                                                                                                    \
	{                                                                                                            \
		(const char *const[]){__VA_ARGS__}, sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *)      \
	}

/* The edge in the middle, first and last. */
static const struct leg_shape legs[] = {
    {.name = "middle", .segments = LIST("wan", "edge", "behind"), .edge = "edge", .resolver_segments = LIST("dns")},
    {.name = "first", .segments = LIST("edge", "behind"), .edge = "edge"},
    {.name = "last", .segments = LIST("wan", "edge"), .edge = "edge"},
};

static const struct path_shape shape = {.user_path = LIST("wan", "edge", "behind"), .legs = legs, .n_legs = 3};

static const struct {
	const char *leg;
	unsigned step, reason;
	const char *accused, *acquitted;
	bool until_end;
} ends[] = {
    {"middle", T3OPS_STEP_DNS, T3OPS_R_DNS, "dns", "", false},
    {"middle", T3OPS_STEP_CONNECT, T3OPS_R_DNS, "dns", "", false},
    {"middle", T3OPS_STEP_CONNECT, T3OPS_R_CONNECT_TIMEOUT, "wan edge", "", true},
    {"middle", T3OPS_STEP_CONNECT, T3OPS_R_UNREACHABLE, "wan edge", "", true},
    {"middle", T3OPS_STEP_CONNECT, T3OPS_R_EOF, "wan edge", "", true},
    {"middle", T3OPS_STEP_CONNECT, T3OPS_R_REFUSED, "wan edge", "wan", true},
    {"middle", T3OPS_STEP_CONNECT, T3OPS_R_RESET, "wan edge", "wan", true},
    {"middle", T3OPS_STEP_TLS, T3OPS_R_CONNECT_TIMEOUT, "wan edge", "", false},
    {"middle", T3OPS_STEP_TLS, T3OPS_R_TLS, "wan edge", "wan", false},
    {"middle", T3OPS_STEP_TLS, T3OPS_R_RESET, "wan edge", "wan", false},
    {"middle", T3OPS_STEP_HTTP, T3OPS_R_HTTP_TIMEOUT, "wan edge behind", "wan", false},
    {"middle", T3OPS_STEP_HTTP, T3OPS_R_RESET, "wan edge behind", "wan", false},
    {"middle", T3OPS_STEP_HTTP, T3OPS_R_EOF, "wan edge behind", "wan", false},
    {"middle", T3OPS_STEP_HTTP, T3OPS_R_PROTOCOL, "edge behind", "wan", true},
    {"middle", T3OPS_STEP_HTTP, T3OPS_R_HTTP_STATUS, "behind", "wan edge", true},
    {"middle", T3OPS_STEP_HTTP, T3OPS_R_WALLED_OFF, "", "", false},
    {"middle", T3OPS_STEP_OPEN, T3OPS_R_HEARTBEAT_TIMEOUT, "wan edge behind", "", false},
    {"middle", T3OPS_STEP_OPEN, T3OPS_R_CLOSED, "wan edge behind", "", false},
    {"middle", T3OPS_STEP_OPEN, T3OPS_R_LOCAL, "", "", false},
    {"first", T3OPS_STEP_CONNECT, T3OPS_R_REFUSED, "edge", "", true},
    {"first", T3OPS_STEP_HTTP, T3OPS_R_HTTP_TIMEOUT, "edge behind", "", false},
    {"first", T3OPS_STEP_HTTP, T3OPS_R_HTTP_STATUS, "behind", "edge", true},
    {"last", T3OPS_STEP_HTTP, T3OPS_R_HTTP_STATUS, "edge", "wan", true},
};

static struct topology *topology(void)
{
	struct topology *t;
	const char *which;

	assert_int_equal(topology_new(&shape, &t, &which), 0);
	return t;
}

static const char *words(const struct tomo_path *p)
{
	static char text[128];
	size_t n = 0;

	text[0] = '\0';
	for (size_t i = 0; i < p->n; i++)
		n += (size_t)snprintf(text + n, sizeof text - n, "%s%s", i > 0 ? " " : "", p->segments[i]);
	return text;
}

static void what_an_end_says(void **state)
{
	struct topology *t = topology();

	(void)state;
	for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
		const struct leg_def *def = topology_leg(t, ends[i].leg);
		const struct leg_end end = {(uint16_t)ends[i].step, (uint16_t)ends[i].reason, 0};
		struct end_evidence e = evidence_of_end(def, &end);
		struct tomo_path p;

		topology_leg_path(t, def, "", e.accused, &p);
		if (strcmp(words(&p), ends[i].accused) != 0)
			fail_msg("row %zu accuses %s", i, words(&p));
		topology_leg_path(t, def, "", e.acquitted, &p);
		if (strcmp(words(&p), ends[i].acquitted) != 0)
			fail_msg("row %zu acquits %s", i, words(&p));
		assert_int_equal(p.n > 0 && e.until_end, p.n > 0 && ends[i].until_end);
	}
	topology_free(t);
}

/* A leg that was up; at 100 it fails, and then attempts end.  looked_up: a name was found then. */
static const struct {
	const char *what;
	struct leg_input steps[4];
	uint64_t began_us;
	const char *acquitted; /* by the leg's own attempt, */
	uint64_t proven_us;    /* then */
	bool names;            /* whether the look-up counts */
} times[] = {
    {"silent from the first ping on; a name is found between two silences",
     {{.kind = LEG_LATE, .mono_us = 102, .waited_us = 2},
      {.kind = LEG_LOOKED_UP, .mono_us = 105},
      {.kind = LEG_ATTEMPT,
       .step = T3OPS_STEP_TLS,
       .reason = T3OPS_R_CONNECT_TIMEOUT,
       .mono_us = 200,
       .waited_us = 90}},
     100,
     "",
     0,
     true},
    {"the same, and TLS is through",
     {{.kind = LEG_LATE, .mono_us = 102, .waited_us = 2},
      {.kind = LEG_LOOKED_UP, .mono_us = 105},
      {.kind = LEG_ATTEMPT,
       .step = T3OPS_STEP_HTTP,
       .reason = T3OPS_R_HTTP_TIMEOUT,
       .mono_us = 200,
       .waited_us = 90}},
     100,
     "wan",
     110,
     true},
    {"cut, and silent since later: what was proven before the silence says nothing",
     {{.kind = LEG_DOWN, .reason = T3OPS_R_RESET, .mono_us = 100},
      {.kind = LEG_LOOKED_UP, .mono_us = 105},
      {.kind = LEG_ATTEMPT,
       .step = T3OPS_STEP_HTTP,
       .reason = T3OPS_R_HTTP_TIMEOUT,
       .mono_us = 200,
       .waited_us = 90}},
     110,
     "",
     0,
     false},
    {"the same with no route",
     {{.kind = LEG_DOWN, .reason = T3OPS_R_RESET, .mono_us = 100},
      {.kind = LEG_LOOKED_UP, .mono_us = 105},
      {.kind = LEG_ATTEMPT, .step = T3OPS_STEP_CONNECT, .reason = T3OPS_R_UNREACHABLE, .mono_us = 110}},
     110,
     "",
     0,
     false},
    {"cut, and answered by the edge",
     {{.kind = LEG_DOWN, .reason = T3OPS_R_RESET, .mono_us = 100},
      {.kind = LEG_LOOKED_UP, .mono_us = 105},
      {.kind = LEG_ATTEMPT, .step = T3OPS_STEP_HTTP, .reason = T3OPS_R_HTTP_STATUS, .mono_us = 200, .waited_us = 90}},
     100,
     "wan edge",
     200,
     true},
    {"cut, and cut again after TLS: what was cut may have been silent before",
     {{.kind = LEG_DOWN, .reason = T3OPS_R_RESET, .mono_us = 100},
      {.kind = LEG_LOOKED_UP, .mono_us = 105},
      {.kind = LEG_ATTEMPT, .step = T3OPS_STEP_HTTP, .reason = T3OPS_R_RESET, .mono_us = 200, .waited_us = 90}},
     110,
     "",
     0,
     false},
    {"and once more: what is before the edge worked between them",
     {{.kind = LEG_DOWN, .reason = T3OPS_R_RESET, .mono_us = 100},
      {.kind = LEG_ATTEMPT, .step = T3OPS_STEP_HTTP, .reason = T3OPS_R_RESET, .mono_us = 120, .waited_us = 10},
      {.kind = LEG_LOOKED_UP, .mono_us = 180},
      {.kind = LEG_ATTEMPT, .step = T3OPS_STEP_TLS, .reason = T3OPS_R_RESET, .mono_us = 200, .waited_us = 5}},
     110,
     "wan",
     195,
     true},
    {"a cut that ends a silence is no answer",
     {{.kind = LEG_DOWN, .reason = T3OPS_R_RESET, .mono_us = 100},
      {.kind = LEG_LOOKED_UP, .mono_us = 105},
      {.kind = LEG_ATTEMPT,
       .step = T3OPS_STEP_TLS,
       .reason = T3OPS_R_CONNECT_TIMEOUT,
       .mono_us = 200,
       .waited_us = 90},
      {.kind = LEG_ATTEMPT, .step = T3OPS_STEP_TLS, .reason = T3OPS_R_RESET, .mono_us = 300, .waited_us = 190}},
     110,
     "",
     0,
     false},
    {"a name that is found when the leg is back",
     {{.kind = LEG_DOWN, .reason = T3OPS_R_HEARTBEAT_TIMEOUT, .mono_us = 102, .waited_us = 2},
      {.kind = LEG_ATTEMPT,
       .step = T3OPS_STEP_CONNECT,
       .reason = T3OPS_R_CONNECT_TIMEOUT,
       .mono_us = 150,
       .waited_us = 40},
      {.kind = LEG_UP, .mono_us = 160},
      {.kind = LEG_LOOKED_UP, .mono_us = 170}},
     100,
     "",
     0,
     false},
    {"no name is found, and another attempt is silent: the look-up's silence was the resolver's",
     {{.kind = LEG_DOWN, .reason = T3OPS_R_RESET, .mono_us = 100},
      {.kind = LEG_ATTEMPT, .step = T3OPS_STEP_DNS, .reason = T3OPS_R_DNS, .mono_us = 120, .waited_us = 19},
      {.kind = LEG_LOOKED_UP, .mono_us = 130},
      {.kind = LEG_ATTEMPT,
       .step = T3OPS_STEP_TLS,
       .reason = T3OPS_R_CONNECT_TIMEOUT,
       .mono_us = 200,
       .waited_us = 69}},
     131,
     "",
     0,
     false},
    {"silent, and a name is found that nothing has failed since",
     {{.kind = LEG_LATE, .mono_us = 102, .waited_us = 2},
      {.kind = LEG_ATTEMPT,
       .step = T3OPS_STEP_TLS,
       .reason = T3OPS_R_CONNECT_TIMEOUT,
       .mono_us = 200,
       .waited_us = 90},
      {.kind = LEG_LOOKED_UP, .mono_us = 210}},
     100,
     "",
     0,
     false},
    {"an answer ends the silence, the next one begins anew",
     {{.kind = LEG_LATE, .mono_us = 102, .waited_us = 2},
      {.kind = LEG_ATTEMPT, .step = T3OPS_STEP_CONNECT, .reason = T3OPS_R_REFUSED, .mono_us = 120},
      {.kind = LEG_LOOKED_UP, .mono_us = 125},
      {.kind = LEG_ATTEMPT,
       .step = T3OPS_STEP_TLS,
       .reason = T3OPS_R_CONNECT_TIMEOUT,
       .mono_us = 200,
       .waited_us = 70}},
     130,
     "",
     0,
     false},
};

static void since_when(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof times / sizeof times[0]; i++) {
		struct topology *t = topology();
		struct probe_table table = {.n = 0};
		struct host_events host = {.n = 0};
		struct incident in = {.id = 1};
		struct observations o;
		bool names = false;
		struct leg *leg;

		assert_int_equal(probe_table_get(&table, t, "middle", "", &leg), 0);
		leg_transition(leg, &(struct leg_input){.kind = LEG_UP, .mono_us = 10});
		for (size_t k = 0; k < 4 && times[i].steps[k].mono_us > 0; k++)
			leg_transition(leg, &times[i].steps[k]);
		assert_int_equal(observations_init(&o, &in, &table, &host, t), 0);
		assert_int_equal(o.n_failing, 1);
		if (o.rows[0].began_us != times[i].began_us)
			fail_msg("%s: since %d", times[i].what, (int)o.rows[0].began_us);
		if (strcmp(words(&o.rows[0].acquitted), times[i].acquitted) != 0)
			fail_msg("%s: acquits %s", times[i].what, words(&o.rows[0].acquitted));
		if (o.rows[0].acquitted.n > 0)
			assert_int_equal(o.rows[0].proven_us, times[i].proven_us);
		for (size_t k = o.n_failing; k < o.n; k++)
			names = names || o.rows[k].resolver;
		if (names != times[i].names)
			fail_msg("%s: the look-up", times[i].what);
		observations_fini(&o);
		probe_table_fini(&table);
		topology_free(t);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(what_an_end_says),
	    cmocka_unit_test(since_when),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
