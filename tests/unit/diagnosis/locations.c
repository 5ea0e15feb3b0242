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
    {"it is back over another location: what failed was the first one's",
     "wan cloudflare tunnel#1; ~wan cloudflare tunnel#1",
     {OVER("FRA"), MUTE(20000, "cf", ""), DOWN(20000, "cf", "", RESET), UP_OVER(24000, "cf", "CDG")},
     NULL},
};

int main(void)
{
	static const struct scenario_table table = {.rows = scenarios, .n = sizeof scenarios / sizeof scenarios[0]};

	return scenarios_run(&table);
}
