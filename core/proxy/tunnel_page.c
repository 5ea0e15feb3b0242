/* SPDX-License-Identifier: MIT */
/* What the page experiences; see tunnel_page.h. */
#include "proxy/tunnel_page.h"

#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "proxy/worker.h"
#include "sys/clock.h"

static uint64_t period_of(const struct tunnel *t)
{
	return t->worker->conf.page_heartbeat_us;
}

void tunnel_page_frame(void *arg, uint8_t first, const uint8_t *payload, size_t len)
{
	struct tunnel_side *side = arg;
	struct tunnel *t = side->tunnel;
	struct heartbeat_small f = {.frame = heartbeat_frame(first, payload, len), .server_us = t->upstream.last_us};

	if (f.frame == HEARTBEAT_OTHER)
		return;
	if (side == &t->upstream) {
		heartbeat_from_server(&t->page.heartbeat, f.frame, period_of(t), side->last_us);
		return;
	}
	f.mark = heartbeat_mark(payload, len);
	heartbeat_from_page(&t->page.heartbeat, &f, period_of(t), side->last_us);
	tunnel_page_count(t, side->last_us);
}

void tunnel_page_answer(struct tunnel *t, size_t n, uint64_t now_us)
{
	bursts_add(&t->page.answers, n, now_us);
}

/* Whether the kernel still holds something for the client, and how much the client has acknowledged so far. */
static bool is_unacked(int fd, uint32_t *acked)
{
	struct tcp_info info = {0};
	socklen_t len = sizeof info;

	if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len) < 0)
		return false;
	*acked = (uint32_t)info.tcpi_bytes_acked;
	return info.tcpi_unacked > 0 || info.tcpi_notsent_bytes > 0;
}

void tunnel_page_count(struct tunnel *t, uint64_t now_us)
{
	uint32_t acked = t->page.acked;
	bool waits = is_unacked(t->client.io.fd, &acked) || buf_len(&t->client.out) > 0;

	if (!waits)
		t->page.stuck_us = 0;
	else if (t->page.stuck_us == 0 || acked != t->page.acked)
		t->page.stuck_us = now_us;
	t->page.acked = acked;
}

/* Since when an answer is due.  Compressed answers are not followed: a server that sends nothing for two periods of
 * Pings answers none. */
static uint64_t waiting_us(const struct tunnel *t, enum page_end end, uint64_t now_us)
{
	const struct heartbeat *h = &t->page.heartbeat;
	uint64_t quiet_us = now_us - t->upstream.last_us, period_us = period_of(t);

	if (h->kind != HEARTBEAT_COMPRESSED)
		return end == PAGE_END_NONE ? heartbeat_waiting_us(h, now_us)
		                            : heartbeat_waited_us(h, period_us, now_us);
	return quiet_us > 2 * period_us ? quiet_us - period_us : 0;
}

static bool is_carrying(const struct tunnel *t)
{
	return t->client.frames.messages > 0 || t->upstream.frames.messages > 0;
}

void tunnel_page_fill(const struct tunnel *t, enum page_end end, uint64_t now_us, struct event_page *out)
{
	const struct heartbeat *h = &t->page.heartbeat;
	bool known = h->kind != HEARTBEAT_UNKNOWN;

	*out = (struct event_page){.end = (uint8_t)end,
	                           .heartbeat = h->kind,
	                           .carried = is_carrying(t),
	                           .late_pings = heartbeat_late_pings(h, period_of(t), now_us),
	                           .few_pings = heartbeat_few_pings(h, period_of(t), now_us),
	                           .late_beats = h->late_beats,
	                           .since_ping_us = known ? heartbeat_since_ping_us(h, period_of(t), now_us) : 0,
	                           .waiting_us = waiting_us(t, end, now_us),
	                           .queued_us = t->page.stuck_us > 0 ? now_us - t->page.stuck_us : 0,
	                           .since_large_us = t->page.answers.large_us > 0 ? now_us - t->page.answers.large_us
	                                                                          : 0};
}

bool tunnel_page_is_drop(const struct tunnel *t, const struct event_page *page, uint16_t code, uint64_t now_us)
{
	const struct page_facts facts = {.end = (enum page_end)page->end,
	                                 .code = code,
	                                 .heartbeat_known = page->heartbeat != HEARTBEAT_UNKNOWN,
	                                 .period_us = period_of(t),
	                                 .since_ping_us = page->since_ping_us,
	                                 .waiting_us = page->waiting_us,
	                                 .late_pings = page->late_pings,
	                                 .few_pings = page->few_pings,
	                                 .queued_us = page->queued_us,
	                                 .since_large_us = page->since_large_us,
	                                 .age_us = now_us - t->opened_us,
	                                 .carried = page->carried,
	                                 .idle_us = now_us - t->client.last_us};

	return page_end_is_drop(&facts);
}

bool tunnel_page_changed(struct tunnel *t, uint64_t now_us)
{
	const struct heartbeat *h = &t->page.heartbeat;
	struct page_facts facts = {.end = PAGE_END_NONE,
	                           .heartbeat_known = h->kind != HEARTBEAT_UNKNOWN,
	                           .period_us = period_of(t),
	                           .since_ping_us = now_us - h->ping_us,
	                           .waiting_us = heartbeat_waiting_us(h, now_us),
	                           .late_beats = h->late_beats,
	                           .age_us = now_us - t->opened_us,
	                           .carried = is_carrying(t)};
	enum page_evidence evidence = page_evidence_classify(&facts);

	if (evidence == t->page.evidence)
		return false;
	t->page.evidence = (uint8_t)evidence;
	return true;
}
