/* SPDX-License-Identifier: MIT */
/* The page's heartbeat: clear and compressed, on time and late, answered and not; what is no Ping means nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "net/heartbeat.h"
#include "net/ws_frames.h"

#define S      UINT64_C(1000000)
#define PERIOD (5 * S)
#define START  (1000 * S)

static const char ping[] = "{\"_tag\":\"Ping\"}", pong[] = "{\"_tag\":\"Pong\"}", ack[] = "{\"_tag\":\"Ack\"}";

static enum heartbeat_frame frame_of(uint8_t first, const char *text)
{
	return heartbeat_frame(first, (const uint8_t *)text, strlen(text));
}

static void test_frames(void **state)
{
	static const struct {
		uint8_t first;
		const char *payload;
		enum heartbeat_frame frame;
	} cases[] = {
	    {0x81, ping, HEARTBEAT_PING},
	    {0x81, pong, HEARTBEAT_PONG},
	    {0x81, ack, HEARTBEAT_OTHER},
	    {0x82, ping, HEARTBEAT_OTHER}, /* binary */
	    {0x01, ping, HEARTBEAT_OTHER}, /* the first part of more */
	    {0x80, ping, HEARTBEAT_OTHER}, /* the last part of more */
	    {0x81, "{\"_tag\":\"Pi\"}", HEARTBEAT_OTHER},
	    {0x81, "", HEARTBEAT_OTHER},
	    {0xc1, "123", HEARTBEAT_OTHER},
	    {0xc1, "1234", HEARTBEAT_SMALL},
	    {0xc1, "12345678901234567", HEARTBEAT_SMALL},
	    {0xc1, "123456789012345678", HEARTBEAT_OTHER},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		if (frame_of(cases[i].first, cases[i].payload) != cases[i].frame)
			fail_msg("case %zu: %d", i, frame_of(cases[i].first, cases[i].payload));
}

/* What happens, in tenths of a second: P a Ping, O a Pong; s a small compressed frame, a another one, w something
 * that the server says. */
struct step {
	char what;
	unsigned at;
};

struct heartbeat_case {
	const char *name;
	struct step steps[16];
	unsigned now;
	enum heartbeat_kind kind;
	unsigned waiting; /* tenths */
	uint32_t late;
	unsigned gap; /* tenths */
	uint32_t few;
};

