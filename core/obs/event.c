/* SPDX-License-Identifier: MIT */
/* Events: their tables and their line; see event.h. */
#include "obs/event.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "sys/clock.h"

struct kind_row {
	const char *name;
	enum log_level level;
	bool journalled;
};

static const struct kind_row kinds[] = {
/* clang-format off */
#define EVENT_KIND(id, name, level, journalled, sentence) {name, LOG_L_##level, journalled},
/* clang-format on */
#include "tbl/event_kind.h"
#undef EVENT_KIND
};

struct reason_row {
	const char *label;
	enum end_side side;
	const char *sentence;
};

static const struct reason_row reasons[] = {
#define REASON(number, id, label, side, sentence) [number] = {label, SIDE_##side, sentence},
#include "tbl/close_reason.h"
#undef REASON
};

#define REASON(number, id, label, side, sentence) _Static_assert(number == (int)T3OPS_R_##id, "one number a reason");
#include "tbl/close_reason.h"
#undef REASON

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

/* The line as it grows; keeps counting beyond the room, like snprintf. */
struct line {
	char *out;
	size_t size, used;
};

static void add(struct line *l, const char *key, const char *value)
{
	size_t left = l->used < l->size ? l->size - l->used : 0;
	int n = snprintf(left > 0 ? l->out + l->used : NULL, left, "%s%s=", l->used > 0 ? " " : "", key);

	l->used += n > 0 ? (size_t)n : 0;
	left = l->used < l->size ? l->size - l->used : 0;
	l->used += log_quote(left > 0 ? l->out + l->used : NULL, left, value);
}

static void add_text(struct line *l, const char *key, const char *value)
{
	if (value[0] != '\0')
		add(l, key, value);
}

static void add_number(struct line *l, const char *key, uint64_t value)
{
	char text[24];

	if (value == 0)
		return;
	snprintf(text, sizeof text, "%" PRIu64, value);
	add(l, key, text);
}

static void add_seconds(struct line *l, const char *key, uint64_t us)
{
	char text[32];

	if (us == 0)
		return;
	snprintf(text, sizeof text, "%" PRIu64 ".%06us", us / 1000000, (unsigned)(us % 1000000));
	add(l, key, text);
}

size_t event_format(const struct event *e, char *out, size_t size)
{
	struct line l = {out, size, 0};

	if (size > 0)
		out[0] = '\0';
	add(&l, "event", event_kind_name(e->kind));
	add_number(&l, "id", e->id);
	add_text(&l, "plugin", e->plugin);
	add_text(&l, "user", e->user);
	if (e->step > 0)
		add(&l, "step", step_label(e->step));
	if (e->reason > 0)
		add(&l, "reason", reason_label(e->reason));
	add_number(&l, "code", e->code);
	add_text(&l, "address", e->address);
	add_text(&l, "colo", e->colo);
	add_seconds(&l, "age", e->age_us);
	add_seconds(&l, "rtt", e->rtt_us);
	add_seconds(&l, "idle_client", e->idle_client_us);
	add_seconds(&l, "idle_upstream", e->idle_upstream_us);
	add_number(&l, "bytes_up", e->bytes_up);
	add_number(&l, "bytes_down", e->bytes_down);
	add_number(&l, "count", e->count);
	add_text(&l, "segments", e->segments);
	add_text(&l, "text", e->text);
	return l.used;
}

void event_log(const struct event *e)
{
	char line[2048];
	const char *pairs;

	event_format(e, line, sizeof line);
	pairs = strchr(line, ' ');
	log_line(event_kind_level(e->kind), event_kind_name(e->kind), "%s", pairs ? pairs + 1 : "");
}

const char *event_kind_name(enum event_kind kind)
{
	return (unsigned)kind < EVENT_KINDS ? kinds[kind].name : "unknown";
}

enum log_level event_kind_level(enum event_kind kind)
{
	return (unsigned)kind < EVENT_KINDS ? kinds[kind].level : LOG_L_INFO;
}

bool event_kind_journalled(enum event_kind kind)
{
	return (unsigned)kind < EVENT_KINDS && kinds[kind].journalled;
}

enum event_kind event_kind_parse(const char *name)
{
	unsigned kind = 0;

	while (kind < EVENT_KINDS && strcmp(kinds[kind].name, name) != 0)
		kind++;
	return (enum event_kind)kind;
}

static const struct reason_row *reason_row(unsigned reason)
{
	static const struct reason_row unknown = {"unknown", SIDE_NOBODY, "not a reason that this version knows"};

	return reason < sizeof reasons / sizeof reasons[0] ? &reasons[reason] : &unknown;
}

const char *reason_label(unsigned reason)
{
	return reason_row(reason)->label;
}

const char *reason_sentence(unsigned reason)
{
	return reason_row(reason)->sentence;
}

enum end_side reason_side(unsigned reason)
{
	return reason_row(reason)->side;
}

const char *step_label(unsigned step)
{
	static const char *const labels[] = {"none", "dns", "connect", "tls", "http", "open"};

	return step < sizeof labels / sizeof labels[0] ? labels[step] : "unknown";
}
