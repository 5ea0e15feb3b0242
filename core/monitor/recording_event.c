/* SPDX-License-Identifier: MIT */
/* Events in a recording; see recording_event.h. */
#include "monitor/recording_event.h"

#include <errno.h>

#include "diagnosis/page_evidence.h"
#include "ipc/message.h"
#include "tbl/reason.h"

#define STEPS 6

static const char *kind_name(unsigned kind)
{
	return event_kind_name((enum event_kind)kind);
}

static const char *process_label(unsigned process)
{
	return process_name((enum process_id)process);
}

static const struct field page_fields[] = {
    LABEL(struct event_page, end, page_end_name, PAGE_END_KINDS),
    NUMBER(struct event_page, heartbeat),
    FLAG(struct event_page, carried),
    NUMBER(struct event_page, late_pings),
    NUMBER(struct event_page, few_pings),
    NUMBER(struct event_page, late_beats),
    NUMBER(struct event_page, since_ping_us),
    NUMBER(struct event_page, waiting_us),
    NUMBER(struct event_page, queued_us),
    NUMBER(struct event_page, since_large_us),
    FIELDS_END,
};

static const struct field event_fields[] = {
    ENUM(struct event, kind, kind_name, EVENT_KINDS),
    LABEL(struct event, process, process_label, PROCESSES),
    TEXT(struct event, plugin),
    TEXT(struct event, vantage),
    TEXT(struct event, user),
    LABEL(struct event, step, step_label, STEPS),
    LABEL(struct event, reason, reason_label, REASONS),
    NUMBER(struct event, code),
    NUMBER(struct event, id),
    TEXT(struct event, address),
    TEXT(struct event, colo),
    NUMBER(struct event, age_us),
    NUMBER(struct event, rtt_us),
    NUMBER(struct event, idle_client_us),
    NUMBER(struct event, idle_upstream_us),
    NUMBER(struct event, bytes_up),
    NUMBER(struct event, bytes_down),
    NUMBER(struct event, count),
    NUMBER(struct event, target),
    PART(struct event, page, page_fields),
    TEXT(struct event, segments),
    TEXT(struct event, text),
    NUMBER(struct event, mono_us),
    NUMBER(struct event, time_us),
    FIELDS_END,
};

bool recording_event_is_fact(const struct event *e)
{
	return e->process != PROCESS_MONITOR || e->kind == EVENT_LOOP_LAG;
}

/* The first kind's number is 0, which no field is written of. */
void recording_event_write(const struct event *e, FILE *out)
{
	if (e->kind == 0)
		field_write_text("kind", kind_name(0), out);
	fields_write(event_fields, e, out);
}

int recording_event_read(struct event *e, char *line)
{
	*e = (struct event){.kind = 0};
	return fields_read(event_fields, e, line, NULL);
}
