/* SPDX-License-Identifier: MIT */
/* What a page experienced; see page_evidence.h. */
#include "diagnosis/page_evidence.h"

#define CODE_NORMAL     1000
#define CODE_GOING_AWAY 1001

#define AT_PATIENCE_PART  20 /* of a period: a page gives up when a heartbeat is due, so right behind a Ping */
#define BEHIND_PING_PART  5  /* of a period: on a slow line it is later by the time its last answer took */
#define QUEUE_STUCK_US    UINT64_C(2000000)   /* a next hop that takes nothing for so long is not only slow */
#define BACK_BY_ITSELF_US UINT64_C(180000000) /* or as soon as they can, with a back-off of up to 30 s */
#define CUT_TOGETHER      4 /* others who were cut at the same time: so many do not close their tabs in one second */
#define SLOW_BEATS        3 /* late heartbeats in a row that make a page slow */

struct row {
	const char *label;
	enum page_class class;
	enum page_side side;
	const char *sentence;
};

static const struct row rows[] = {
#define PAGE_EVIDENCE(id, label, class, side, sentence) {label, PAGE_CLASS_##class, PAGE_SIDE_##side, sentence},
#include "tbl/page_evidence.h"
#undef PAGE_EVIDENCE
};

static const struct row *row_of(unsigned evidence)
{
	return &rows[evidence < PAGE_EVIDENCES ? evidence : PAGE_NONE];
}

const char *page_end_name(unsigned end)
{
	static const char *const names[PAGE_END_KINDS] = {"none", "client_close", "client_cut", "server",
	                                                  "ours", "moved",        "lost"};

	return end < PAGE_END_KINDS ? names[end] : "unknown";
}

const char *page_evidence_label(unsigned evidence)
{
	return row_of(evidence)->label;
}

const char *page_evidence_sentence(unsigned evidence)
{
	return row_of(evidence)->sentence;
}

enum page_class page_evidence_class(unsigned evidence)
{
	return row_of(evidence)->class;
}

enum page_side page_evidence_side(unsigned evidence)
{
	return row_of(evidence)->side;
}

static bool is_silent(const struct page_facts *f)
{
	return f->heartbeat_known && f->since_ping_us > f->period_us + f->period_us / 2;
}

/* What t3ops or the t3 server did, not the page: NONE if it was the client's side. */
static enum page_evidence of_our_side(const struct page_facts *f)
{
	switch (f->end) {
	case PAGE_END_MOVED:
		return PAGE_MOVED;
	case PAGE_END_OURS:
		return PAGE_CLOSED_BY_US;
	case PAGE_END_LOST:
		return is_silent(f) ? PAGE_WENT_SILENT : PAGE_LOST_BY_US;
	case PAGE_END_SERVER:
		return f->code == CODE_NORMAL ? PAGE_SERVER_DONE : PAGE_SERVER_ENDED;
	default:
		return PAGE_NONE;
	}
}

static bool is_waiting(const struct page_facts *f)
{
	return f->heartbeat_known && f->waiting_us > f->period_us;
}

/* A page that gives up does so when a period is over: its clock and ours differ by a little. */
static bool has_waited(const struct page_facts *f)
{
	return f->heartbeat_known && f->waiting_us > f->period_us - f->period_us / AT_PATIENCE_PART;
}

/* Not ended: whatever happened to it, it was not lost. */
static enum page_evidence of_open(const struct page_facts *f)
{
	if (!f->carried && f->age_us > f->period_us / 2)
		return PAGE_UNHEARD;
	if (f->late_pings == 0 && is_silent(f))
		return PAGE_WENT_SILENT;
	return f->late_pings > 0 || is_waiting(f) || f->late_beats >= SLOW_BEATS ? PAGE_LATE_HEARTBEAT : PAGE_NONE;
}

/* Closed with 1001: the user left, whatever else. */
static enum page_evidence of_leaving(const struct page_facts *f)
{
	if (f->late_pings > 0 || is_waiting(f))
		return PAGE_LEFT_HUNG;
	return is_silent(f) ? PAGE_WENT_SILENT : PAGE_ON_TIME;
}

static bool is_back_by_itself(const struct page_facts *f)
{
	return f->back == PAGE_BACK_BY_ITSELF && f->back_after_us <= BACK_BY_ITSELF_US;
}

/* What its heartbeat and its answers say: NONE if both were on time. */
static enum page_evidence of_heartbeat(const struct page_facts *f)
{
	if (f->late_pings > 0)
		return PAGE_LATE_PINGS;
	if (f->few_pings > 0 && (f->fault_known || is_back_by_itself(f)))
		return PAGE_FEW_PINGS;
	if (is_silent(f))
		return PAGE_WENT_SILENT;
	if (f->queued_us > QUEUE_STUCK_US)
		return PAGE_ANSWERS_NOT_TAKEN;
	return has_waited(f) ? PAGE_SERVER_LATE : PAGE_NONE;
}