static const struct heartbeat_case cases[] = {
    {"nothing", {{0, 0}}, 600, HEARTBEAT_UNKNOWN, 0, 0, 0, 0},
    {"on time", {{'P', 0}, {'O', 0}, {'P', 50}, {'O', 50}, {'P', 100}, {'O', 101}}, 140, HEARTBEAT_CLEAR, 0, 0, 0, 0},
    {"a Ping that is missing", {{'P', 0}, {'O', 0}, {'P', 50}, {'O', 50}}, 126, HEARTBEAT_CLEAR, 0, 0, 0, 0},
    {"no answer", {{'P', 0}, {'O', 0}, {'P', 50}, {'P', 100}}, 150, HEARTBEAT_CLEAR, 100, 0, 0, 0},
    {"one answer of two", {{'P', 0}, {'O', 0}, {'P', 50}, {'P', 100}, {'O', 110}}, 150, HEARTBEAT_CLEAR, 50, 0, 0, 0},
    {"a hole: two Pings made meanwhile",
     {{'P', 0}, {'O', 0}, {'P', 50}, {'O', 50}, {'P', 140}, {'P', 141}},
     142,
     HEARTBEAT_CLEAR,
     2,
     2,
     90,
     0},
    {"a sleep: one Ping on waking", {{'P', 0}, {'O', 0}, {'P', 350}, {'O', 350}}, 352, HEARTBEAT_CLEAR, 0, 0, 350, 0},
    {"a sleep of a minute and more: one Ping that was stuck, and one on waking",
     {{'P', 0}, {'O', 0}, {'P', 50}, {'O', 50}, {'P', 760}, {'P', 760}},
     762,
     HEARTBEAT_CLEAR,
     2,
     0,
     710,
     0},
    {"an old page that gave up early in a long hole, or a laptop that slept behind a Ping that was stuck",
     {{'P', 0}, {'O', 0}, {'P', 50}, {'O', 50}, {'P', 450}, {'P', 450}},
     451,
     HEARTBEAT_CLEAR,
     1,
     0,
     400,
     2},
    {"the same, and the second one comes a moment later",
     {{'P', 0}, {'O', 0}, {'P', 50}, {'O', 50}, {'P', 450}, {'O', 450}, {'P', 453}},
     454,
     HEARTBEAT_CLEAR,
     1,
     0,
     400,
     2},
    {"the same, a period later", {{'P', 0}, {'P', 400}, {'P', 400}}, 451, HEARTBEAT_CLEAR, 451, 0, 400, 0},
    {"a sleep of ten seconds behind a Ping that was stuck",
     {{'P', 0}, {'O', 0}, {'P', 165}, {'P', 165}},
     166,
     HEARTBEAT_CLEAR,
     1,
     0,
     165,
     2},
    {"a sleep: two Pings that were stuck, and one on waking, where an old page would have made two",
     {{'P', 0}, {'P', 400}, {'P', 400}, {'P', 400}},
     401,
     HEARTBEAT_CLEAR,
     401,
     0,
     400,
     0},
    {"a hole: one Ping for each period of it",
     {{'P', 0}, {'P', 165}, {'P', 165}, {'P', 165}},
     166,
     HEARTBEAT_CLEAR,
     166,
     3,
     165,
     0},
    {"a hole: as many as a page can make until it gives up",
     {{'P', 0}, {'P', 400}, {'P', 400}, {'P', 401}, {'P', 401}},
     402,
     HEARTBEAT_CLEAR,
     402,
     4,
     400,
     0},
    {"a hole that is long past",
     {{'P', 0},
      {'P', 90},
      {'P', 91},
      {'O', 91},
      {'O', 91},
      {'O', 91},
      {'P', 100},
      {'O', 100},
      {'P', 150},
      {'O', 150}},
     155,
     HEARTBEAT_CLEAR,
     0,
     0,
     90,
     0},
    {"compressed: two small ones are no rhythm", {{'s', 0}, {'s', 50}}, 60, HEARTBEAT_UNKNOWN, 0, 0, 0, 0},
    {"compressed: three are", {{'s', 0}, {'s', 50}, {'s', 100}}, 110, HEARTBEAT_COMPRESSED, 0, 0, 0, 0},
    {"compressed: Acks between do not matter",
     {{'s', 0}, {'s', 3}, {'s', 50}, {'s', 61}, {'s', 100}},
     110,
     HEARTBEAT_COMPRESSED,
     0,
     0,
     0,
     0},
    {"compressed: off the grid", {{'s', 0}, {'s', 37}, {'s', 71}, {'s', 108}}, 110, HEARTBEAT_UNKNOWN, 0, 0, 0, 0},
    {"compressed: one that is missing", {{'s', 0}, {'s', 50}, {'s', 100}}, 180, HEARTBEAT_COMPRESSED, 0, 0, 0, 0},
    {"compressed, a hole: three that are alike came behind it",
     {{'s', 0}, {'w', 1}, {'s', 50}, {'w', 51}, {'s', 100}, {'w', 101}, {'s', 295}, {'s', 295}, {'s', 295}},
     296,
     HEARTBEAT_COMPRESSED,
     0,
     3,
     195,
     0},
    {"compressed, a hole: the server answers the first before the next is read",
     {{'s', 0},
      {'w', 1},
      {'s', 50},
      {'w', 51},
      {'s', 100},
      {'w', 101},
      {'s', 295},
      {'w', 295},
      {'s', 295},
      {'w', 295},
      {'s', 296}},
     296,
     HEARTBEAT_COMPRESSED,
     0,
     3,
     195,
     0},
    {"compressed, a sleep: one Ping that was stuck, and one on waking",
     {{'s', 0}, {'s', 50}, {'s', 100}, {'s', 395}, {'s', 395}},
     396,
     HEARTBEAT_COMPRESSED,
     0,
     0,
     295,
     0},
    {"compressed, a sleep: two Pings that were stuck, and one on waking",
     {{'s', 0}, {'s', 50}, {'s', 100}, {'s', 395}, {'s', 395}, {'s', 395}},
     396,
     HEARTBEAT_COMPRESSED,
     0,
     0,
     295,
     3},
    {"compressed, a hole: an Ack had changed what the first one looks like",
     {{'s', 0}, {'s', 50}, {'a', 51}, {'s', 100}, {'a', 101}, {'a', 295}, {'s', 295}, {'s', 295}, {'s', 295}},
     296,
     HEARTBEAT_COMPRESSED,
     0,
     4,
     195,
     0},
    {"compressed, a sleep: one Ping, and the page says something else",
     {{'s', 0}, {'s', 50}, {'s', 100}, {'s', 395}, {'a', 395}},
     396,
     HEARTBEAT_COMPRESSED,
     0,
     0,
     295,
     0},
    {"compressed, a sleep: what the server said meanwhile is acknowledged",
     {{'s', 0}, {'s', 50}, {'s', 100}, {'w', 130}, {'w', 160}, {'a', 395}, {'a', 395}, {'s', 395}},
     396,
     HEARTBEAT_COMPRESSED,
     0,
     0,
     295,
     0},
    {"compressed, a sleep: what the server says to the woken page is acknowledged",
     {{'s', 0}, {'s', 50}, {'s', 100}, {'a', 395}, {'w', 396}, {'a', 396}, {'a', 397}},
     397,
     HEARTBEAT_COMPRESSED,
     0,
     0,
     295,
     0},
    {"answers of a page that never pings", {{'O', 0}, {'O', 50}}, 60, HEARTBEAT_UNKNOWN, 0, 0, 0, 0},
};

