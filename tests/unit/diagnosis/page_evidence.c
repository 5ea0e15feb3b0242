/* SPDX-License-Identifier: MIT */
/* What a page experienced: every way in which a user's WebSocket was seen to end, and its neighbours. */
#include "diagnosis/page_evidence.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define MS(n) ((uint64_t)(n)*1000)
#define S(n)  MS((n)*1000)

struct end {
	const char *what;
	struct page_facts facts;
	enum page_evidence want;
};

/* A page that has worked for a while and pinged so long ago. */
#define PAGE(since)                                                                                                  \
	.heartbeat_known = true, .period_us = S(5), .age_us = S(600), .carried = true, .since_ping_us = since
#define CLOSE(c)      .end = PAGE_END_CLIENT_CLOSE, .code = c
#define CUT_          .end = PAGE_END_CLIENT_CUT
#define BACK(how, ms) .back = PAGE_BACK_##how, .back_after_us = MS(ms)

static const struct end ends[] = {
    /* As measured with real pages. */
    {"1: F5, navigation, tab closed", {PAGE(MS(2500)), CLOSE(1001)}, PAGE_ON_TIME},
    {"1: and back with a navigation", {PAGE(MS(2500)), CLOSE(1001), BACK(NAVIGATION, 300)}, PAGE_ON_TIME},
    {"2: F5 while busy: a Ping of a moment ago is unanswered",
     {PAGE(MS(2500)), CLOSE(1001), .waiting_us = MS(2500)},
     PAGE_ON_TIME},
    {"3: F5 over RFC 8441", {PAGE(MS(2500)), CUT_, BACK(NAVIGATION, 200)}, PAGE_ON_TIME},
    {"4: laptop closed, the edge ends it",
     {.heartbeat_known = true, .period_us = S(5), .age_us = S(600), .carried = true, .since_ping_us = S(100), CUT_},
     PAGE_WENT_SILENT},
    {"5: Wi-Fi hole of 9 s", {PAGE(0), CLOSE(1000), .late_pings = 2, BACK(BY_ITSELF, 1000)}, PAGE_LATE_PINGS},
    {"20: too few Pings for its gap, and back by itself: cut off and gave up, or slept right behind a Ping that was "
     "stuck",
     {PAGE(S(40)), CLOSE(1000), .few_pings = 2, BACK(BY_ITSELF, 1000)},
     PAGE_FEW_PINGS},
    {"20: back with a navigation",
     {PAGE(S(40)), CLOSE(1000), .few_pings = 2, BACK(NAVIGATION, 1000)},
     PAGE_WENT_SILENT},
    {"20: not back yet", {PAGE(S(40)), CLOSE(1000), .few_pings = 2}, PAGE_WENT_SILENT},
    {"20: while a leg fails", {PAGE(S(40)), CLOSE(1000), .few_pings = 2, .fault_known = true}, PAGE_FEW_PINGS},
    {"20: without a close frame", {PAGE(S(40)), CUT_, .few_pings = 2, BACK(BY_ITSELF, 1000)}, PAGE_FEW_PINGS},
    {"20: left", {PAGE(S(40)), CLOSE(1001), .few_pings = 2, BACK(BY_ITSELF, 1000)}, PAGE_WENT_SILENT},
    {"6: server stalled, old page", {PAGE(MS(3)), CLOSE(1000), .waiting_us = S(10)}, PAGE_SERVER_LATE},
    {"6: server stalled, new page", {PAGE(MS(3)), CLOSE(1000), .waiting_us = S(20)}, PAGE_SERVER_LATE},
    {"7: slow last mile under a large answer",
     {PAGE(MS(2500)), CLOSE(1000), .queued_us = S(10)},
     PAGE_ANSWERS_NOT_TAKEN},
    {"7: and it breaks", {PAGE(MS(2500)), CUT_, .queued_us = S(10)}, PAGE_ANSWERS_NOT_TAKEN},
    {"8: t3 stopped by SIGTERM", {PAGE(MS(2500)), .end = PAGE_END_SERVER}, PAGE_SERVER_ENDED},
    {"9: an attempt that the page gave up long ago",
     {.end = PAGE_END_CLIENT_CUT, .age_us = 300, .period_us = S(5)},
     PAGE_ABANDONED},
    {"10: all end within a second from the proxy's side, and come back",
     {PAGE(MS(2500)), CUT_, .others_ended = 3, .no_goodbye = true, BACK(BY_ITSELF, 2000)},
     PAGE_CUT},
    {"10: and a leg broke with them", {PAGE(MS(2500)), CUT_, .with_leg = true}, PAGE_CUT},
    {"10: of browsers that say goodbye when they leave", {PAGE(MS(2500)), CUT_, .others_ended = 1}, PAGE_CUT},
    {"10: many, and nobody is back",
     {PAGE(MS(2500)), CUT_, .others_ended = 4, .no_goodbye = true, .away_us = S(5)},
     PAGE_CUT},
    {"many reload in one second over HTTP/2",
     {PAGE(MS(2500)), CUT_, .others_ended = 9, .no_goodbye = true, BACK(NAVIGATION, 300), .away_us = S(5)},
     PAGE_ON_TIME},
    {"two close their tabs in one second over HTTP/2",
     {PAGE(MS(2500)), CUT_, .others_ended = 1, .no_goodbye = true, .away_us = S(9)},
     PAGE_ON_TIME},
    {"11: the page replaced its connection", {PAGE(MS(2500)), CLOSE(1000), BACK(BY_ITSELF, 1500)}, PAGE_REPLACED},
    {"12: we closed it", {PAGE(MS(2500)), .end = PAGE_END_OURS, .code = 1008}, PAGE_CLOSED_BY_US},
    {"13: moved by a reload or an upgrade", {PAGE(MS(2500)), .end = PAGE_END_MOVED}, PAGE_MOVED},
    {"14: proxy process killed", {PAGE(MS(2500)), .end = PAGE_END_LOST}, PAGE_LOST_BY_US},
    {"14: while its laptop slept", {PAGE(S(100)), .end = PAGE_END_LOST}, PAGE_WENT_SILENT},
    {"the t3 server had finished", {PAGE(MS(2500)), .end = PAGE_END_SERVER, .code = 1000}, PAGE_SERVER_DONE},
    {"it restarts", {PAGE(MS(2500)), .end = PAGE_END_SERVER, .code = 1001}, PAGE_SERVER_ENDED},
    {"15: brown-out before us, still open", {PAGE(MS(2500)), .late_beats = 3}, PAGE_LATE_HEARTBEAT},
    {"16: back from another address, no late Pings", {PAGE(S(30)), CUT_, BACK(BY_ITSELF, 100)}, PAGE_WENT_SILENT},
    {"17: answers lost between us and the page",
     {PAGE(MS(4)), CLOSE(1000), BACK(BY_ITSELF, 12000)},
     PAGE_ANSWERS_LOST},
    {"17: and no longer: a page that replaces its connection behind a Ping looks the same",
     {PAGE(MS(4)), CLOSE(1000), BACK(BY_ITSELF, 2000)},
     PAGE_REPLACED},
    {"17: while a leg fails", {PAGE(MS(4)), CLOSE(1000), .fault_known = true}, PAGE_ANSWERS_LOST},
    {"17: an old page, and what it missed first was a large answer",
     {PAGE(MS(4)), CLOSE(1000), .since_large_us = S(8)},
     PAGE_ANSWERS_LOST},
    {"17: the same of a new page", {PAGE(MS(4)), CLOSE(1000), .since_large_us = S(17)}, PAGE_ANSWERS_LOST},
    {"17: a large answer of another time", {PAGE(MS(4)), CLOSE(1000), .since_large_us = S(12)}, PAGE_ON_TIME},
    {"17: and of long ago", {PAGE(MS(4)), CLOSE(1000), .since_large_us = S(40)}, PAGE_ON_TIME},
    {"17: what it tries next gets no answer, either",
     {PAGE(MS(4)), CLOSE(1000), BACK(BY_ITSELF, 1000), .attempt_lost = true},
     PAGE_ANSWERS_LOST},
    {"17: the same on a line whose answers take 0.8 s",
     {PAGE(MS(800)), CLOSE(1000), BACK(BY_ITSELF, 1000), .attempt_lost = true},
     PAGE_ANSWERS_LOST},
    {"17: on a slow line, and nothing but its return to show for it",
     {PAGE(MS(800)), CLOSE(1000), BACK(BY_ITSELF, 12000)},
     PAGE_ON_TIME},
    {"17: closed in the middle of a period, and the next attempt is lost: two things",
     {PAGE(MS(2500)), CLOSE(1000), BACK(BY_ITSELF, 1000), .attempt_lost = true},
     PAGE_REPLACED},
    {"17: another tab gave up, too, at its own time",
     {PAGE(MS(4)), CLOSE(1000), BACK(BY_ITSELF, 1000), .tabs_ended = 1},
     PAGE_ANSWERS_LOST},
    {"another tab gave up, and this one replaced its connection in the middle of a period",
     {PAGE(MS(2500)), CLOSE(1000), BACK(BY_ITSELF, 1000), .tabs_ended = 1},
     PAGE_REPLACED},
    {"17: not back yet", {PAGE(MS(4)), CLOSE(1000)}, PAGE_ON_TIME},
    {"18: F5 on a hung page", {PAGE(MS(2500)), CLOSE(1001), .waiting_us = S(7)}, PAGE_LEFT_HUNG},
    {"19: page slept, woke and closed", {PAGE(S(9)), CLOSE(1000)}, PAGE_WENT_SILENT},

    /* Their neighbours. */
    {"open and well", {PAGE(MS(2500))}, PAGE_NONE},
    {"open, two late heartbeats", {PAGE(MS(2500)), .late_beats = 2}, PAGE_NONE},
    {"open and silent for a while", {PAGE(S(30))}, PAGE_WENT_SILENT},
    {"open, the server does not answer", {PAGE(MS(2500)), .waiting_us = S(6)}, PAGE_LATE_HEARTBEAT},
    {"open, a gap that the page bore", {PAGE(MS(2500)), .late_pings = 3}, PAGE_LATE_HEARTBEAT},
    {"open, upgraded a while ago, and it has said nothing", {.age_us = S(3), .period_us = S(5)}, PAGE_UNHEARD},
    {"open, just made", {.age_us = MS(10), .period_us = S(5)}, PAGE_NONE},
    {"F5 behind late Pings", {PAGE(0), CLOSE(1001), .late_pings = 2}, PAGE_LEFT_HUNG},
    {"a page that slept, woke and was left", {PAGE(S(900)), CLOSE(1001)}, PAGE_WENT_SILENT},
    {"late Pings win over answers that wait",
     {PAGE(MS(2500)), CLOSE(1000), .late_pings = 1, .waiting_us = S(9)},
     PAGE_LATE_PINGS},
    {"never the server while its answers wait here",
     {PAGE(MS(2500)), CLOSE(1000), .waiting_us = S(10), .queued_us = S(10)},
     PAGE_ANSWERS_NOT_TAKEN},
    {"F5 under a large answer", {PAGE(MS(2500)), CLOSE(1001), .queued_us = S(4)}, PAGE_ON_TIME},
    {"a Ping waits for exactly a period when the page closes",
     {PAGE(MS(2500)), CLOSE(1000), .waiting_us = S(5), BACK(BY_ITSELF, 900)},
     PAGE_SERVER_LATE},
    {"a Ping waits for less than that",
     {PAGE(MS(2500)), CLOSE(1000), .waiting_us = MS(4500), BACK(BY_ITSELF, 900)},
     PAGE_REPLACED},
    {"the heartbeat is a little late", {PAGE(S(7)), CLOSE(1000)}, PAGE_ON_TIME},
    {"closed with 1000, never back", {PAGE(MS(2500)), CLOSE(1000)}, PAGE_ON_TIME},
    {"closed with 1000, back after a while", {PAGE(MS(2500)), CLOSE(1000), BACK(BY_ITSELF, 60000)}, PAGE_ON_TIME},
    {"closed with 1000 behind a Ping, then a navigation",
     {PAGE(MS(4)), CLOSE(1000), BACK(NAVIGATION, 500)},
     PAGE_REPLACED},
    {"closed without a code", {PAGE(MS(2500)), CLOSE(0)}, PAGE_ON_TIME},
    {"cut, alone, never back", {PAGE(MS(2500)), CUT_}, PAGE_ON_TIME},
    {"cut, back by itself at once: of a browser that says goodbye",
     {PAGE(MS(2500)), CUT_, BACK(BY_ITSELF, 1200)},
     PAGE_CUT},
    {"cut, back by itself as soon as it could", {PAGE(MS(2500)), CUT_, BACK(BY_ITSELF, 30000)}, PAGE_CUT},
    {"over HTTP/2 it may have been frozen, or another one is shown again",
     {PAGE(MS(2500)), CUT_, BACK(BY_ITSELF, 1200), .no_goodbye = true},
     PAGE_ON_TIME},
    {"unless another tab was cut with it, and both are back",
     {PAGE(MS(2500)), CUT_, BACK(BY_ITSELF, 1200), .no_goodbye = true, .tabs_cut = 1, .tabs_back = 2},
     PAGE_CUT},
    {"two tabs were closed, and another one is there again",
     {PAGE(MS(2500)), CUT_, BACK(BY_ITSELF, 1200), .no_goodbye = true, .tabs_cut = 1, .tabs_back = 1},
     PAGE_ON_TIME},
    {"unless something else broke",
     {PAGE(MS(2500)), CUT_, BACK(BY_ITSELF, 1200), .no_goodbye = true, .fault_known = true},
     PAGE_CUT},
    {"cut, back by itself after hours of sleep", {PAGE(MS(2500)), CUT_, BACK(BY_ITSELF, 7200000)}, PAGE_ON_TIME},
    {"cut by the server's crash", {PAGE(MS(2500)), .end = PAGE_END_SERVER, .waiting_us = S(9)}, PAGE_SERVER_ENDED},
    {"no heartbeat known: closed politely",
     {.end = PAGE_END_CLIENT_CLOSE, .code = 1000, .age_us = S(9), .carried = true},
     PAGE_ON_TIME},
    {"no heartbeat known: cut, alone", {CUT_, .age_us = S(9), .carried = true}, PAGE_UNKNOWN},
    {"no heartbeat known: cut, a navigation",
     {CUT_, .age_us = S(9), .carried = true, BACK(NAVIGATION, 100)},
     PAGE_ON_TIME},
    {"no heartbeat known: cut with others, and back",
     {CUT_, .age_us = S(9), .carried = true, .others_ended = 1, BACK(BY_ITSELF, 2000)},
     PAGE_CUT},
    {"no heartbeat known: the client took nothing",
     {CUT_, .age_us = S(90), .carried = true, .queued_us = S(30)},
     PAGE_ANSWERS_NOT_TAKEN},
    {"an upgrade whose answer never came, given up at its patience",
     {CUT_, .age_us = S(15), .others_ended = 1},
     PAGE_ABANDONED},
    {"the same, closed", {.end = PAGE_END_CLIENT_CLOSE, .code = 1000, .age_us = S(10)}, PAGE_ABANDONED},
    {"the page gives up a moment before its next Ping is due",
     {PAGE(S(5) - MS(3)), CLOSE(1000), .waiting_us = S(5) - MS(3)},
     PAGE_SERVER_LATE},
    {"no heartbeat known, silent for long, cut, and back by itself: it slept",
     {CUT_, .age_us = S(110), .period_us = S(5), .carried = true, .idle_us = S(100), BACK(BY_ITSELF, 900)},
     PAGE_WENT_SILENT},
    {"a short life with a message", {CUT_, .age_us = MS(50), .carried = true}, PAGE_UNKNOWN},
};

static void every_end(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
		enum page_evidence got = page_evidence_classify(&ends[i].facts);

		if (got != ends[i].want)
			fail_msg("%s: %s, not %s", ends[i].what, page_evidence_label(got),
			         page_evidence_label(ends[i].want));
	}
}

/* Every row of the table is reached, and says who is accused exactly if it is a drop. */
static void every_row(void **state)
{
	(void)state;
	for (unsigned e = PAGE_NONE; e < PAGE_EVIDENCES; e++) {
		bool reached = false, accuses = page_evidence_side(e) != PAGE_SIDE_NOBODY;

		for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++)
			reached = reached || ends[i].want == e;
		if (!reached)
			fail_msg("no end is %s", page_evidence_label(e));
		assert_int_equal(accuses, page_evidence_class(e) == PAGE_CLASS_DROP);
		assert_true(strlen(page_evidence_sentence(e)) > 0);
		for (unsigned k = PAGE_NONE; k < e; k++)
			assert_string_not_equal(page_evidence_label(k), page_evidence_label(e));
	}
	assert_string_equal(page_evidence_label(PAGE_EVIDENCES), "none");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_end),
	    cmocka_unit_test(every_row),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
