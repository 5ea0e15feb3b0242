/* SPDX-License-Identifier: MIT */
/*
 * Follows the heartbeat of t3's page in a WebSocket that passes: the page sends {"_tag":"Ping"} every period, t3
 * answers {"_tag":"Pong"}, and a page that waits too long for an answer gives up.  An Ack is never answered and
 * means nothing.  With permessage-deflate single frames cannot be told apart: there a run of small frames on the
 * period's grid counts as a heartbeat, and answers are not followed.  Behind a gap those count that are alike, while
 * the server had nothing said that the page could acknowledge.
 *
 * Told apart are what an outage leaves behind: a gap between Pings, and Pings that were made during the gap and
 * arrive together at its end.  Plain struct, movable between processes; times are CLOCK_MONOTONIC.  Pure.
 */
#ifndef T3OPS_NET_HEARTBEAT_H
#define T3OPS_NET_HEARTBEAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * UNKNOWN --a Ping in clear text----------------------------> CLEAR
 *         --RUN_MIN small frames a period apart from-------> COMPRESSED
 *           each other, RSV1 set
 */
enum heartbeat_kind { HEARTBEAT_UNKNOWN = 0, HEARTBEAT_CLEAR, HEARTBEAT_COMPRESSED };

/* Zeroed is ready. */
struct heartbeat {
	uint8_t kind;        /* enum heartbeat_kind */
	uint8_t run;         /* small compressed frames on the grid so far */
	uint32_t mark;       /* of the last small compressed frame */
	uint32_t ping_mark;  /* of Pings one behind the other; 0: not known */
	uint32_t unanswered; /* Pings that wait for their answer */
	uint32_t late_beats; /* in a row that came late, or were answered more than a period later */
	uint32_t late;       /* Pings that arrived together at the end of the last gap, the first one included */
	uint64_t pings;      /* seen */
	uint64_t ping_us;    /* when the last one came */
	uint64_t pending_us; /* since when the oldest unanswered one waits; 0: all are answered */
	uint64_t slow_us;    /* how long the last answer took */
	uint64_t late_answer_us,
	    late_answer_end_us; /* the last one that took longer than a period: how long, and when it came */
	uint64_t lateness_us;   /* how far behind its rhythm the last Ping came; decays */
	uint64_t gap_us;        /* length of the last gap */
	uint64_t gap_end_us;    /* when it ended; 0: there was none */
};

/* What a small frame is to the page. */
enum heartbeat_frame { HEARTBEAT_OTHER = 0, HEARTBEAT_PING, HEARTBEAT_PONG, HEARTBEAT_SMALL };

/* first: the first byte of the frame's head, as ws_small_cb tells it.  SMALL: compressed, and as small as a Ping. */
enum heartbeat_frame heartbeat_frame(uint8_t first, const uint8_t *payload, size_t len);

/* What tells compressed frames apart that differ. */
uint32_t heartbeat_mark(const uint8_t *payload, size_t len);

/* A small frame of the page. */
struct heartbeat_small {
	enum heartbeat_frame frame;
	uint32_t mark;      /* of its bytes */
	uint64_t server_us; /* when the t3 server last sent something, whatever it was */
};

/* A small frame came from the page; period_us: how often a page pings. */
void heartbeat_from_page(struct heartbeat *h, const struct heartbeat_small *f, uint64_t period_us, uint64_t now_us);
/* A small frame came from the t3 server. */
void heartbeat_from_server(struct heartbeat *h, enum heartbeat_frame frame, uint64_t period_us, uint64_t now_us);

/* How long the oldest unanswered Ping has waited; 0: none does. */
uint64_t heartbeat_waiting_us(const struct heartbeat *h, uint64_t now_us);
/* The same at its end: also of one that was answered within the last period, after more than one. */
uint64_t heartbeat_waited_us(const struct heartbeat *h, uint64_t period_us, uint64_t now_us);
/* How long nothing came of its rhythm: since the last Ping, and with the gap before it if what came at its end proves
 * nothing, for then the page slept and had just woken. */
uint64_t heartbeat_since_ping_us(const struct heartbeat *h, uint64_t period_us, uint64_t now_us);
/* How many Pings were made during the last gap, and came at its end, if they are enough to prove that the page was
 * awake in it; 0 if they are not, or if the gap ended longer than a period ago. */
uint32_t heartbeat_late_pings(const struct heartbeat *h, uint64_t period_us, uint64_t now_us);
/* The same if they are too few: left by a page that gave up early in a long gap, or by a device that lost its
 * network, slept, and made the last one on waking. */
uint32_t heartbeat_few_pings(const struct heartbeat *h, uint64_t period_us, uint64_t now_us);

#endif
