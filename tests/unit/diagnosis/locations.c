/* SPDX-License-Identifier: MIT */
/* The diagnosis: users and legs over several locations of Cloudflare. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "scenario.h"

#define HOME   "192.0.2.1"
#define OFFICE "198.51.100.7"
#define BEYOND "203.0.113.9"
/* Two devices of one household, and one of another, over IPv6. */
#define HOME6_DESK  "2001:db8:10:2000::a"
#define HOME6_PHONE "2001:db8:10:2001:8000::b"
#define OFFICE6     "2001:db8:11:2000::a"
#define OVER(c)                                                                                                      \
	UP_OVER(1, "cf", c), UP(1, "int", ""), UP(1, "srv", "alice"), UP(1, "srv", "bob"), RESOLVER(1, "cf", NONE)

static const struct scenario scenarios[] = {
    /* One user. */
    {"over the location of the leg: as ever",
     "exonerated#1[alice]; ~exonerated#1[alice]",
     {OVER("FRA"), PAGE_OVER(5000, "alice", "FRA", HOME, CLIENT_RESET, CUT), OPENED_OVER(6500, "alice", "FRA", HOME)},
     "cf 4 ms, int 4 ms"},
    {"over another one, of which nothing was heard: it may be dead",
     "last_mile(alice) cloudflare(CDG)#1[alice]; ~last_mile(alice) cloudflare(CDG)#1[alice]",
     {OVER("FRA"), PAGE_OVER(5000, "alice", "CDG", HOME, CLIENT_RESET, CUT), OPENED_OVER(6500, "alice", "CDG", HOME)},
     "over location CDG, where no leg of ours and no other user was heard all the time, so that the user's own "
     "network "
     "and that location cannot be told apart, while cf 4 ms over FRA"},
    {"the same, with late Pings: never her last mile",
     "last_mile(alice) cloudflare(CDG)#1[alice]; ~last_mile(alice) cloudflare(CDG)#1[alice]",
     {OVER("FRA"), PAGE_OVER(20000, "alice", "CDG", HOME, CLIENT_CLOSED, CLOSED_1000, .late_pings = 2),
      OPENED_OVER(21000, "alice", "CDG", HOME)},
     "late_pings"},
    {"the same, and she is back over the other location",
     "last_mile(alice) cloudflare(CDG)#1[alice]; ~last_mile(alice) cloudflare(CDG)#1[alice]",
     {OVER("FRA"), PAGE_OVER(20000, "alice", "CDG", HOME, CLIENT_CLOSED, CLOSED_1000, .late_pings = 2),
      OPENED_OVER(21000, "alice", "FRA", HOME)},
     "came back over another location"},
    {"her own tunnel after it says nothing of it",
     "last_mile(alice) cloudflare(CDG)#1[alice]; ~last_mile(alice) cloudflare(CDG)#1[alice]",
     {OVER("FRA"), PAGE_OVER(5000, "alice", "CDG", HOME, CLIENT_RESET, CUT), BEAT_OVER(6500, "alice", "CDG")},
     NULL},
    {"nobody knows over which one she came: as ever",
     "exonerated#1[alice]; ~exonerated#1[alice]",
     {OVER("FRA"), PAGE(5000, "alice", CLIENT_RESET, CUT), OPENED(6500, "alice")},
     NULL},
    {"nobody knows over which one the leg goes: as ever",
     "exonerated#1[alice]; ~exonerated#1[alice]",
     {ALL_UP, PAGE_OVER(5000, "alice", "CDG", HOME, CLIENT_RESET, CUT), OPENED_OVER(6500, "alice", "CDG", HOME)},
     NULL},
    {"the leg moved to her location before",
     "exonerated#1[alice]; ~exonerated#1[alice]",
     {OVER("FRA"), UP_OVER(3000, "cf", "CDG"), PAGE_OVER(5000, "alice", "CDG", HOME, CLIENT_RESET, CUT),
      OPENED_OVER(6500, "alice", "CDG", HOME)},
     NULL},

    /* Another one over the same location. */
    {"another user was heard over it all the time: infra is ruled out",
     "exonerated#1[alice]; ~exonerated#1[alice]",
     {OVER("FRA"), BEAT_OVER(2000, "bob", "CDG"), PAGE_OVER(9000, "alice", "CDG", HOME, CLIENT_RESET, CUT),
      ALIVE(16500, "cf", ""), OPENED_OVER(17000, "alice", "CDG", HOME),
      PAGE_OVER(17500, "alice", "CDG", HOME, CLIENT_RESET, CUT)},
     NULL},
    {"the same, with late Pings: her last mile",
     "last_mile(alice)#1[alice]; ~last_mile(alice)#1[alice]",
     {OVER("FRA"), BEAT_OVER(2000, "bob", "CDG"),
      PAGE_OVER(20000, "alice", "CDG", HOME, CLIENT_CLOSED, CLOSED_1000, .late_pings = 2), ALIVE(27000, "cf", ""),
      OPENED_OVER(28000, "alice", "CDG", HOME)},
     "infra exonerated: alice lost 1 WebSocket (late_pings"},
    {"another user opened a tunnel over it only then: that says nothing of before",
     "last_mile(alice) cloudflare(CDG)#1[alice]",
     {OVER("FRA"), PAGE_OVER(20000, "alice", "CDG", HOME, CLIENT_CLOSED, CLOSED_1000, .late_pings = 2),
      BEAT_OVER(20500, "bob", "CDG")},
     NULL},
    {"another user was heard over the other location",
     "last_mile(alice) cloudflare(CDG)#1[alice]",
     {OVER("FRA"), BEAT_OVER(2000, "bob", "FRA"),
      PAGE_OVER(20000, "alice", "CDG", HOME, CLIENT_CLOSED, CLOSED_1000, .late_pings = 2)},
     NULL},

    /* Several at once. */
    {"two users over it, from two addresses, in one moment: the location",
     "cloudflare(CDG)#1[alice bob]",
     {OVER("FRA"), PAGE_OVER(20000, "alice", "CDG", HOME, CLIENT_CLOSED, CLOSED_1000, .late_pings = 2),
      PAGE_OVER(20100, "bob", "CDG", OFFICE, CLIENT_CLOSED, CLOSED_1000, .late_pings = 2)},
     "over location CDG while cf 4 ms over FRA"},
    {"the same, while a user over the other location is well",
     "cloudflare(CDG)#1[alice bob]",
     {OVER("FRA"), BEAT_OVER(2000, "carol", "FRA"),
      PAGE_OVER(20000, "alice", "CDG", HOME, CLIENT_CLOSED, CLOSED_1000, .late_pings = 2),
      PAGE_OVER(20100, "bob", "CDG", OFFICE, CLIENT_CLOSED, CLOSED_1000, .late_pings = 2)},
     NULL},
    {"the same, and one of them gave up sooner, so that it made fewer Pings",
     "last_mile(alice) cloudflare(CDG)#1[alice]; ~last_mile(alice) cloudflare(CDG)#1[alice]; cloudflare(CDG)#2[bob]",
     {OVER("FRA"),
      PAGE_OVER(52000, "alice", "CDG", HOME, CLIENT_CLOSED, CLOSED_1000, .few_pings = 2, .since_ping_us = MS(16000)),
      OPENED_OVER(53000, "alice", "CDG", HOME), ALIVE(60000, "cf", ""),
      PAGE_OVER(60500, "bob", "CDG", OFFICE, CLIENT_CLOSED, CLOSED_1000, .late_pings = 3)},
     NULL},
    {"from one address: what they share may be their own network",
     "last_mile(bob) cloudflare(CDG)#1[bob]; last_mile(alice) cloudflare(CDG)#2[alice]",
     {OVER("FRA"), PAGE_OVER(20000, "alice", "CDG", HOME, CLIENT_CLOSED, CLOSED_1000, .late_pings = 2),
      PAGE_OVER(20100, "bob", "CDG", HOME, CLIENT_CLOSED, CLOSED_1000, .late_pings = 2)},
     NULL},
    {"from two addresses of one household, over IPv6: their network may be one",
     "last_mile(bob) cloudflare(CDG)#1[bob]; last_mile(alice) cloudflare(CDG)#2[alice]",
     {OVER("FRA"), PAGE_OVER(20000, "alice", "CDG", HOME6_DESK, CLIENT_CLOSED, CLOSED_1000, .late_pings = 2),
      PAGE_OVER(20100, "bob", "CDG", HOME6_PHONE, CLIENT_CLOSED, CLOSED_1000, .late_pings = 2)},
     NULL},
    {"one over IPv4 and one over IPv6: that may be one household, too",
     "last_mile(bob) cloudflare(CDG)#1[bob]; last_mile(alice) cloudflare(CDG)#2[alice]",
     {OVER("FRA"), PAGE_OVER(20000, "alice", "CDG", HOME, CLIENT_CLOSED, CLOSED_1000, .late_pings = 2),
      PAGE_OVER(20100, "bob", "CDG", HOME6_DESK, CLIENT_CLOSED, CLOSED_1000, .late_pings = 2)},
     NULL},
    {"from two households, over IPv6: the location",
     "cloudflare(CDG)#1[alice bob]",
     {OVER("FRA"), PAGE_OVER(20000, "alice", "CDG", HOME6_DESK, CLIENT_CLOSED, CLOSED_1000, .late_pings = 2),
      PAGE_OVER(20100, "bob", "CDG", OFFICE6, CLIENT_CLOSED, CLOSED_1000, .late_pings = 2)},
     NULL},
    {"while a third one was heard over it all the time: each has a reason of its own",
     "last_mile(alice)#1[alice]; last_mile(bob)#2[bob]",
     {OVER("FRA"), BEAT_OVER(2000, "carol", "CDG"),
      PAGE_OVER(20000, "alice", "CDG", HOME, CLIENT_CLOSED, CLOSED_1000, .late_pings = 2),
      PAGE_OVER(20100, "bob", "CDG", OFFICE, CLIENT_CLOSED, CLOSED_1000, .late_pings = 2)},
     NULL},
    {"one after the other: neither says anything of the other",
     "last_mile(alice) cloudflare(CDG)#1[alice]; last_mile(bob) cloudflare(CDG)#2[bob]",
     {OVER("FRA"), PAGE_OVER(20000, "alice", "CDG", HOME, CLIENT_CLOSED, CLOSED_1000, .late_pings = 2),
      PAGE_OVER(60000, "bob", "CDG", OFFICE, CLIENT_CLOSED, CLOSED_1000, .late_pings = 2)},
     NULL},
    {"over two locations, neither of them the leg's",
     "last_mile(alice) cloudflare(CDG)#1[alice]; last_mile(bob) cloudflare(AMS)#2[bob]",
     {OVER("FRA"), PAGE_OVER(20000, "alice", "CDG", HOME, CLIENT_CLOSED, CLOSED_1000, .late_pings = 2),
      PAGE_OVER(20100, "bob", "AMS", OFFICE, CLIENT_CLOSED, CLOSED_1000, .late_pings = 2)},
     NULL},
    {"the first one is judged and back when the second one is known to have broken with her",
     "last_mile(alice) cloudflare(CDG)#1[alice]; ~last_mile(alice) cloudflare(CDG)#1[alice]; cloudflare(CDG)#2[bob]; "
     "~cloudflare(CDG)#2[bob]",
     {OVER("FRA"),
      PAGE_OVER(60000, "alice", "CDG", HOME, CLIENT_CLOSED, CLOSED_1000, .few_pings = 2, .since_ping_us = MS(40000)),
      OPENED_OVER(61500, "alice", "CDG", HOME),
      PAGE_OVER(72000, "bob", "CDG", OFFICE, CLIENT_CLOSED, CLOSED_1000, .few_pings = 2, .since_ping_us = MS(50000)),
      OPENED_OVER(74000, "bob", "CDG", OFFICE)},
     NULL},
    {"the first one is judged and not back yet: the same verdict, narrowed",
     "last_mile(alice) cloudflare(CDG)#1[alice]; >cloudflare(CDG)#1[alice bob]; ~cloudflare(CDG)#1[alice bob]",
     {OVER("FRA"), PAGE_OVER(20000, "alice", "CDG", HOME, CLIENT_CLOSED, CLOSED_1000, .late_pings = 2),
      PAGE_OVER(28000, "bob", "CDG", OFFICE, CLIENT_CLOSED, CLOSED_1000, .late_pings = 3),
      OPENED_OVER(40000, "alice", "CDG", HOME), OPENED_OVER(41000, "bob", "CDG", OFFICE)},
     "narrowed, was last_mile(alice) or cloudflare(CDG): "},
    {"a third one who breaks over it later, alone, is a case of its own",
     "cloudflare(CDG)#1[alice bob]; last_mile(carol) cloudflare(CDG)#2[carol]",
     {OVER("FRA"), PAGE_OVER(20000, "alice", "CDG", HOME, CLIENT_CLOSED, CLOSED_1000, .late_pings = 2),
      PAGE_OVER(20100, "bob", "CDG", OFFICE, CLIENT_CLOSED, CLOSED_1000, .late_pings = 2),
      PAGE_OVER(300000, "carol", "CDG", BEYOND, CLIENT_CLOSED, CLOSED_1000, .late_pings = 2)},
     NULL},
    {"one over each: hers is the location's or her own, his is ruled out",
     "last_mile(alice) cloudflare(CDG)#1[alice]; last_mile(bob)#2[bob]",
     {OVER("FRA"), PAGE_OVER(20000, "alice", "CDG", HOME, CLIENT_CLOSED, CLOSED_1000, .late_pings = 2),
      PAGE_OVER(20100, "bob", "FRA", OFFICE, CLIENT_CLOSED, CLOSED_1000, .late_pings = 2)},
     NULL},

    /* Legs. */
    {"the leg's location dies, with a user over it, and another user over another one lives",
     "cloudflare#1[alice]; >cloudflare(FRA)#1[alice]",
     {OVER("FRA"), BEAT_OVER(2000, "bob", "CDG"), MUTE(20000, "cf", ""), DOWN(20000, "cf", "", RESET),
      TRY(20100, "cf", "", CONNECT, REFUSED, 0), PAGE_OVER(20050, "alice", "FRA", HOME, CLIENT_RESET, CUT)},
     NULL},
    {"the leg alone, while users over another location live: its own way is as likely",
     "prober#1; ~prober#1",
     {OVER("FRA"), BEAT_OVER(2, "bob", "CDG"), LATE(12000, "cf", ""), UP_OVER(60000, "cf", "FRA")},
     "only the prober's own path is broken, users' tunnels work"},
    {"the same, while users over its own location live",
     "prober#1; ~prober#1",
     {OVER("FRA"), BEAT_OVER(2, "bob", "FRA"), LATE(12000, "cf", ""), UP_OVER(60000, "cf", "FRA")},
     "only the prober's own path is broken, users' tunnels work"},
    {"the leg fails, and users over both: all of it, by its own name",
     "cloudflare#1[alice bob]",
     {OVER("FRA"), MUTE(20000, "cf", ""), DOWN(20000, "cf", "", RESET), TRY(20020, "cf", "", CONNECT, REFUSED, 0),
      PAGE_OVER(20050, "alice", "FRA", HOME, CLIENT_RESET, CUT),
      PAGE_OVER(20060, "bob", "CDG", OFFICE, CLIENT_RESET, CUT)},
     NULL},
    {"the leg fails, and users over its location: by its own name",
     "cloudflare#1[alice bob]",
     {OVER("FRA"), MUTE(20000, "cf", ""), DOWN(20000, "cf", "", RESET), TRY(20020, "cf", "", CONNECT, REFUSED, 0),
      PAGE_OVER(20050, "alice", "FRA", HOME, CLIENT_RESET, CUT),
      PAGE_OVER(20060, "bob", "FRA", OFFICE, CLIENT_RESET, CUT)},
     NULL},
    {"two legs by the same way, while users over another location live: that way is as likely",
     "prober#1; ~prober#1",
     {OVER("FRA"), UP_OVER(1, "cf2", "FRA"), RESOLVER(1, "cf2", NONE), BEAT_OVER(2, "bob", "CDG"),
      MUTE(12000, "cf", ""), MUTE(12000, "cf2", ""), LATE(12000, "cf", ""), LATE(12010, "cf2", ""),
      UP_OVER(60000, "cf", "FRA"), UP_OVER(60000, "cf2", "FRA")},
     NULL},
    {"the leg breaks later and comes back over the user's location: that says nothing of before",
     "last_mile(alice) cloudflare(CDG)#1[alice]; wan cloudflare tunnel#2; ~wan cloudflare tunnel#2",
     {OVER("FRA"), PAGE_OVER(20000, "alice", "CDG", HOME, CLIENT_CLOSED, CLOSED_1000, .late_pings = 2),
      MUTE(32000, "cf", ""), DOWN(32000, "cf", "", RESET), UP_OVER(35000, "cf", "CDG")},
     NULL},
    {"it is back over another location: what failed was the first one's",
     "wan cloudflare tunnel#1; ~wan cloudflare tunnel#1",
     {OVER("FRA"), MUTE(20000, "cf", ""), DOWN(20000, "cf", "", RESET), UP_OVER(24000, "cf", "CDG")},
     NULL},
};

