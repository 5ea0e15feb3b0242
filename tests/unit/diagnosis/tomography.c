/* SPDX-License-Identifier: MIT */
/* Tomography against a brute-force model of sets: every outcome of the three legs, a user's path and
 * legs of our own invention. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "diagnosis/tomography.h"

#define N_SEGMENTS 11

static const char *const names[N_SEGMENTS] = {"last_mile", "wan",    "cloudflare", "tunnel", "traefik",   "dispatch",
                                              "serve",     "serve2", "wan2",       "dns",    "last_mile2"};
enum { LM, WAN, CF, TUN, TR, DI, SE, SE2, WAN2, DNS, LM2 };
#define S(x)   (1u << (x))
#define INSIDE (S(TR) | S(DI))

struct world {
	const char *what;
	size_t n;
	unsigned paths[8];
};

static const struct world worlds[] = {
    {"three legs and a user",
     4,
     {S(WAN) | S(CF) | S(TUN) | INSIDE, INSIDE, S(SE), S(LM) | S(WAN) | S(CF) | S(TUN) | INSIDE | S(SE)}},
    {"the user first",
     4,
     {S(LM) | S(WAN) | S(CF) | S(TUN) | INSIDE | S(SE), S(SE), S(WAN) | S(CF) | S(TUN) | INSIDE, INSIDE}},
    {"second_isp",
     5,
     {S(WAN) | S(CF) | S(TUN) | INSIDE, INSIDE, S(SE), S(WAN2) | S(CF) | S(TUN) | INSIDE,
      S(LM) | S(WAN) | S(CF) | S(TUN) | INSIDE | S(SE)}},
    {"two users",
     6,
     {S(WAN) | S(CF) | S(TUN) | INSIDE, INSIDE, S(SE), S(SE2), S(LM) | S(WAN) | S(CF) | S(TUN) | INSIDE | S(SE),
      S(LM2) | S(WAN) | S(CF) | S(TUN) | INSIDE | S(SE2)}},
    {"legs of one segment each", 6, {S(WAN), S(CF), S(TUN), S(TR), S(SE), S(DNS)}},
    {"nested and overlapping", 5, {S(WAN) | S(CF), S(CF) | S(TUN), S(TUN) | S(TR), S(TR), S(WAN) | S(TR)}},
};

static struct tomo_path path_of(unsigned mask)
{
	struct tomo_path p = {.n = 0};

	for (unsigned i = 0; i < N_SEGMENTS; i++)
		if (mask & S(i))
			tomo_path_add(&p, names[i]);
	return p;
}

static unsigned mask_of(const struct tomo_path *p)
{
	unsigned mask = 0;

	for (size_t i = 0; i < p->n; i++)
		for (unsigned k = 0; k < N_SEGMENTS; k++)
			if (p->segments[i] == names[k])
				mask |= S(k);
	return mask;
}

/* The fewest segments that hit every residue that is not empty: how few faults explain it all. */
static unsigned fewest(const unsigned *residues, size_t n)
{
	unsigned best = N_SEGMENTS;

	for (unsigned pick = 0; pick < S(N_SEGMENTS); pick++) {
		bool hits = true;

		for (size_t i = 0; i < n; i++)
			hits = hits && (residues[i] == 0 || (residues[i] & pick) != 0);
		if (hits && (unsigned)__builtin_popcount(pick) < best)
			best = (unsigned)__builtin_popcount(pick);
	}
	return best;
}

/* What the solution has to be where the rule alone decides, and what it has to keep elsewhere. */
static void check(const unsigned *fail, size_t nf, const unsigned *work, size_t nw, bool minimal)
{
	struct tomo_path failing[8] = {0}, working[8] = {0};
	struct tomo_group groups[8];
	unsigned residues[8], acquitted = 0, all = ~0u, union_of_suspects = 0;
	size_t empty = 0, explained = 0, n, unknown = 0;

	for (size_t i = 0; i < nw; i++) {
		working[i] = path_of(work[i]);
		acquitted |= work[i];
	}
	for (size_t i = 0; i < nf; i++) {
		failing[i] = path_of(fail[i]);
		residues[i] = fail[i] & ~acquitted;
		empty += residues[i] == 0;
		all &= residues[i];
	}
	n = tomo_solve(failing, nf, working, nw, groups);
	for (size_t i = 0; i < n; i++) {
		explained += groups[i].failing;
		union_of_suspects |= mask_of(&groups[i].suspects);
		assert_true(groups[i].failing > 0);
		assert_true(groups[i].first < nf);
		assert_int_equal(mask_of(&groups[i].suspects) & ~residues[groups[i].first], 0);
		if (groups[i].suspects.n == 0) {
			unknown++;
			assert_int_equal(i, n - 1);
			assert_int_equal(groups[i].failing, empty);
		}
	}
	assert_int_equal(explained, nf);
	assert_int_equal(unknown, empty > 0);
	assert_int_equal(union_of_suspects & acquitted, 0);
	for (size_t i = 0; i < nf; i++)
		assert_true(residues[i] == 0 || (residues[i] & union_of_suspects) != 0);
	if (nf > 0 && all != 0) {
		assert_int_equal(n, 1);
		assert_int_equal(mask_of(&groups[0].suspects), all);
	}
	if (minimal)
		assert_int_equal(n - unknown, fewest(residues, nf));
}

