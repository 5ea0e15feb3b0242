/* SPDX-License-Identifier: MIT */
/* Events: their tables and their line; see event.h. */
#include "obs/event.h"

#include <string.h>

#include "sys/clock.h"

#define EVENT_PAIRS 30

struct kind_row {
	const char *name;
	enum log_level level;
	bool journalled;
	enum kv_key id, code, count, text; /* how the log line calls them */
};

static const struct kind_row kinds[] = {
/* clang-format off */
#define EVENT_KIND(ident, name, level, journalled, id, code, count, text, sentence)                                  \
	[EVENT_##ident] = {name, LOG_L_##level, journalled, KV_##id, KV_##code, KV_##count, KV_##text},
/* clang-format on */
#include "tbl/event_kind.h"
#undef EVENT_KIND
};

void event_init(struct event *e, enum event_kind kind, uint8_t process)
{
	memset(e, 0, sizeof *e);
	e->time_us = clock_wall_us();
	e->mono_us = clock_mono_us();
	e->kind = (uint16_t)kind;
	e->process = process;
}

void event_copy(char *out, size_t size, const char *text)
{
	size_t len = strlen(text);

	if (len >= size) {
		len = size - 1;
		while (len > 0 && ((unsigned char)text[len] & 0xc0) == 0x80)
			len--;
	}
	memcpy(out, text, len);
	out[len] = '\0';
}

/* A number that is 0 is left out. */
static struct kv number(enum kv_key key, uint64_t value)
{
	return (struct kv){.key = value != 0 ? key : KV_none, .number = (int64_t)value};
}

static struct kv text(enum kv_key key, const char *value)
{
	return (struct kv){.key = key, .text = value};
}

/* One slot holds both: an HTTP status is below 1000, a close code is not.  An exit code says something when it is 0.
 */
static struct kv code(const struct event *e, enum kv_key key)
{
	if (key == KV_exit_code)
		return e->code == EVENT_EXIT_UNKNOWN ? kv_none() : kv_exit_code(e->code);
	return number(key == KV_close_code && e->code < 1000 ? KV_http_status : key, e->code);
}

/* What was waited for, and how long, is said in one field. */
static enum kv_key wait_key(unsigned kind)
{
	switch (kind) {
	case EVENT_LEG_LATE:
		return KV_unanswered_ms;
	case EVENT_LEG_ATTEMPT:
	case EVENT_LEG_FRESH_FAILED:
		return KV_step_ms;
	default:
		return KV_rtt_ms;
	}
}

/* What to do, of kinds whose other texts say what happened. */
static const char *hint_of(unsigned kind)
{
	switch (kind) {
	case EVENT_UPSTREAM_IMPOSTOR:
		return "end that process, and start the user's t3 server; if it is to be trusted as it is, add its "
		       "address to "
		       "trusted_upstreams";
	case EVENT_CONTROL_REFUSED:
		return "look at what that process did, and restart t3ops; t3opsctl needs another account than those "
		       "of t3ops";
	default:
		return NULL;
	}
}

static const struct kind_row *kind_row(unsigned kind)
{
	static const struct kind_row unknown = {.name = "unknown", .level = LOG_L_INFO};

	return kind < EVENT_KINDS ? &kinds[kind] : &unknown;
}

static size_t pairs_fill(const struct event *e, struct kv out[EVENT_PAIRS])
{
	const struct kind_row *k = kind_row(e->kind);
	const struct kv all[] = {
	    number(k->id, e->id),
	    text(KV_plugin, e->plugin),
	    text(KV_callback, e->callback),
	    text(KV_vantage, e->vantage),
	    text(KV_requester, e->requester),
	    text(KV_command, e->command),
	    text(e->kind == EVENT_REQUEST_REJECTED ? KV_identity : KV_user, e->user),
	    text(KV_step, e->step > 0 ? step_label(e->step) : NULL),
	    text(KV_reason, e->reason > 0 ? reason_label(e->reason) : NULL),
	    code(e, k->code),
	    text(e->kind == EVENT_IDENTITY_IGNORED ? KV_peer : KV_client, e->address),
	    text(KV_url_path, e->path),
	    text(KV_user_agent, e->user_agent),
	    text(KV_colo, e->colo),
	    number(KV_duration_ms, e->age_us),
	    number(wait_key(e->kind), e->rtt_us),
	    number(KV_idle_client_ms, e->idle_client_us),
	    number(KV_idle_upstream_ms, e->idle_upstream_us),
	    number(KV_bytes_up, e->bytes_up),
	    number(KV_bytes_down, e->bytes_down),
	    number(KV_since_ping_ms, e->page.since_ping_us),
	    number(KV_waiting_ms, e->page.waiting_us),
	    number(KV_queued_ms, e->page.queued_us),
	    number(KV_since_large_ms, e->page.since_large_us),
	    number(KV_late_pings, e->page.late_pings),
	    number(KV_few_pings, e->page.few_pings),
	    number(k->count, e->count),
	    text(KV_segments, e->segments),
	    text(k->text, e->text),
	    text(KV_hint, hint_of(e->kind)),
	};

	_Static_assert(sizeof all == EVENT_PAIRS * sizeof(struct kv), "EVENT_PAIRS");
	memcpy(out, all, sizeof all);
	return EVENT_PAIRS;
}

size_t event_format(const struct event *e, char *out, size_t size)
{
	struct kv pairs[1 + EVENT_PAIRS] = {kv_event(event_kind_name(e->kind))};

	return kv_format(out, size, pairs, 1 + pairs_fill(e, pairs + 1));
}

size_t event_format_json(const struct event *e, char *out, size_t size)
{
	struct kv pairs[1 + EVENT_PAIRS] = {kv_event(event_kind_name(e->kind))};

	return kv_format_json(out, size, pairs, 1 + pairs_fill(e, pairs + 1));
}

uint64_t event_incident(const struct event *e)
{
	return kind_row(e->kind)->id == KV_incident ? e->id : 0;
}

void event_log(const struct event *e)
{
	struct kv pairs[EVENT_PAIRS];

	log_pairs(event_kind_level(e->kind), event_kind_name(e->kind), pairs, pairs_fill(e, pairs));
}

const char *event_kind_name(enum event_kind kind)
{
	return kind_row(kind)->name;
}

enum log_level event_kind_level(enum event_kind kind)
{
	return kind_row(kind)->level;
}

bool event_kind_journalled(enum event_kind kind)
{
	return kind_row(kind)->journalled;
}

enum event_kind event_kind_parse(const char *name)
{
	unsigned kind = 0;

	while (kind < EVENT_KINDS && strcmp(kinds[kind].name, name) != 0)
		kind++;
	return (enum event_kind)kind;
}
