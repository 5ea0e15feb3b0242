/* SPDX-License-Identifier: MIT */
/*
 * What a user's page experienced, from what its tunnel shows at t3ops: one pure function.  t3's page sends a Ping
 * every 5 s and gives up when it has waited too long for an answer; it then closes politely and comes back by
 * itself.  So how a connection ended says little, and what the heartbeat did before says nearly all.
 *
 * Read from top to bottom; the first line that fits decides.
 *
 *   t3ops moved it / closed it                               moved / closed_by_us
 *   t3ops lost it: silent / else                             went_silent / lost_by_us
 *   the t3 server ended it: closed with 1000 / else          server_done / server_ended
 *   not ended: it said nothing for half a period             unheard
 *     silent                                                 went_silent
 *     Pings or answers late, several times or by a period    late_heartbeat; else none
 *   no message either way: it never got the answer           abandoned
 *   closed with 1001: Pings came late, or one waits          left_hung
 *     silent                                                 went_silent; else on_time
 *   Pings that were made during a gap came at its end        late_pings
 *   too few of them for a page that was awake, and the       few_pings
 *     page is back by itself, or a leg fails
 *   silent: no Ping for more than one and a half periods     went_silent
 *   answers wait here, the next hop takes nothing            answers_not_taken
 *   a Ping waits for its answer longer than a period         server_late
 *   closed with 1000 at the end of a page's patience, while  answers_lost
 *     a leg fails, or a large answer was the first of those
 *     it missed, or the next upgrade misses its answer, too,
 *     or gets it late (a slow line's page may close up to a
 *     fifth of a period behind its Ping); or another tab gave
 *     up, a little sooner or later; or the page back by
 *     itself, not at once
 *     the user back within seconds                           replaced
 *   closed in another way                                    on_time
 *   no close frame: a leg broke at the same time; or the     cut
 *     page is back by itself, and its browser says goodbye,
 *     or a leg fails, or others were cut with it; or all
 *     tabs of the user were, and are back at once; or many
 *     were cut at once and none is back
 *   no close frame                                           on_time; unknown without a heartbeat
 *
 * Where the heartbeat is not known (another client, or the first seconds) the lines that need it do not fit.
 */
#ifndef T3OPS_DIAGNOSIS_PAGE_EVIDENCE_H
#define T3OPS_DIAGNOSIS_PAGE_EVIDENCE_H

#include <stdbool.h>
#include <stdint.h>

enum page_evidence {
#define PAGE_EVIDENCE(id, label, class, side, sentence) PAGE_##id,
#include "tbl/page_evidence.h"
#undef PAGE_EVIDENCE
	PAGE_EVIDENCES
};

enum page_class { PAGE_CLASS_UNKNOWN, PAGE_CLASS_LEFT, PAGE_CLASS_NOTHING, PAGE_CLASS_DROP, PAGE_CLASS_SLOW };
enum page_side { PAGE_SIDE_NOBODY, PAGE_SIDE_BEFORE_US, PAGE_SIDE_CUT, PAGE_SIDE_SERVE, PAGE_SIDE_DISPATCH };

const char *page_evidence_label(unsigned evidence); /* "none" beyond the table */
const char *page_evidence_sentence(unsigned evidence);
enum page_class page_evidence_class(unsigned evidence);
enum page_side page_evidence_side(unsigned evidence);

/* Who ended the tunnel, and how. */
enum page_end {
	PAGE_END_NONE,         /* it has not: judged while it is open */
	PAGE_END_CLIENT_CLOSE, /* its close frame came first; `code` */
	PAGE_END_CLIENT_CUT,   /* FIN, RST or a timeout on the client's side without a close frame */
	PAGE_END_SERVER,       /* the t3 server: a close frame of its own, or an end without one */
	PAGE_END_OURS,         /* t3ops closed it on purpose: user removed, session dead */
	PAGE_END_MOVED,        /* it goes on in another process */
	PAGE_END_LOST,         /* a process of t3ops ended with its bytes */
};

#define PAGE_END_KINDS (PAGE_END_LOST + 1)

const char *page_end_name(unsigned end); /* none client_close client_cut server ours moved lost; "unknown" beyond */

/* What the user did next; it is known a few seconds after the end. */
enum page_return {
	PAGE_NOT_BACK,
	PAGE_BACK_BY_ITSELF,  /* a new tunnel, no document loaded before it */
	PAGE_BACK_NAVIGATION, /* a document was loaded first */
};

/* What is known of a tunnel at its end.  Times are durations; 0: nothing of the kind. */
struct page_facts {
	enum page_end end;
	uint16_t code;           /* of the first close frame; 0: it carried none, or there was none */
	bool heartbeat_known;    /* its rhythm was recognised */
	uint64_t period_us;      /* of the heartbeat */
	uint64_t since_ping_us;  /* since the last Ping arrived */
	uint64_t waiting_us;     /* how long the oldest unanswered Ping has waited */
	uint32_t late_pings;     /* made during the last gap, arrived at its end, which was just now */
	uint32_t few_pings;      /* the same, but its device may have slept in the gap */
	uint64_t queued_us;      /* how long data for the client has waited without any being taken */
	uint64_t since_large_us; /* since the t3 server sent it something large */
	uint64_t age_us;         /* of the tunnel */
	bool carried;            /* a message went either way */
	uint64_t idle_us;        /* nothing came from the client for so long */
	enum page_return back;
	uint64_t back_after_us; /* if it is back */
	uint64_t away_us;       /* if it is not: for how long */
	bool attempt_lost;      /* since then an upgrade of the user was answered, and not heard of again for long */
	unsigned tabs_ended;    /* other tabs of the user that closed at their patience, each at another time */
	unsigned tabs_cut;      /* other tabs of the user that were cut in the same moment */
	unsigned tabs_back;    /* tunnels that the user opened within BACK_AT_ONCE_US, no document loaded before it */
	unsigned others_ended; /* tunnels of other users that were cut within a second */
	bool with_leg;         /* a shared leg broke within a second of its cut */
	bool fault_known;      /* a leg of its path fails, or did a moment ago */
	bool no_goodbye;       /* its browser may end tunnels itself, and not say so */
	uint32_t late_beats;   /* while it is open: heartbeats in a row that came late or were answered late */
};

#define BACK_AT_ONCE_US UINT64_C(5000000) /* pages come back after 1 to 3 s */
#define AWAY_US         UINT64_C(5000000) /* pages that many lost at once and nobody loaded again in so long were cut */

enum page_evidence page_evidence_classify(const struct page_facts *f);
/* Whether what comes next decides about this end. */
bool page_end_waits(const struct page_facts *f);
/* Whether the page lost its connection, as far as that is known at once: what comes next may show that it did. */
bool page_end_is_drop(const struct page_facts *f);

#endif
