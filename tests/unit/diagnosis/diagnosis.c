/* SPDX-License-Identifier: MIT */
/* The diagnosis: how soon it judges, and what it refuses. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "scenario.h"

/* As soon as every leg has reported, and not before a burst of drops is over. */
static void as_fast_as_possible(void **state)
{
	static const struct step steps[] = {ALL_UP, DOWN(100, "srv", "bob", EOF),
	                                    TRY(120, "srv", "bob", CONNECT, REFUSED, 0)};
	struct run r;

	(void)state;
	scenario_begin(&r);
	for (size_t n = 0; n < sizeof steps / sizeof steps[0]; n++)
		scenario_step(&r, &steps[n]);
	assert_int_equal(diagnosis_gathering(r.diagnosis), 1);
	scenario_pass(&r, T0 + MS(319));
	assert_string_equal(r.got, "");
	scenario_pass(&r, T0 + MS(321));
	assert_string_equal(r.got, "serve(bob)#1");
	assert_int_equal(r.slowest_us, MS(220));
	assert_int_equal(r.probes, 1);
	scenario_end(&r);
}

/* A list that is too long for a path is refused, by name. */
static void a_list_that_is_too_long(void **state)
{
	const char *names[TOPOLOGY_LIST_MAX + 1];
	struct leg_shape leg = {.name = "long", .segments = {names, TOPOLOGY_LIST_MAX + 1}};
	struct diagnosis_setup setup = {.shape = {.legs = &leg, .n_legs = 1}};
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
	static const struct CMUnitTest others[] = {
	    cmocka_unit_test(as_fast_as_possible),
	    cmocka_unit_test(a_list_that_is_too_long),
	};
	static const struct scenario_table table = {
	    .others = others,
	    .n_others = sizeof others / sizeof others[0],
	};

	return scenarios_run(&table);
}