/* Every path fails, works or says nothing: 3^n outcomes of every world. */
static void every_outcome(void **state)
{
	(void)state;
	for (size_t w = 0; w < sizeof worlds / sizeof worlds[0]; w++) {
		unsigned outcomes = 1;

		for (size_t i = 0; i < worlds[w].n; i++)
			outcomes *= 3;
		for (unsigned o = 0; o < outcomes; o++) {
			unsigned fail[8], work[8], rest = o;
			size_t nf = 0, nw = 0;

			for (size_t i = 0; i < worlds[w].n; i++, rest /= 3) {
				if (rest % 3 == 1)
					fail[nf++] = worlds[w].paths[i];
				else if (rest % 3 == 2)
					work[nw++] = worlds[w].paths[i];
			}
			check(fail, nf, work, nw, w < 3);
		}
	}
}

struct outcome {
	const char *what;
	unsigned fail[8], work[8]; /* end at 0 */
	unsigned groups[4];        /* suspects, ~0u ends the list; 0 is "unknown" */
};

#define C   (S(WAN) | S(CF) | S(TUN) | INSIDE)
#define I   INSIDE
#define U   (S(LM) | C | S(SE))
#define U2  (S(LM2) | C | S(SE2))
#define END ~0u

static const struct outcome outcomes[] = {
    {"nothing fails", {0}, {C, I, S(SE)}, {END}},
    {"only the user: infra exonerated", {U}, {C, I, S(SE)}, {S(LM), END}},
    {"edge or tunnel or wan", {C, U}, {I, S(SE)}, {S(WAN) | S(CF) | S(TUN), END}},
    {"the same with a second line", {C, U, S(WAN2) | S(CF) | S(TUN) | I}, {I, S(SE)}, {S(CF) | S(TUN), END}},
    {"wan, as the second line works", {C, U}, {I, S(SE), S(WAN2) | S(CF) | S(TUN) | I}, {S(WAN), END}},
    {"traefik or dispatch", {C, I, U}, {S(SE)}, {I, END}},
    {"serve stalls", {U, S(SE)}, {C, I}, {S(SE), END}},
    {"two faults", {C, S(SE2), U2}, {I, S(SE)}, {S(WAN) | S(CF) | S(TUN), S(SE2), END}},
    {"two faults, the user first", {U2, S(SE2), C}, {I, S(SE)}, {S(SE2), S(WAN) | S(CF) | S(TUN), END}},
    {"everything acquitted", {C}, {C}, {0, END}},
    {"one acquitted, one not", {C, S(SE)}, {C}, {S(SE), 0, END}},
    {"no leg at all", {U}, {0}, {U, END}},
    {"two users, no leg", {U, U2}, {0}, {C, END}},
    {"an empty path", {S(SE2) | S(LM), 0}, {S(SE2) | S(LM)}, {0, END}},
};

static void named_outcomes(void **state)
{
	(void)state;
	for (size_t o = 0; o < sizeof outcomes / sizeof outcomes[0]; o++) {
		struct tomo_path failing[8] = {0}, working[8] = {0};
		struct tomo_group groups[8];
		size_t nf = 0, nw = 0, n, expected = 0;

		while (outcomes[o].fail[nf] != 0) {
			failing[nf] = path_of(outcomes[o].fail[nf]);
			nf++;
		}
		while (outcomes[o].work[nw] != 0) {
			working[nw] = path_of(outcomes[o].work[nw]);
			nw++;
		}
		n = tomo_solve(failing, nf, working, nw, groups);
		while (outcomes[o].groups[expected] != END)
			expected++;
		if (n != expected)
			fail_msg("%s: %zu groups, not %zu", outcomes[o].what, n, expected);
		for (size_t i = 0; i < n; i++)
			if (mask_of(&groups[i].suspects) != outcomes[o].groups[i])
				fail_msg("%s: group %zu is %x", outcomes[o].what, i, mask_of(&groups[i].suspects));
	}
}

static void order_and_bounds(void **state)
{
	static const char many[TOMO_PATH_MAX][4];
	struct tomo_path p = {.n = 0}, other = {.n = 0};
	struct tomo_path failing[2] = {{.segments = {"c", "a", "b"}, .n = 3}};
	struct tomo_group groups[2];

	(void)state;
	for (size_t i = 0; i < TOMO_PATH_MAX; i++)
		tomo_path_add(&p, many[i]);
	assert_int_equal(p.n, TOMO_PATH_MAX);
	tomo_path_add(&other, many[2]);
	tomo_path_add(&other, many[2]);
	assert_int_equal(other.n, 1);
	tomo_path_join(&p, &other);
	assert_int_equal(p.n, TOMO_PATH_MAX);
	assert_true(tomo_paths_meet(&p, &other, NULL));
	tomo_path_intersect(&p, &other);
	assert_int_equal(p.n, 1);
	assert_true(tomo_path_has(&p, many[2]));
	assert_false(tomo_path_has(&p, many[3]));
	other.segments[0] = many[3];
	assert_false(tomo_paths_meet(&p, &other, &failing[1]));
	assert_int_equal(failing[1].n, 0);

	/* Suspects stand in the order of the first failing path, whatever the second one's. */
	failing[1] = (struct tomo_path){.segments = {failing[0].segments[1], failing[0].segments[0]}, .n = 2};
	assert_int_equal(tomo_solve(failing, 2, NULL, 0, groups), 1);
	assert_int_equal(groups[0].suspects.n, 2);
	assert_string_equal(groups[0].suspects.segments[0], "c");
	assert_string_equal(groups[0].suspects.segments[1], "a");
	assert_int_equal(groups[0].failing, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_outcome),
	    cmocka_unit_test(named_outcomes),
	    cmocka_unit_test(order_and_bounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
