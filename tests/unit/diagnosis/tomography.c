/* SPDX-License-Identifier: MIT */
/* Tomography against a brute-force model of sets: every outcome of the three legs, a user's path and
 * legs of our own invention. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
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

#define BEGAN  5
#define BEFORE 5 /* a proof of the very moment is none */
#define SINCE  6

/* The paths as failures and proofs; `before`: proofs that are older than the failures. */
struct input {
	struct tomo_path paths[24];
	struct tomo_failure failures[8];
	struct tomo_proof proofs[16];
	size_t n_paths, n_failures, n_proofs;
};

static void input_fail(struct input *in, unsigned mask)
{
	in->failures[in->n_failures++] = (struct tomo_failure){path_of(mask), BEGAN, TOMO_BY_ALL};
}

static void input_prove(struct input *in, unsigned mask, uint64_t at, unsigned by)
{
	struct tomo_path *path = &in->paths[in->n_paths++];

	*path = path_of(mask);
	in->proofs[in->n_proofs++] = (struct tomo_proof){path, at, by};
}

static size_t solve(const struct input *in, struct tomo_group *groups, size_t *member, size_t *unknown)
{
	int n = tomo_solve(in->failures, in->n_failures, in->proofs, in->n_proofs, groups, member, unknown);

	assert_true(n >= 0);
	return (size_t)n;
}

/* What the solution has to be where the rule alone decides, and what it has to keep elsewhere. */
static void check(const struct input *in, unsigned acquitted, bool minimal)
{
	struct tomo_group groups[8];
	size_t member[8], counted[8] = {0};
	unsigned residues[8], all = ~0u, union_of_suspects = 0;
	size_t empty = 0, n, unknown;

	for (size_t i = 0; i < in->n_failures; i++) {
		residues[i] = mask_of(&in->failures[i].path) & ~acquitted;
		empty += residues[i] == 0;
		all &= residues[i];
	}
	n = solve(in, groups, member, &unknown);
	for (size_t i = 0; i < in->n_failures; i++) {
		assert_true(member[i] < n);
		counted[member[i]]++;
		assert_int_equal(member[i] == unknown, residues[i] == 0);
		assert_int_equal(mask_of(&groups[member[i]].suspects) & ~residues[i], 0);
	}
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(groups[i].failing, counted[i]);
		assert_true(groups[i].failing > 0 && groups[i].first < in->n_failures);
		assert_int_equal(groups[i].suspects.n == 0, i == unknown);
		union_of_suspects |= mask_of(&groups[i].suspects);
	}
	assert_int_equal(unknown != SIZE_MAX, empty > 0);
	assert_true(unknown == SIZE_MAX || unknown == n - 1);
	assert_int_equal(union_of_suspects & acquitted, 0);
	if (in->n_failures > 0 && all != 0) {
		assert_int_equal(n, 1);
		assert_int_equal(mask_of(&groups[0].suspects), all);
	}
	if (minimal)
		assert_int_equal(n - (empty > 0), fewest(residues, in->n_failures));
}

/* Every path fails, works, worked before the others failed, or says nothing: 4^n outcomes of every world. */
static void every_outcome(void **state)
{
	(void)state;
	for (size_t w = 0; w < sizeof worlds / sizeof worlds[0]; w++) {
		unsigned outcomes = 1u << 2 * worlds[w].n;

		for (unsigned o = 0; o < outcomes; o++) {
			struct input in = {.n_paths = 0};
			unsigned acquitted = 0;

			for (size_t i = 0; i < worlds[w].n; i++) {
				unsigned what = o >> 2 * i & 3;

				if (what == 1)
					input_fail(&in, worlds[w].paths[i]);
				else if (what > 1)
					input_prove(&in, worlds[w].paths[i], what == 2 ? SINCE : BEFORE, TOMO_BY_LEG);
				acquitted |= what == 2 ? worlds[w].paths[i] : 0;
			}
			check(&in, acquitted, w < 3);
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
		struct input in = {.n_paths = 0};
		struct tomo_group groups[8];
		size_t member[8], n, unknown, expected = 0;

		for (size_t i = 0; outcomes[o].fail[i] != 0; i++)
			input_fail(&in, outcomes[o].fail[i]);
		for (size_t i = 0; outcomes[o].work[i] != 0; i++)
			input_prove(&in, outcomes[o].work[i], SINCE, TOMO_BY_LEG);
		n = solve(&in, groups, member, &unknown);
		while (outcomes[o].groups[expected] != END)
			expected++;
		if (n != expected)
			fail_msg("%s: %zu groups, not %zu", outcomes[o].what, n, expected);
		for (size_t i = 0; i < n; i++)
			if (mask_of(&groups[i].suspects) != outcomes[o].groups[i])
				fail_msg("%s: group %zu is %x", outcomes[o].what, i, mask_of(&groups[i].suspects));
	}
}

/* Who may acquit whom: a proof counts only against failures that take its kind. */
static void proofs_of_two_kinds(void **state)
{
	static const struct {
		unsigned by_leg, by_user, takes, want;
	} rows[] = {
	    {0, 0, TOMO_BY_ALL, S(WAN) | S(CF)},
	    {S(WAN), 0, TOMO_BY_ALL, S(CF)},
	    {0, S(WAN), TOMO_BY_ALL, S(CF)},
	    {S(WAN), S(CF), TOMO_BY_LEG, S(CF)},
	    {S(WAN), S(CF), TOMO_BY_USER, S(WAN)},
	    {S(WAN), S(CF), TOMO_BY_ALL, 0},
	    {S(WAN) | S(CF), S(WAN) | S(CF), 0, S(WAN) | S(CF)},
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct input in = {.n_paths = 0};
		struct tomo_group groups[1];
		size_t member[1], unknown;

		input_fail(&in, S(WAN) | S(CF));
		in.failures[0].by = rows[i].takes;
		input_prove(&in, rows[i].by_leg, SINCE, TOMO_BY_LEG);
		input_prove(&in, rows[i].by_user, SINCE, TOMO_BY_USER);
		input_prove(&in, S(WAN) | S(CF), BEFORE, TOMO_BY_USER);
		assert_int_equal(solve(&in, groups, member, &unknown), 1);
		assert_int_equal(mask_of(&groups[0].suspects), rows[i].want);
	}
}

static void order_and_bounds(void **state)
{
	static const char many[TOMO_PATH_MAX][4];
	struct tomo_path p = {.n = 0}, other = {.n = 0};
	struct tomo_failure failing[2] = {{.path = {.segments = {"c", "a", "b"}, .n = 3}}};
	struct tomo_group groups[2];
	size_t member[2], unknown;

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
	assert_false(tomo_paths_meet(&p, &other, &failing[1].path));
	assert_int_equal(failing[1].path.n, 0);
	assert_false(tomo_path_equal(&p, &other));
	other.segments[0] = many[2];
	assert_true(tomo_path_equal(&p, &other));

	/* Suspects stand in the order of the first failing path, whatever the second one's. */
	failing[1].path = (struct tomo_path){.segments = {failing[0].path.segments[1], failing[0].path.segments[0]},
	                                     .n = 2};
	assert_int_equal(tomo_solve(failing, 2, NULL, 0, groups, member, &unknown), 1);
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
	    cmocka_unit_test(proofs_of_two_kinds),
	    cmocka_unit_test(order_and_bounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
