/* SPDX-License-Identifier: MIT */
/* The table of versions; see profile.h. */
#include "lab/t3/profile.h"

#include <string.h>

#define METHODS_NEW "\"browser-session-cookie\",\"bearer-access-token\",\"dpop-access-token\""

static const struct profile profiles[] = {
    {
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
        .slow_stop = true,
        .payload_bytes = 182,
    },
    {
        .version = "0.0.28",
        .pair_path = "/api/auth/browser-session",
        .ticket_path = "/api/auth/websocket-ticket",
        .ticket_field = "ticket",
        .ticket_query = "wsTicket",
        .session_methods = METHODS_NEW,
        .bearer_method = "bearer-access-token",
        .capabilities = "\"repositoryIdentity\":true",
        .migration = 32,
        .malformed_is_500 = true,
        .payload_bytes = 269,
    },
    {
        .version = "0.0.32",
        .pair_path = "/api/auth/browser-session",
        .ticket_path = "/api/auth/websocket-ticket",
        .ticket_field = "ticket",
        .ticket_query = "wsTicket",
        .session_methods = METHODS_NEW,
        .bearer_method = "bearer-access-token",
        .capabilities = "\"repositoryIdentity\":true,\"connectionProbe\":true,\"threadSettlement\":true,"
                        "\"threadSnooze\":true,\"threadPinning\":true,\"threadTitleRegeneration\":true",
        .migration = 37,
        .deflate = true,
        .own_cookie_on_loopback = true,
        .unknown_tag_is_exit = true,
        .payload_bytes = 269,
    },
};

const struct profile *profile_find(const char *version)
{
	for (size_t i = 0; i < sizeof profiles / sizeof profiles[0]; i++)
		if (strcmp(profiles[i].version, version) == 0)
			return &profiles[i];
	return NULL;
}