static uint64_t tenths(unsigned t)
{
	return START + t * (S / 10);
}

static void page_sends(struct heartbeat *h, char what, uint64_t server_us, uint64_t now_us)
{
	const struct heartbeat_small f = {.frame = what == 'P' ? HEARTBEAT_PING : HEARTBEAT_SMALL,
	                                  .mark = heartbeat_mark((const uint8_t *)&what, 1),
	                                  .server_us = server_us};

	heartbeat_from_page(h, &f, PERIOD, now_us);
}

static void steps_take(struct heartbeat *h, const struct step *steps)
{
	uint64_t server_us = 0;

	for (const struct step *s = steps; s->what != 0; s++) {
		bool server = s->what == 'O' || s->what == 'w';

		server_us = server ? tenths(s->at) : server_us;
		if (s->what == 'O')
			heartbeat_from_server(h, HEARTBEAT_PONG, PERIOD, tenths(s->at));
		else if (!server)
			page_sends(h, s->what, server_us, tenths(s->at));
	}
}

static void test_heartbeats(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		const struct heartbeat_case *c = &cases[i];
		struct heartbeat h = {0};

		steps_take(&h, c->steps);
		if (h.kind != c->kind || heartbeat_waiting_us(&h, tenths(c->now)) != c->waiting * (S / 10) ||
		    heartbeat_late_pings(&h, PERIOD, tenths(c->now)) != c->late ||
		    heartbeat_few_pings(&h, PERIOD, tenths(c->now)) != c->few || h.gap_us != c->gap * (S / 10))
			fail_msg("%s: kind %u, waiting %llu, late %u, few %u, gap %llu", c->name, h.kind,
			         (unsigned long long)heartbeat_waiting_us(&h, tenths(c->now)),
			         heartbeat_late_pings(&h, PERIOD, tenths(c->now)),
			         heartbeat_few_pings(&h, PERIOD, tenths(c->now)), (unsigned long long)h.gap_us);
	}
}

