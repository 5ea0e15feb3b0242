/* SPDX-License-Identifier: MIT */
/*
 * What OTLP/HTTP takes as JSON: log records, spans, and the requests that carry them.  Identifiers are lower-case
 * hexadecimal and 64-bit numbers are text there.  Pure.
 */
#ifndef T3OPS_EXPORT_OTLP_JSON_H
#define T3OPS_EXPORT_OTLP_JSON_H

#include <jansson.h>

#include "plugin.h"

enum otlp_signal { OTLP_LOGS, OTLP_TRACES, OTLP_SIGNALS };

/* "logs", "traces" */
const char *otlp_signal_name(enum otlp_signal signal);

enum otlp_status { OTLP_STATUS_UNSET, OTLP_STATUS_OK, OTLP_STATUS_ERROR };

#define OTLP_TRACE_ID_SIZE 33
#define OTLP_SPAN_ID_SIZE  17

struct otlp_span {
	char trace_id[OTLP_TRACE_ID_SIZE];
	char span_id[OTLP_SPAN_ID_SIZE];
	char parent_id[OTLP_SPAN_ID_SIZE]; /* "": it is the root */
	const char *name;
	uint64_t start_us, end_us; /* since 1970 */
	enum otlp_status status;
	const char *status_text; /* "" */
	json_t *attributes;      /* of otlp_attributes_new; borrowed */
	json_t *events;          /* of otlp_span_event_add; borrowed, may be NULL */
};

/* An array of attributes; NULL without memory.  A value "" is left out. */
json_t *otlp_attributes_new(void);
void otlp_attribute_text(json_t *attributes, const char *key, const char *value);
void otlp_attribute_number(json_t *attributes, const char *key, int64_t value);

/* Something that happened within a span; takes over the reference to its attributes. */
void otlp_span_event_add(json_t *events, const char *name, uint64_t time_us, json_t *attributes);

/* One record as text, to be freed; NULL without memory.  trace_id: "" if it belongs to no incident. */
char *otlp_log_record(const struct t3ops_event *e, const char *trace_id, uint64_t observed_us);
char *otlp_span_record(const struct otlp_span *s);

/* What all records of this process share, as text: resource: a list of attributes; to be freed. */
char *otlp_resource(json_t *attributes);
/* A whole request of n records; to be freed.  NULL without memory. */
char *otlp_request(enum otlp_signal signal, const char *resource, char *const *records, size_t n);

#endif
