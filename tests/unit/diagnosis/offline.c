/* SPDX-License-Identifier: MIT */
/* The diagnosis: this machine has no network of its own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "scenario.h"

/* A leg of ours, whose heartbeats are not answered any more. */
#define SILENT_LEG(t, l)                                                                                             \
	{                                                                                                            \
		.what = LEG, .at_ms = t, .kind = LEG_DOWN, .leg = l, .step = T3OPS_STEP_OPEN,                        \
		.reason = T3OPS_R_HEARTBEAT_TIMEOUT, .quiet_ms = 20000                                               \
	}

#define LEGS_MUTE(t) MUTE(t, "cf", ""), MUTE(t, "int", "")
#define LEGS_LATE(t) LATE(t, "cf", ""), LATE((t) + 10, "int", "")

static const struct scenario scenarios[] = {
    {"all that goes out falls silent: nobody is convicted",
     "(offline); inconclusive#1",
     {ALL_UP, OFFLINE(8000), LEGS_MUTE(8000), LEGS_LATE(12000)},
     "this machine lost its own network, no default route over a link with carrier was left, so no segment can be "
     "told: cf stopped answering, int stopped answering"},
    {"the kernel has no route for what is tried then",
     "(offline); inconclusive#1",
     {ALL_UP, OFFLINE(8000), MUTE(8000, "cf", ""), LATE(12000, "cf", ""),
      FRESH(12010, "cf", CONNECT, UNREACHABLE, 0)},
     NULL},
    {"nor is the resolver asked",
     "(offline); inconclusive#1",
     {ALL_UP, OFFLINE(8000), RESOLVER(9000, "cf", DNS), LEGS_MUTE(9001), LEGS_LATE(12000)},
     NULL},
    {"it ends with the network",
     "(offline); inconclusive#1; ~inconclusive#1",
     {ALL_UP, OFFLINE(8000), LEGS_MUTE(8000), LEGS_LATE(12000), SILENT_LEG(30000, "cf"), SILENT_LEG(30010, "int"),
      TRY(31000, "cf", "", CONNECT, UNREACHABLE, 0), ONLINE(40000, 32000),
      TRY(41000, "int", "", CONNECT, CONNECT_TIMEOUT, 0), UP(46000, "cf", ""), UP(46010, "int", "")},
     NULL},
    {"what fails long after the network is back is its own",
     "(offline); inconclusive#1; !cloudflare#1",
     {ALL_UP, OFFLINE(8000), LEGS_MUTE(8000), LEGS_LATE(12000), SILENT_LEG(30000, "cf"), ONLINE(40000, 32000),
      ALIVE(41000, "int", ""), RESOLVER(56000, "cf", NONE), TRY_IN(57000, "cf", CONNECT, REFUSED, 10)},
     "new evidence, was inconclusive: cf failed at connect (refused)"},
    {"users who hang on it are no fault either",
     "(offline); inconclusive#1[alice]; +inconclusive#1[alice bob]",
     {ALL_UP, OFFLINE(8000), LEGS_MUTE(8000), DROP(20000, "alice", CLIENT_TIMEOUT, 14000),
      DROP(26000, "bob", CLIENT_TIMEOUT, 19000)},
     "alice lost 1 WebSocket"},
    {"a user's drop alone",
     "(offline); inconclusive#1[alice]; ~inconclusive#1[alice]",
     {OFFLINE(8000), DROP(20000, "alice", CLIENT_TIMEOUT, 14000), ONLINE(30000, 22000), OPENED(33000, "alice")},
     NULL},
    {"users' heartbeats come through: the probes alone have no network",
     "(offline); prober#1",
     {ALL_UP, BEAT(2, "alice", 1), OFFLINE(8000), LEGS_MUTE(8000), LEGS_LATE(12000),
      FRESH(12020, "cf", CONNECT, UNREACHABLE, 0), ALIVE(50000, "srv", "alice")},
     "only the prober's own path is broken, users' tunnels work"},
    {"a server of this machine fails meanwhile: that is told",
     "(offline); inconclusive#1; serve(alice)#2",
     {ALL_UP, OFFLINE(8000), LEGS_MUTE(8000), LEGS_LATE(12000), DOWN(16000, "srv", "alice", EOF),
      TRY(16100, "srv", "alice", CONNECT, REFUSED, 0)},
     NULL},
    {"a leg that was answered since needs no default route: what it loses later is a fault",
     "(offline); traefik#1",
     {ALL_UP, OFFLINE(8000), MUTE(8000, "cf", ""), ALIVE(18000, "int", ""), DOWN(20000, "int", "", RESET),
      TRY(20100, "int", "", CONNECT, REFUSED, 0)},
     NULL},
    {"nor does a missing route refuse anything",
     "(offline); traefik#1",
     {ALL_UP, OFFLINE(8000), MUTE(8000, "cf", ""), DOWN(9000, "int", "", RESET),
      TRY(9100, "int", "", CONNECT, REFUSED, 0)},
     NULL},
    {"a fault of before keeps its verdict",
     "tunnel#1; (offline); inconclusive#2",
     {ALL_UP, DOWN(8000, "cf", "", RESET), TRY(8100, "cf", "", HTTP, HTTP_STATUS, 530), OFFLINE(30000),
      MUTE(30000, "int", ""), TRY(31000, "cf", "", CONNECT, UNREACHABLE, 0), LATE(34000, "int", "")},
     NULL},
    {"the link was dead before the kernel said so: what was taken for a fault is none",
     "traefik dispatch#1; (offline); !inconclusive#1",
     {ALL_UP, LEGS_MUTE(3000), RESOLVER(5000, "cf", NONE), LEGS_LATE(5000), OFFLINE(8500),
      TRY(9000, "cf", "", CONNECT, UNREACHABLE, 0)},
     NULL},
    {"a machine that never had a default route: as ever",
     "wan cloudflare#1",
     {ALL_UP, DOWN(8000, "cf", "", RESET), TRY(8100, "cf", "", CONNECT, UNREACHABLE, 0)},
     NULL},
};

int main(void)
{
	static const struct scenario_table table = {
	    .rows = scenarios,
	    .n = sizeof scenarios / sizeof scenarios[0],
	};

	return scenarios_run(&table);
}