static bool is_behind_ping(const struct page_facts *f, unsigned part)
{
	return f->heartbeat_known && f->since_ping_us < f->period_us / part && f->age_us > 2 * f->period_us;
}

/* Closed right behind a Ping, as a page does whose patience is over. */
static bool is_at_patience(const struct page_facts *f)
{
	return is_behind_ping(f, AT_PATIENCE_PART);
}

/* A slow line's page does so later behind it: only what it tried next can show that it was not by chance. */
static bool is_lost_on_slow_line(const struct page_facts *f)
{
	return is_behind_ping(f, BEHIND_PING_PART) && f->attempt_lost;
}

/* Whether its patience, of 2 or of 4 periods, began right before something large was sent to it. */
static bool is_behind_large(const struct page_facts *f)
{
	uint64_t ago_us = f->since_large_us, period_us = f->period_us, slack_us = period_us / AT_PATIENCE_PART;

	return (ago_us + slack_us >= period_us && ago_us <= 2 * period_us + slack_us) ||
	       (ago_us + slack_us >= 3 * period_us && ago_us <= 4 * period_us + slack_us);
}

/* Closed politely while its heartbeat was on time.  A page that replaces its connection may do so behind a Ping, too:
 * but then nothing keeps it from coming back. */
static enum page_evidence of_close(const struct page_facts *f)
{
	if (f->code != CODE_NORMAL)
		return PAGE_ON_TIME;
	if (is_lost_on_slow_line(f))
		return PAGE_ANSWERS_LOST;
	if (is_at_patience(f) && (f->fault_known || f->tabs_ended > 0 || is_behind_large(f)))
		return PAGE_ANSWERS_LOST;
	if (f->back != PAGE_NOT_BACK && f->back_after_us <= BACK_AT_ONCE_US)
		return PAGE_REPLACED;
	return is_at_patience(f) && is_back_by_itself(f) ? PAGE_ANSWERS_LOST : PAGE_ON_TIME;
}

/* The page lives, and nothing but a cut can have ended its tunnel: a browser that never says goodbye does so itself.
 */
static bool is_cut_alone(const struct page_facts *f)
{
	return (!f->no_goodbye || f->fault_known) && is_back_by_itself(f);
}

/* Others were cut with it: they did not all leave at once. */
static bool is_cut_with_others(const struct page_facts *f)
{
	if (f->others_ended == 0)
		return false;
	return !f->no_goodbye || is_back_by_itself(f) ||
	       (f->others_ended >= CUT_TOGETHER && f->back == PAGE_NOT_BACK && f->away_us >= AWAY_US);
}

/* All tabs of a browser share its connection over HTTP/2.  What it ends itself it ends one by one, or for long. */
static bool is_cut_with_tabs(const struct page_facts *f)
{
	return f->tabs_cut > 0 && f->tabs_back > f->tabs_cut;
}

/* Cut while its heartbeat was on time. */
static enum page_evidence of_cut(const struct page_facts *f)
{
	if (f->with_leg || is_cut_with_others(f))
		return PAGE_CUT;
	if (!f->heartbeat_known && f->idle_us > f->period_us + f->period_us / 2)
		return PAGE_WENT_SILENT;
	if (is_cut_alone(f) || is_cut_with_tabs(f))
		return PAGE_CUT;
	return f->heartbeat_known || f->back == PAGE_BACK_NAVIGATION ? PAGE_ON_TIME : PAGE_UNKNOWN;
}

enum page_evidence page_evidence_classify(const struct page_facts *f)
{
	enum page_evidence e = of_our_side(f);

	if (e != PAGE_NONE)
		return e;
	if (f->end == PAGE_END_NONE)
		return of_open(f);
	if (!f->carried)
		return PAGE_ABANDONED;
	if (f->end == PAGE_END_CLIENT_CLOSE && f->code == CODE_GOING_AWAY)
		return of_leaving(f);
	e = of_heartbeat(f);
	if (e != PAGE_NONE)
		return e;
	return f->end == PAGE_END_CLIENT_CLOSE ? of_close(f) : of_cut(f);
}

bool page_end_waits(const struct page_facts *f)
{
	enum page_class class = page_evidence_class(page_evidence_classify(f));

	if (class != PAGE_CLASS_LEFT && class != PAGE_CLASS_UNKNOWN)
		return false;
	return f->end == PAGE_END_CLIENT_CUT || (f->end == PAGE_END_CLIENT_CLOSE && f->code == CODE_NORMAL &&
	                                         (is_behind_ping(f, BEHIND_PING_PART) || f->few_pings > 0));
}

bool page_end_is_drop(const struct page_facts *f)
{
	return page_evidence_class(page_evidence_classify(f)) == PAGE_CLASS_DROP;
}
