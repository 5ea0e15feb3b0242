/* SPDX-License-Identifier: MIT */
/* The page's heartbeat; see heartbeat.h. */
#include "net/heartbeat.h"

#include <string.h>

#define FIN_TEXT 0x81
#define RSV1     0x40

#define PING "{\"_tag\":\"Ping\"}"
#define PONG "{\"_tag\":\"Pong\"}"

/* What a compressed Ping measures, with and without the context of earlier ones. */
#define SMALL_MIN 4
#define SMALL_MAX 17
#define RUN_MIN   3
#define LONG_GAP  12 /* periods; a longer one is rather a sleep */

#define PATIENCE_MAX 4 /* periods that a page waits for an answer, at most: so many Pings it makes in vain */

#define MARK_BASIS UINT32_C(2166136261) /* FNV-1a */
#define MARK_PRIME UINT32_C(16777619)

enum heartbeat_frame heartbeat_frame(uint8_t first, const uint8_t *payload, size_t len)
{
	if (first & RSV1)
		return len >= SMALL_MIN && len <= SMALL_MAX ? HEARTBEAT_SMALL : HEARTBEAT_OTHER;
	if (first != FIN_TEXT || len != sizeof PING - 1)
		return HEARTBEAT_OTHER;
	if (memcmp(payload, PING, len) == 0)
		return HEARTBEAT_PING;
	return memcmp(payload, PONG, len) == 0 ? HEARTBEAT_PONG : HEARTBEAT_OTHER;
}

uint32_t heartbeat_mark(const uint8_t *payload, size_t len)
{
	uint32_t mark = MARK_BASIS;

	for (size_t i = 0; i < len; i++)
		mark = (mark ^ payload[i]) * MARK_PRIME;
	return mark;
}

/* Within a tenth of a whole number of periods, one at least. */
static bool is_on_grid(uint64_t interval_us, uint64_t period_us)
{
	uint64_t off = interval_us % period_us;

	return interval_us > period_us / 2 && (off <= period_us / 10 || off >= period_us - period_us / 10);
}

/* Pings that arrive faster than half a period apart were made earlier than they came. */
static void gap_observe(struct heartbeat *h, uint64_t interval_us, uint64_t period_us, uint64_t now_us)
{
	if (interval_us > period_us + period_us / 2) {
		h->gap_us = interval_us;
		h->gap_end_us = now_us;
		h->late = 1;
	} else if (interval_us < period_us / 2 && h->gap_end_us != 0 && now_us - h->gap_end_us < period_us) {
		h->late++;
	}
}

/* A path that delays every Ping alike shows once, in the first interval; that is forgotten slowly, since a page's own
 * timer drifts. */
static void lateness_observe(struct heartbeat *h, uint64_t interval_us, uint64_t period_us)
{
	uint64_t due = h->lateness_us + interval_us;

	h->lateness_us = due > period_us ? due - period_us : 0;
	h->lateness_us -= h->lateness_us / 8;
	if (h->lateness_us > period_us * 2 / 5)
		h->late_beats++;
	else if (h->slow_us <= period_us)
		h->late_beats = 0;
}

static void ping_observe(struct heartbeat *h, uint64_t period_us, uint64_t now_us)
{
	if (h->pings > 0) {
		gap_observe(h, now_us - h->ping_us, period_us, now_us);
		lateness_observe(h, now_us - h->ping_us, period_us);
	}
	h->pings++;
	h->ping_us = now_us;
}

/* Whether a small frame behind a gap is one more Ping that was made meanwhile.  A page that wakes sends one, and may
 * send something else; Pings in a row are compressed alike, as the rhythm has shown.  Where it has not, Acks may be
 * alike, too: so the server must have said nothing that the page could have got since before the gap. */
static bool is_late_ping(const struct heartbeat *h, const struct heartbeat_small *f, uint64_t period_us,
                         uint64_t now_us)
{
	if (h->gap_end_us == 0 || now_us - h->gap_end_us >= period_us / 2)
		return false;
	if (h->ping_mark != 0)
		return f->mark == h->ping_mark;
	return f->mark == h->mark && f->server_us <= h->gap_end_us - h->gap_us + period_us / 5;
}

