/* SPDX-License-Identifier: MIT */
/* What differs between the three measured versions of t3, one row each. */
#ifndef T3STUB_PROFILE_H
#define T3STUB_PROFILE_H

#include <stdbool.h>
#include <stddef.h>

struct profile {
	const char *version;
	const char *pair_path;       /* POST a credential here; the other name is 404 */
	const char *ticket_path;     /* POST with a session: a token for the WebSocket */
	const char *ticket_field;    /* its name in that answer */
	const char *ticket_query;    /* and in the query of /ws */
	const char *session_methods; /* JSON strings */
	const char *bearer_method;
	const char *capabilities;    /* JSON members */
	int migration;               /* highest migration it knows */
	bool roles;                  /* auth tables say role, not scopes */
	bool malformed_is_500;       /* malformed JSON at pairing */
	bool deflate;                /* negotiates permessage-deflate */
	bool own_cookie_on_loopback; /* t3_session_PORT_HEX when bound to 127.0.0.1 */
	bool slow_stop;              /* waits for open WebSockets and hung sockets at SIGTERM */
	bool unknown_tag_is_exit;    /* RPC with an unknown tag */
	size_t payload_bytes;        /* of a session token, before base64 */
};

/* NULL if there is no such version. */
const struct profile *profile_find(const char *version);

#endif