/* The old tunnel of a page that came back is silent, and told of after the new one. */
static void test_steady_is_one_tunnel(void **state)
{
	struct incident in = {.id = 1};
	struct live_tunnel fresh = {.user = "bob", .colo = "CDG", .steady_since_us = MS(20000)};
	struct live_tunnel silent = {.user = "bob", .colo = "CDG", .steady_since_us = MS(1000)};

	(void)state;
	fresh.client_us = fresh.steady_until_us = MS(30000);
	silent.client_us = silent.steady_until_us = MS(9000);
	assert_int_equal(incident_live_tunnel(&in, &fresh), 0);
	assert_int_equal(incident_live_tunnel(&in, &silent), 0);
	assert_int_equal(in.n_live_tunnels, 1);
	assert_int_equal(in.live_tunnels[0].client_us, MS(30000));
	assert_int_equal(in.live_tunnels[0].steady_since_us, MS(1000));
	assert_int_equal(in.live_tunnels[0].steady_until_us, MS(9000));
	incident_fini(&in);
}

/* No leg has said yet over which location it goes. */
static void test_location_is_known_after_a_restart(void **state)
{
	static const struct step steps[] = {
	    OVER("FRA"), PAGE_OVER(20000, "alice", "CDG", HOME, CLIENT_CLOSED, CLOSED_1000, .late_pings = 2),
	    FINISHED(25000), RESTARTED(25100)};
	static struct run r;
	const struct verdict_table *verdicts;

	(void)state;
	scenario_begin(&r);
	for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++)
		scenario_step(&r, &steps[i]);
	verdicts = diagnosis_verdicts(r.diagnosis);
	assert_int_equal(verdicts->n, 1);
	assert_int_equal(verdicts->rows[0]->conclusion.suspects.n, 2);
	assert_true(topology_is_personal(diagnosis_topology(r.diagnosis), &verdicts->rows[0]->conclusion.suspects));
	scenario_end(&r);
}

int main(void)
{
	static const struct CMUnitTest others[] = {cmocka_unit_test(test_steady_is_one_tunnel),
	                                           cmocka_unit_test(test_location_is_known_after_a_restart)};
	static const struct scenario_table table = {
	    .rows = scenarios, .n = sizeof scenarios / sizeof scenarios[0], .others = others, .n_others = 2};

	return scenarios_run(&table);
}
