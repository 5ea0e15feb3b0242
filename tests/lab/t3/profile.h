/* SPDX-License-Identifier: MIT */
/* What differs between the measured versions of t3, one row each. */
#ifndef T3STUB_PROFILE_H
#define T3STUB_PROFILE_H

#include <stdbool.h>
#include <stddef.h>

/* How the session cookie is called. */
enum cookie_rule {
	COOKIE_FIXED,       /* t3_session */
	COOKIE_LOOPBACK,    /* t3_session_PORT_HEX when bound to 127.0.0.1, else t3_session */
	COOKIE_ENVIRONMENT, /* the same on 127.0.0.1, else t3_session_HEX of the environment id */
};

/* How long it takes to stop after SIGTERM, in milliseconds. */
struct stop_times {
	long quiet_ms;     /* nothing is open */
	long websocket_ms; /* a WebSocket is open: its goodbye is sent by then */
	long hung_ms;      /* a connection of the dead window is open */
	long telemetry_ms; /* on top, after a WebSocket, when telemetry goes nowhere */
	bool goodbye_last; /* WebSockets work until websocket_ms is over; else the goodbye comes at once */
};

struct profile {
	const char *name;            /* as T3STUB_VERSION names it */
	const char *version;         /* what it calls itself: two builds may say the same */
	const char *pair_path;       /* POST a credential here; the other name is 404 */
	const char *ticket_path;     /* POST with a session: a token for the WebSocket */
	const char *ticket_field;    /* its name in that answer */
	const char *ticket_query;    /* and in the query of /ws */
	const char *session_methods; /* JSON strings */
	const char *bearer_method;
	const char *capabilities; /* JSON members */
	int migration;            /* highest migration it knows */
	enum cookie_rule cookie_rule;
	bool roles;                /* auth tables say role, not scopes */
	bool malformed_is_500;     /* malformed JSON at pairing */
	bool pairs_without_cookie; /* pairing answers 200 and sets none */
	bool deflate;              /* negotiates permessage-deflate */
	bool compresses;           /* files by Accept-Encoding */
	bool shell;                /* has /api/orchestration/shell */
	bool manifest;             /* has /manifest.webmanifest */
	bool unknown_tag_is_exit;  /* RPC with an unknown tag */
	bool dies_of_refused;      /* clients that leave refused upgrades end it */
	bool crashes;              /* at every start, after its migrations */
	bool cannot_pair;          /* answers everything else */
	bool hangs;                /* its dead window never ends */
	bool loses_rows;           /* its migration 41 does, of orchestration_events */
	size_t payload_bytes;      /* of a session token, before base64 */
	size_t script_bytes;       /* the page's main script */
	struct stop_times stop;
};

/* NULL if there is no such version. */
const struct profile *profile_find(const char *name);

#endif