static uint64_t since_ping_tenths(const struct step *steps, unsigned now)
{
	struct heartbeat h = {0};

	steps_take(&h, steps);
	return heartbeat_since_ping_us(&h, PERIOD, tenths(now)) / (S / 10);
}

/* One Ping at the end of a gap was made on waking; two were made on time. */
static void test_since_ping(void **state)
{
	static const struct step on_time[] = {{'P', 0}, {'P', 50}, {0, 0}}, slept[] = {{'P', 0}, {'P', 350}, {0, 0}},
	                         hole[] = {{'P', 0}, {'P', 140}, {'P', 141}, {0, 0}},
	                         stuck[] = {{'P', 0}, {'P', 350}, {'P', 352}, {0, 0}},
	                         awake_again[] = {{'P', 0}, {'P', 350}, {'P', 400}, {0, 0}};

	(void)state;
	assert_int_equal(since_ping_tenths(on_time, 70), 20);
	assert_int_equal(since_ping_tenths(slept, 351), 351);
	assert_int_equal(since_ping_tenths(hole, 142), 1);
	assert_int_equal(since_ping_tenths(stuck, 353), 351);
	assert_int_equal(since_ping_tenths(awake_again, 410), 10);
}

/* A path that delays Pings or answers shows as beats in a row that are late; one that does no longer ends that. */
static void test_late_beats(void **state)
{
	struct heartbeat h = {0};
	uint64_t now = START;

	(void)state;
	for (int i = 0; i < 5; i++, now += PERIOD + S / 30) { /* a page's own drift is none */
		page_sends(&h, 'P', 0, now);
		heartbeat_from_server(&h, HEARTBEAT_PONG, PERIOD, now + S / 100);
		assert_int_equal(h.late_beats, 0);
	}
	now += 3 * S;
	for (unsigned i = 0; i < 3; i++, now += PERIOD) {
		page_sends(&h, 'P', 0, now);
		heartbeat_from_server(&h, HEARTBEAT_PONG, PERIOD, now + S / 100);
		assert_int_equal(h.late_beats, i + 1);
	}
	now -= 3 * S;
	for (unsigned i = 0; i < 2; i++, now += PERIOD) {
		page_sends(&h, 'P', 0, now);
		heartbeat_from_server(&h, HEARTBEAT_PONG, PERIOD, now + S / 100);
	}
	assert_int_equal(h.late_beats, 0);
	for (unsigned i = 0; i < 3; i++, now += 2 * PERIOD) { /* a server that takes more than a period */
		page_sends(&h, 'P', 0, now - PERIOD);
		heartbeat_from_server(&h, HEARTBEAT_PONG, PERIOD, now + S / 10);
		assert_true(h.late_beats >= i + 1);
	}
}

/* A server that answers late, and then at once: the page that gives up meanwhile has waited for it. */
static void test_late_answer(void **state)
{
	static const struct step steps[] = {{'P', 0},   {'O', 0},   {'P', 50}, {'P', 100},
	                                    {'O', 130}, {'O', 130}, {0, 0}};
	struct heartbeat h = {0};

	(void)state;
	steps_take(&h, steps);
	assert_int_equal(heartbeat_waiting_us(&h, tenths(131)), 0);
	assert_int_equal(heartbeat_waited_us(&h, PERIOD, tenths(131)), 8 * S);
	assert_int_equal(heartbeat_waited_us(&h, PERIOD, tenths(190)), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_frames), cmocka_unit_test(test_heartbeats),
	                                   cmocka_unit_test(test_since_ping), cmocka_unit_test(test_late_answer),
	                                   cmocka_unit_test(test_late_beats)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
