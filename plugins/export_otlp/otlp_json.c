/* SPDX-License-Identifier: MIT */
/* OTLP as JSON; see otlp_json.h. */
#include "export_otlp/otlp_json.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KIND_INTERNAL 1 /* of spans */

const char *otlp_signal_name(enum otlp_signal signal)
{
	return signal == OTLP_LOGS ? "logs" : "traces";
}

/* ---- values ---------------------------------------------------------------------------------------------- */

/* 64-bit numbers are text. */
static json_t *number_text(int64_t value)
{
	char text[24];

	snprintf(text, sizeof text, "%" PRId64, value);
	return json_string(text);
}

static json_t *nanoseconds(uint64_t us)
{
	char text[32];

	if (us == 0)
		return json_string("0");
	snprintf(text, sizeof text, "%" PRIu64 "000", us);
	return json_string(text);
}

static void attribute_add(json_t *attributes, const char *key, const char *type, json_t *value)
{
	json_array_append_new(attributes, json_pack("{s:s, s:{s:o}}", "key", key, "value", type, value));
}

json_t *otlp_attributes_new(void)
{
	return json_array();
}

void otlp_attribute_text(json_t *attributes, const char *key, const char *value)
{
	if (value != NULL && *value != '\0')
		attribute_add(attributes, key, "stringValue", json_string(value));
}

void otlp_attribute_number(json_t *attributes, const char *key, int64_t value)
{
	attribute_add(attributes, key, "intValue", number_text(value));
}

/* ---- log records ----------------------------------------------------------------------------------------- */

/* Keys that OpenTelemetry's conventions have a name for. */
static const char *convention_of(const char *key)
{
	static const char *const rows[][2] = {
	    {"client", "client.address"}, {"http_status", "http.response.status_code"}, {"url_path", "url.path"},
	    {"user", "user.name"},        {"user_agent", "user_agent.original"},
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		if (strcmp(rows[i][0], key) == 0)
			return rows[i][1];
	return NULL;
}

static void pair_add(json_t *attributes, const char *key, json_t *value)
{
	char own[64];
	const char *name = convention_of(key);

	if (name == NULL) {
		snprintf(own, sizeof own, "t3ops.%s", key);
		name = own;
	}
	if (json_is_integer(value))
		otlp_attribute_number(attributes, name, json_integer_value(value));
	else if (json_is_real(value))
		attribute_add(attributes, name, "doubleValue", json_incref(value));
	else
		otlp_attribute_text(attributes, name, json_string_value(value));
}

static json_t *attributes_of(const struct t3ops_event *e)
{
	json_t *pairs = json_loads(e->json, 0, NULL), *attributes = otlp_attributes_new(), *value;
	const char *key;

	otlp_attribute_text(attributes, "t3ops.process", e->process);
	json_object_foreach (pairs, key, value)
		if (strcmp(key, "event") != 0) /* has a field of its own */
			pair_add(attributes, key, value);
	json_decref(pairs);
	return attributes;
}

struct severity {
	int number; /* as the data model has it */
	const char *text;
};

static struct severity severity_of(uint32_t level)
{
	switch (level) {
	case T3OPS_ERROR:
		return (struct severity){17, "ERROR"};
	case T3OPS_WARNING:
		return (struct severity){13, "WARN"};
	case T3OPS_NOTICE:
		return (struct severity){10, "INFO2"};
	case T3OPS_INFO:
		return (struct severity){9, "INFO"};
	default:
		return (struct severity){5, "DEBUG"};
	}
}

static char *text_of(json_t *o)
{
	char *text = json_dumps(o, JSON_COMPACT);

	json_decref(o);
	return text;
}

char *otlp_log_record(const struct t3ops_event *e, const char *trace_id, uint64_t observed_us)
{
	struct severity severity = severity_of(e->level);
	json_t *o = json_pack("{s:o, s:o, s:i, s:s, s:s, s:{s:s}, s:o}", "timeUnixNano", nanoseconds(e->time_us),
	                      "observedTimeUnixNano", nanoseconds(observed_us), "severityNumber", severity.number,
	                      "severityText", severity.text, "eventName", e->kind, "body", "stringValue", e->line,
	                      "attributes", attributes_of(e));

	if (o != NULL && *trace_id != '\0')
		json_object_set_new(o, "traceId", json_string(trace_id));
	return text_of(o);
}

/* ---- spans ------------------------------------------------------------------------------------------------- */

void otlp_span_event_add(json_t *events, const char *name, uint64_t time_us, json_t *attributes)
{
	json_array_append_new(events, json_pack("{s:o, s:s, s:o}", "timeUnixNano", nanoseconds(time_us), "name", name,
	                                        "attributes", attributes));
}

static json_t *status_json(const struct otlp_span *s)
{
	json_t *o = json_pack("{s:i}", "code", (int)s->status);

	if (o != NULL && *s->status_text != '\0')
		json_object_set_new(o, "message", json_string(s->status_text));
	return o;
}

char *otlp_span_record(const struct otlp_span *s)
{
	json_t *o = json_pack("{s:s, s:s, s:s, s:i, s:o, s:o, s:O, s:o}", "traceId", s->trace_id, "spanId",
	                      s->span_id, "name", s->name, "kind", KIND_INTERNAL, "startTimeUnixNano",
	                      nanoseconds(s->start_us), "endTimeUnixNano", nanoseconds(s->end_us), "attributes",
	                      s->attributes, "status", status_json(s));

	if (o != NULL && s->parent_id[0] != '\0')
		json_object_set_new(o, "parentSpanId", json_string(s->parent_id));
	if (o != NULL && s->events != NULL)
		json_object_set(o, "events", s->events);
	return text_of(o);
}

/* ---- requests ---------------------------------------------------------------------------------------------- */

char *otlp_resource(json_t *attributes)
{
	return text_of(json_pack("{s:O}", "attributes", attributes));
}

char *otlp_request(enum otlp_signal signal, const char *resource, char *const *records, size_t n)
{
	bool logs = signal == OTLP_LOGS;
	char *text = NULL;
	size_t len = 0;
	FILE *file = open_memstream(&text, &len);

	if (file == NULL)
		return NULL;
	fprintf(file, "{\"%s\":[{\"resource\":%s,\"%s\":[{\"scope\":{\"name\":\"t3ops\",\"version\":\"%s\"},\"%s\":[",
	        logs ? "resourceLogs" : "resourceSpans", resource, logs ? "scopeLogs" : "scopeSpans", PACKAGE_VERSION,
	        logs ? "logRecords" : "spans");
	for (size_t i = 0; i < n; i++)
		fprintf(file, "%s%s", i > 0 ? "," : "", records[i]);
	fputs("]}]}]}", file);
	if (fclose(file) == 0)
		return text;
	free(text);
	return NULL;
}
