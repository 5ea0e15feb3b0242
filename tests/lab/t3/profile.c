/* SPDX-License-Identifier: MIT */
/* The table of versions; see profile.h. */
#include "lab/t3/profile.h"

#include <string.h>

/* What 0.0.28 and everything after it have in common. */
#define SINCE_0_0_28                                                                                                 \
	.pair_path = "/api/auth/browser-session", .ticket_path = "/api/auth/websocket-ticket",                       \
	.ticket_field = "ticket", .ticket_query = "wsTicket",                                                        \
	.session_methods = "\"browser-session-cookie\",\"bearer-access-token\",\"dpop-access-token\"",               \
	.bearer_method = "bearer-access-token", .payload_bytes = 269

/* And 0.0.32. */
#define SINCE_0_0_32                                                                                                 \
	SINCE_0_0_28, .deflate = true, .compresses = true, .shell = true, .unknown_tag_is_exit = true,               \
	              .script_bytes = 3660000,                                                                       \
	              .capabilities = "\"repositoryIdentity\":true,\"connectionProbe\":true,"                        \
	                              "\"threadSettlement\":true,\"threadSnooze\":true,\"threadPinning\":true,"      \
	                              "\"threadTitleRegeneration\":true"

/* And the builds after it that still say 0.0.33; some of their times are those of 0.0.32. */
#define SINCE_0_0_33                                                                                                 \
	SINCE_0_0_32, .version = "0.0.33", .migration = 40, .manifest = true,                                        \
	              .stop = {.quiet_ms = 44, .websocket_ms = 1200, .hung_ms = 56, .telemetry_ms = 13900}

/* Invented: it migrates further, and drops the auth tables as 31 did. */
#define SINCE_0_0_34 SINCE_0_0_33, .version = "0.0.34", .migration = 41, .cookie_rule = COOKIE_LOOPBACK

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Woverride-init"
static const struct profile profiles[] = {
    {
        .name = "0.0.24",
        .version = "0.0.24",
        .pair_path = "/api/auth/bootstrap",
        .ticket_path = "/api/auth/ws-token",
        .ticket_field = "token",
        .ticket_query = "wsToken",
        .session_methods = "\"browser-session-cookie\",\"bearer-session-token\"",
        .bearer_method = "bearer-session-token",
        .capabilities = "\"repositoryIdentity\":true",
        .migration = 30,
        .roles = true,
        .dies_of_refused = true,
        .payload_bytes = 182,
        .script_bytes = 3500000,
        .stop =
            {.quiet_ms = 50, .websocket_ms = 20050, .hung_ms = 20070, .telemetry_ms = 14750, .goodbye_last = true},
    },
    {
        SINCE_0_0_28,
        .name = "0.0.28",
        .version = "0.0.28",
        .capabilities = "\"repositoryIdentity\":true",
        .migration = 32,
        .malformed_is_500 = true,
        .dies_of_refused = true,
        .script_bytes = 3400000,
        .stop = {.quiet_ms = 58, .websocket_ms = 93, .hung_ms = 92, .telemetry_ms = 15200},
    },
    {
        SINCE_0_0_32,
        .name = "0.0.32",
        .version = "0.0.32",
        .migration = 37,
        .cookie_rule = COOKIE_LOOPBACK,
        .dies_of_refused = true,
        .stop = {.quiet_ms = 44, .websocket_ms = 46, .hung_ms = 56, .telemetry_ms = 15350},
    },
    {
        SINCE_0_0_33,
        .name = "0.0.33",
        .cookie_rule = COOKIE_LOOPBACK,
    },
    {
        SINCE_0_0_33,
        .name = "0.0.33-renamed-cookie",
        .cookie_rule = COOKIE_ENVIRONMENT,
    },
    {
        SINCE_0_0_33,
        .name = "0.0.33-without-cookie",
        .cookie_rule = COOKIE_LOOPBACK,
        .pairs_without_cookie = true,
    },
    {
        SINCE_0_0_34,
        .name = "0.0.34",
    },
    {
        SINCE_0_0_34,
        .name = "0.0.34-renamed-endpoint",
        .pair_path = "/api/auth/pair-browser",
    },
    {
        SINCE_0_0_34,
        .name = "0.0.34-loses-rows",
        .loses_rows = true,
    },
    {
        SINCE_0_0_34,
        .name = "0.0.34-crashes",
        .crashes = true,
    },
    {
        SINCE_0_0_34,
        .name = "0.0.34-cannot-pair",
        .cannot_pair = true,
    },
    {
        SINCE_0_0_34,
        .name = "0.0.34-hangs",
        .hangs = true,
    },
};
#pragma GCC diagnostic pop

const struct profile *profile_find(const char *name)
{
	for (size_t i = 0; i < sizeof profiles / sizeof profiles[0]; i++)
		if (strcmp(profiles[i].name, name) == 0)
			return &profiles[i];
	return NULL;
}
