/* SPDX-License-Identifier: MIT */
/* Why tunnels end: every combination of who, how and after which silence. */
#include "proxy/close_reason.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "obs/event.h"

#define PERIOD 5000000
#define LIMIT  9500000 /* two periods, but for a timer that is early */

static const struct {
	const char *what;
	struct tunnel_facts facts;
	unsigned reason;
	uint16_t code;
} rows[] = {
    {"page closes",
     {.client_closed = true, .client_closed_first = true, .client_code = 1000},
     T3OPS_R_CLIENT_CLOSED,
     1000},
    {"page closes, server echoes",
     {.client_closed = true,
      .client_closed_first = true,
      .client_code = 1001,
      .upstream_closed = true,
      .upstream_code = 1001},
     T3OPS_R_CLIENT_CLOSED,
     1001},
    {"page waits a little, closes",
     {.client_closed = true, .client_closed_first = true, .waiting_us = LIMIT - 1},
     T3OPS_R_CLIENT_CLOSED,
     0},
    {"page waits in vain, closes",
     {.client_closed = true, .client_closed_first = true, .waiting_us = LIMIT},
     T3OPS_R_CLIENT_GAVE_UP,
     0},
    {"page waits in vain, its user reloads it",
     {.client_closed = true, .client_closed_first = true, .client_code = 1001, .waiting_us = LIMIT},
     T3OPS_R_CLIENT_CLOSED,
     1001},
    {"page waits in vain, FIN", {.side = TUNNEL_CLIENT, .waiting_us = LIMIT}, T3OPS_R_CLIENT_GAVE_UP, 0},
    {"page waits in vain, RST",
     {.side = TUNNEL_CLIENT, .act = TUNNEL_BROKE, .error = ECONNRESET, .waiting_us = LIMIT},
     T3OPS_R_CLIENT_GAVE_UP,
     0},
    {"client FIN", {.side = TUNNEL_CLIENT}, T3OPS_R_CLIENT_EOF, 0},
    {"client RST", {.side = TUNNEL_CLIENT, .act = TUNNEL_BROKE, .error = ECONNRESET}, T3OPS_R_CLIENT_RESET, 0},
    {"client silent to the kernel",
     {.side = TUNNEL_CLIENT, .act = TUNNEL_BROKE, .error = ETIMEDOUT},
     T3OPS_R_CLIENT_TIMEOUT,
     0},
    {"kernel gives the client up while the server owes",
     {.side = TUNNEL_CLIENT, .act = TUNNEL_BROKE, .error = ETIMEDOUT, .waiting_us = LIMIT},
     T3OPS_R_CLIENT_TIMEOUT,
     0},
    {"client takes nothing", {.side = TUNNEL_CLIENT, .act = TUNNEL_STUCK}, T3OPS_R_CLIENT_TIMEOUT, 0},
    {"server closes normally",
     {.side = TUNNEL_UPSTREAM, .upstream_closed = true, .upstream_code = 1000},
     T3OPS_R_UPSTREAM_CLOSED,
     1000},
    {"server goes away",
     {.side = TUNNEL_UPSTREAM, .upstream_closed = true, .upstream_code = 1001},
     T3OPS_R_UPSTREAM_CLOSED,
     1001},
    {"server closes without code", {.side = TUNNEL_UPSTREAM, .upstream_closed = true}, T3OPS_R_UPSTREAM_CLOSED, 0},
    {"server closes, page echoes",
     {.side = TUNNEL_CLIENT,
      .upstream_closed = true,
      .upstream_code = 1011,
      .client_closed = true,
      .client_code = 1011},
     T3OPS_R_UPSTREAM_CLOSED,
     1011},
    {"server FIN", {.side = TUNNEL_UPSTREAM}, T3OPS_R_UPSTREAM_EOF, 0},
    {"server FIN while it owes", {.side = TUNNEL_UPSTREAM, .waiting_us = LIMIT}, T3OPS_R_UPSTREAM_EOF, 0},
    {"server RST", {.side = TUNNEL_UPSTREAM, .act = TUNNEL_BROKE, .error = ECONNRESET}, T3OPS_R_UPSTREAM_RESET, 0},
    {"server takes nothing", {.side = TUNNEL_UPSTREAM, .act = TUNNEL_STUCK}, T3OPS_R_UPSTREAM_TIMEOUT, 0},
};

static void table(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct tunnel_facts facts = rows[i].facts;
		uint16_t code;
		unsigned reason;

		facts.period_us = PERIOD;
		reason = close_reason_classify(&facts, &code);
		if (reason != rows[i].reason || code != rows[i].code)
			fail_msg("%s: %s code %u", rows[i].what, reason_label(reason), code);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(table)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
