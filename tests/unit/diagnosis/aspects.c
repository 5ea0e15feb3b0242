/* SPDX-License-Identifier: MIT */
/* The diagnosis: what legs measure beside the connection they hold, which fails while that lives. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "scenario.h"

static const struct scenario scenarios[] = {
    /* New connections fail while old ones live. */
    {"the edge answers new connections 530: the tunnel, although the leg's own connection lives",
     "tunnel#1; ~tunnel#1",
     {ALL_UP, ALL_FRESH, BEAT(3, "bob", 1), FRESH(20000, "cf", HTTP, HTTP_STATUS, 530),
      FRESH(21000, "cf", HTTP, HTTP_STATUS, 530), FRESH(40000, "cf", OPEN, NONE, 0)},
     "a fresh connection of cf failed at http (http_status 530) while cf 4 ms, int 4 ms, "
     "srv(alice) 4 ms, srv(bob) 4 ms answered; new connections "
     "fail, old ones live"},
    {"traefik refuses new connections",
     "traefik#1; ~traefik#1",
     {ALL_UP, ALL_FRESH, FRESH(20000, "int", CONNECT, REFUSED, 0), FRESH(20005, "cf", HTTP, HTTP_STATUS, 502),
      FRESH(40000, "int", OPEN, NONE, 0), FRESH(40010, "cf", OPEN, NONE, 0)},
     "new connections fail, old ones live"},
    {"the prober's own way to traefik is cut while another leg makes a fresh connection: the next one is awaited",
     "prober#1; ~prober#1",
     {ALL_UP, ALL_FRESH, DOWN(20000, "int", "", RESET), TRY(20010, "int", "", CONNECT, REFUSED, 0),
      FRESH_IN(20050, "cf", OPEN, NONE, 60), FRESH(21000, "cf", OPEN, NONE, 0), UP(50000, "int", "")},
     NULL},
    {"traefik takes no new connections before legs have made any beside their own: heartbeats acquit nothing of that",
     "traefik#1",
     {UP_FRESH(1, "cf"), UP_FRESH(1, "int"), UP(1, "srv", "alice"), FRESH(20000, "int", CONNECT, REFUSED, 0),
      FRESH(20600, "cf", HTTP, HTTP_STATUS, 502)},
     NULL},
    {"the prober's own way to traefik is cut: a fresh connection fails first, then the leg",
     "prober#1; ~prober#1",
     {ALL_UP, ALL_FRESH, FRESH(20000, "int", CONNECT, REFUSED, 0), DOWN(20005, "int", "", RESET),
      TRY(20010, "int", "", CONNECT, REFUSED, 0), UP(50000, "int", "")},
     NULL},
    {"dispatch refuses new connections",
     "dispatch#1",
     {ALL_UP, ALL_FRESH, FRESH(20000, "int", HTTP, HTTP_STATUS, 502), FRESH(20005, "cf", HTTP, HTTP_STATUS, 502)},
     "new connections fail, old ones live"},
    {"the edge refuses new connections",
     "cloudflare#1",
     {ALL_UP, ALL_FRESH, FRESH(20000, "cf", CONNECT, REFUSED, 0)},
     "a fresh connection of cf failed at connect (refused)"},
    {"a leg that makes no fresh connections acquits with its heartbeats",
     "tunnel#1",
     {ALL_UP, FRESH(2, "cf", OPEN, NONE, 0), FRESH(20000, "cf", HTTP, HTTP_STATUS, 530)},
     NULL},
    {"new connections fail, then the old one, too: one fault",
     "tunnel#1; ~tunnel#1",
     {ALL_UP, ALL_FRESH, FRESH(20000, "cf", HTTP, HTTP_STATUS, 530), DOWN(30000, "cf", "", CLOSED),
      TRY(30050, "cf", "", HTTP, HTTP_STATUS, 530), UP(50000, "cf", "")},
     NULL},
    {"a heartbeat is missing, and a fresh connection tells how far one gets",
     "cloudflare tunnel#1",
     {ALL_UP, ALL_FRESH, MUTE(19000, "cf", ""), LATE(20000, "cf", ""), FRESH(20100, "cf", HTTP, HTTP_TIMEOUT, 0)},
     "cf failed at http (http_timeout)"},
    {"a heartbeat was late, and so was the fresh connection: nothing broke",
     "",
     {ALL_UP, ALL_FRESH, LATE(20000, "cf", ""), FRESH(20050, "cf", HTTP, HTTP_TIMEOUT, 0), ALIVE(20100, "cf", ""),
      FRESH(20200, "cf", OPEN, NONE, 0)},
     NULL},
    {"new connections of the prober alone are refused: users open tunnels meanwhile",
     "tunnel#1; !prober#1; ~prober#1",
     {ALL_UP, ALL_FRESH, FRESH(20000, "cf", HTTP, HTTP_STATUS, 403), OPENED(30000, "alice"),
      FRESH(31000, "cf", HTTP, HTTP_STATUS, 403), FRESH(55000, "cf", HTTP, HTTP_STATUS, 403),
      FRESH(90000, "cf", OPEN, NONE, 0)},
     NULL},
    {"new connections fail, and a user's tunnel is the first that works again: it acquits nothing",
     "tunnel#1; ~tunnel#1",
     {ALL_UP, ALL_FRESH, FRESH(20000, "cf", HTTP, HTTP_STATUS, 530), OPENED(30000, "alice"),
      FRESH(31000, "cf", OPEN, NONE, 0)},
     NULL},
    {"the tunnel is cut for new and old: a user's tunnel is the first that works again",
     "tunnel#1; ~tunnel#1",
     {ALL_UP, ALL_FRESH, DOWN(20000, "cf", "", CLOSED), TRY(20050, "cf", "", HTTP, HTTP_STATUS, 530),
      OPENED(30000, "alice"), UP(31000, "cf", "")},
     NULL},
    {"a fresh connection meets a login page, once more",
     "?cf",
     {ALL_UP, ALL_FRESH, FRESH(20000, "cf", HTTP, WALLED_OFF, 302), FRESH(50000, "cf", HTTP, WALLED_OFF, 302)},
     NULL},
    {"a fresh connection that we ended", "", {ALL_UP, ALL_FRESH, FRESH(20000, "cf", CONNECT, LOCAL, 0)}, NULL},
    {"a fresh connection that worked after a user dropped acquits like a heartbeat",
     "exonerated#1[alice]; ~exonerated#1[alice]",
     {ALL_UP, ALL_FRESH, DROP(20000, "alice", CLIENT_EOF, 10), OPENED(26000, "alice")},
     NULL},

    /* Large messages are lost while small ones are answered. */
    {"large messages are lost before traefik",
     "wan cloudflare tunnel#1; ~wan cloudflare tunnel#1",
     {ALL_UP, ALL_FRESH, ALL_LARGE, BEAT(4, "bob", 1), LARGE(20000, "cf", LARGE_LOST), LARGE(50000, "cf", LARGE_LOST),
      LARGE(80000, "cf", NONE)},
     "a large message of cf was lost while cf 4 ms, int 4 ms, srv(alice) 4 ms, srv(bob) 4 ms answered; large "
     "messages "
     "only: small ones are answered (MTU?)"},
    {"large messages are lost, and a page breaks: not its user's network",
     "exonerated#1[alice]; !wan cloudflare tunnel#1[alice]",
     {ALL_UP, ALL_FRESH, LARGE(3, "int", NONE), DROP(20000, "alice", CLIENT_GAVE_UP, 100),
      LARGE(25000, "cf", LARGE_LOST)},
     "large messages only: small ones are answered (MTU?)"},
    {"a large message is lost while the leg itself fails: nothing more than that",
     "wan cloudflare tunnel#1; ~wan cloudflare tunnel#1",
     {ALL_UP, ALL_FRESH, ALL_LARGE, MUTE(19000, "cf", ""), LATE(20000, "cf", ""), LARGE(20100, "cf", LARGE_LOST),
      DOWN(38000, "cf", "", HEARTBEAT_TIMEOUT), UP(39000, "cf", "")},
     "cf stopped answering"},
    {"large messages are lost, then small ones, too: large ones only is not true any more",
     "wan cloudflare tunnel#1; +wan cloudflare tunnel#1[alice]",
     {ALL_UP, ALL_FRESH, ALL_LARGE, LARGE(10000, "cf", LARGE_LOST), MUTE(20000, "cf", ""), LATE(22000, "cf", ""),
      PAGE(36000, "alice", CLIENT_CLOSED, CLOSED_1000, .late_pings = 2)},
     "cf stopped answering, a large message of cf was lost"},
};

static const struct scenario_symptom symptoms[] = {
    {"the edge answers new connections 530: the tunnel, although the leg's own connection lives",
     "new_connections_only"},
    {"traefik refuses new connections", "new_connections_only"},
    {"the edge refuses new connections", "new_connections_only"},
    {"large messages are lost before traefik", "large_messages_only"},
    {"large messages are lost, and a page breaks: not its user's network", "large_messages_only"},
    {"large messages are lost, then small ones, too: large ones only is not true any more", ""},
};

int main(void)
{
	static const struct scenario_table table = {
	    .rows = scenarios,
	    .n = sizeof scenarios / sizeof scenarios[0],
	    .symptoms = symptoms,
	    .n_symptoms = sizeof symptoms / sizeof symptoms[0],
	};

	return scenarios_run(&table);
}