/* An Ack can be as small as a Ping: only what keeps to the grid counts, and what a gap left behind. */
static void small_observe(struct heartbeat *h, const struct heartbeat_small *f, uint64_t period_us, uint64_t now_us)
{
	uint64_t interval = now_us - h->ping_us;

	if (h->run > 0 && interval < period_us * 3 / 2 && is_on_grid(interval, period_us) && f->mark == h->mark)
		h->ping_mark = f->mark;
	if (h->kind == HEARTBEAT_COMPRESSED) {
		if (interval >= period_us / 2 || is_late_ping(h, f, period_us, now_us))
			ping_observe(h, period_us, now_us);
		return;
	}
	if (h->run == 0 || interval >= period_us / 2) {
		h->run = h->run > 0 && is_on_grid(interval, period_us) ? (uint8_t)(h->run + 1) : 1;
		h->ping_us = now_us;
	}
	if (h->run >= RUN_MIN) {
		h->kind = HEARTBEAT_COMPRESSED;
		h->pings = h->run;
	}
}

void heartbeat_from_page(struct heartbeat *h, const struct heartbeat_small *f, uint64_t period_us, uint64_t now_us)
{
	if (f->frame == HEARTBEAT_PING) {
		h->kind = HEARTBEAT_CLEAR;
		ping_observe(h, period_us, now_us);
		if (h->unanswered++ == 0)
			h->pending_us = now_us;
	} else if (f->frame == HEARTBEAT_SMALL && h->kind != HEARTBEAT_CLEAR) {
		small_observe(h, f, period_us, now_us);
		h->mark = f->mark;
	}
}

void heartbeat_from_server(struct heartbeat *h, enum heartbeat_frame frame, uint64_t period_us, uint64_t now_us)
{
	if (frame != HEARTBEAT_PONG || h->kind != HEARTBEAT_CLEAR)
		return;
	h->slow_us = heartbeat_waiting_us(h, now_us);
	if (h->slow_us > period_us) {
		h->late_beats++;
		h->late_answer_us = h->slow_us;
		h->late_answer_end_us = now_us;
	}
	/* of several that wait the oldest is answered; of the others only the last one's time is known */
	if (h->unanswered > 0)
		h->unanswered--;
	h->pending_us = h->unanswered > 0 ? h->ping_us : 0;
}

uint64_t heartbeat_waiting_us(const struct heartbeat *h, uint64_t now_us)
{
	return h->pending_us != 0 ? now_us - h->pending_us : 0;
}

uint64_t heartbeat_waited_us(const struct heartbeat *h, uint64_t period_us, uint64_t now_us)
{
	uint64_t waiting = heartbeat_waiting_us(h, now_us);

	if (h->late_answer_end_us == 0 || now_us - h->late_answer_end_us > period_us || h->late_answer_us < waiting)
		return waiting;
	return h->late_answer_us;
}

/* A page that is awake makes one in each period until its patience is over.  One that sleeps leaves those behind that
 * it made without a network, and makes one when it wakes. */
static bool are_enough(const struct heartbeat *h, uint64_t period_us)
{
	uint64_t periods = h->gap_us / period_us;

	return h->late >= 2 && h->late >= (periods < PATIENCE_MAX ? periods : PATIENCE_MAX);
}

/* Whether they are as many as a page makes that gives up in a long gap: after 20 s if it compresses, its own clock
 * being a little late, else after 10. */
static bool are_few(const struct heartbeat *h, uint64_t period_us)
{
	uint32_t made = h->kind == HEARTBEAT_COMPRESSED ? PATIENCE_MAX - 1 : 2;

	return !are_enough(h, period_us) && h->late == made && h->gap_us / period_us <= LONG_GAP;
}

static bool is_behind_gap(const struct heartbeat *h, uint64_t period_us, uint64_t now_us)
{
	return h->gap_end_us != 0 && now_us - h->gap_end_us <= period_us;
}

uint64_t heartbeat_since_ping_us(const struct heartbeat *h, uint64_t period_us, uint64_t now_us)
{
	bool woke = h->gap_end_us != 0 && h->ping_us - h->gap_end_us < period_us / 2 && !are_enough(h, period_us);

	return now_us - h->ping_us + (woke ? h->gap_us : 0);
}

uint32_t heartbeat_late_pings(const struct heartbeat *h, uint64_t period_us, uint64_t now_us)
{
	return is_behind_gap(h, period_us, now_us) && are_enough(h, period_us) ? h->late : 0;
}

uint32_t heartbeat_few_pings(const struct heartbeat *h, uint64_t period_us, uint64_t now_us)
{
	return is_behind_gap(h, period_us, now_us) && are_few(h, period_us) ? h->late : 0;
}
