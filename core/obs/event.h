/* SPDX-License-Identifier: MIT */
/*
 * Events: one fixed-size plain struct, sent whole from any process through the supervisor to the
 * monitor.  The same fields in the same order are the log line.  Pure functions, any process.
 */
#ifndef T3OPS_OBS_EVENT_H
#define T3OPS_OBS_EVENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "obs/log.h"
#include "plugin.h"
#include "tbl/reason.h"

enum event_kind {
#define EVENT_KIND(ident, name, level, journalled, id, code, count, text, sentence) EVENT_##ident,
#include "tbl/event_kind.h"
#undef EVENT_KIND
	EVENT_KINDS
};

/* What a tunnel shows of the page at its end (diagnosis/page_evidence.h).  All zero: nothing is known. */
struct event_page {
	uint8_t end;       /* enum page_end */
	uint8_t heartbeat; /* enum heartbeat_kind */
	bool carried;      /* a message went either way */
	uint32_t late_pings, few_pings, late_beats;
	uint64_t since_ping_us, waiting_us, queued_us, since_large_us;
};

#define EVENT_EXIT_UNKNOWN UINT16_MAX /* only its parent knows, and that is gone */

/* Zero or "" means: not said; such fields are left out of the line.  What id, code, count and text are depends on
 * the kind: tbl/event_kind.h. */
struct event {
	uint64_t time_us; /* since 1970 */
	uint64_t mono_us; /* CLOCK_MONOTONIC */
	uint16_t kind;    /* enum event_kind */
	uint8_t process;  /* enum process_id of the sender */
	uint8_t step;     /* enum t3ops_step */
	uint16_t reason;  /* enum t3ops_reason */
	uint16_t code;    /* close code, HTTP status (below 1000) or exit code, which may be EVENT_EXIT_UNKNOWN */
	uint64_t id;      /* tunnel, pid, or incident (of tunnel_alive and leg_*: the one that asked) */
	char plugin[32];  /* title of its section; for a leg its name */
	char callback[32];
	char vantage[32]; /* the place that it was seen from, if that has a name */
	char command[64]; /* that the helper ran; and who asked for it */
	char requester[72];
	char user[T3OPS_USER_NAME_SIZE];
	char address[48];     /* of the client, as trusted proxies report it */
	char path[128];       /* of the URL that was asked for, without its query */
	char user_agent[256]; /* of the browser */
	char colo[8];         /* Cloudflare location: suffix of CF-Ray */
	uint64_t age_us;
	uint64_t rtt_us; /* of a late heartbeat or a failed attempt: how long it, or the last step, has waited */
	uint64_t idle_client_us;   /* how long nothing had come from the client */
	uint64_t idle_upstream_us; /* how long nothing had come from the t3 server */
	uint64_t bytes_up, bytes_down;
	uint64_t
	    count; /* of a failed attempt: 1 if the leg was up once; of leg_up: 1 if it makes fresh connections */
	uint64_t target; /* of a leg: what it connects to and how; the same number, the same.  Not in the line */
	struct event_page page;
	char segments[160]; /* space-separated */
	char text[320];
};

/* Zeroes e and stamps kind, process and both clocks. */
void event_init(struct event *e, enum event_kind kind, uint8_t process);

/* Copies with truncation at a UTF-8 boundary; for the char fields. */
#define event_set(field, text) event_copy((field), sizeof(field), (text))
void event_copy(char *out, size_t size, const char *text);

/* The pairs of the line, beginning with event=KIND, without level and process.  Returns the length; nothing is left
 * out in EVENT_LINE_MAX bytes. */
#define EVENT_LINE_MAX 8192
size_t event_format(const struct event *e, char *out, size_t size);
/* The same pairs as one JSON object, numbers as numbers. */
size_t event_format_json(const struct event *e, char *out, size_t size);
/* The incident it belongs to, as its line says; 0: none. */
uint64_t event_incident(const struct event *e);

/* Logs it at the level of its kind. */
void event_log(const struct event *e);

const char *event_kind_name(enum event_kind kind);
enum log_level event_kind_level(enum event_kind kind);
bool event_kind_journalled(enum event_kind kind);
/* EVENT_KINDS if there is none of that name. */
enum event_kind event_kind_parse(const char *name);

#endif
