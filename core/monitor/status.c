/* SPDX-License-Identifier: MIT */
/* The state of processes and legs as JSON, for /status and t3opsctl.  Monitor process; pure. */
#include "sys/clock.h"
#include "sys/time_text.h"
#include "monitor/monitor_state.h"

static const char *state_name(unsigned state)
{
	static const char *const names[] = {"unknown", "starting", "ready", "draining", "stopping", "dead"};

	return state < sizeof names / sizeof names[0] ? names[state] : "unknown";
}

static json_t *rooms_json(const struct monitor *d)
{
	json_t *list = json_array();
	char since[32];

	for (size_t i = 0; i < d->n_processes; i++) {
		const struct msg_process *r = &d->processes[i];

		time_text(r->since_us, since);
		json_array_append_new(list,
		                      json_pack("{s:s, s:s, s:i, s:i, s:i, s:s}", "process", process_name(r->process),
		                                "state", state_name(r->state), "pid", (int)r->pid, "serial",
		                                (int)r->serial, "restarts", (int)r->restarts, "since", since));
	}
	return list;
}

static json_t *leg_json(const struct leg *leg)
{
	json_t *o, *segments = json_array();
	char since[32];

	for (size_t i = 0; i < leg->def->segments.n; i++)
		json_array_append_new(segments, json_string(leg->def->segments.segments[i]));
	time_text(leg->since_us, since);
	o = json_pack("{s:s, s:s, s:s, s:s, s:o}", "name", leg->def->name, "user", leg->user, "state",
	              leg_state_name(leg), "since", leg->since_us > 0 ? since : "", "segments", segments);
	if (leg->rtt_us > 0)
		json_object_set_new(o, "rtt_seconds", json_real((double)leg->rtt_us / 1e6));
	if (leg->state == LEG_IS_DOWN) {
		json_object_set_new(o, "reason", json_string(reason_label(leg->last.reason)));
		json_object_set_new(o, "step", json_string(step_label(leg->last.step)));
		json_object_set_new(o, "code", json_integer(leg->last.code));
	}
	if (leg->resolver_ok || leg->resolver_failed)
		json_object_set_new(o, "resolver", json_string(leg->resolver_failed ? "failed" : "ok"));
	return o;
}

json_t *legs_json(const struct monitor *d)
{
	const struct probe_table *legs = incidents_legs(d->incidents);
	json_t *list = json_array();

	for (size_t i = 0; i < legs->n; i++)
		json_array_append_new(list, leg_json(legs->rows[i]));
	return list;
}

json_t *status_json(const struct monitor *d)
{
	uint64_t open = incidents_open(d->incidents);
	json_t *last = verdict_ring_json(&d->verdicts, 0, 1);
	json_t *o = json_pack("{s:s, s:f, s:o, s:o, s:o, s:o, s:I}", "version", PACKAGE_VERSION, "uptime_seconds",
	                      (double)(clock_mono_us() - d->started_us) / 1e6, "incident",
	                      open != 0 ? json_integer((json_int_t)open) : json_null(), "processes", rooms_json(d),
	                      "legs", legs_json(d), "last_verdict",
	                      json_array_size(last) > 0 ? json_incref(json_array_get(last, 0)) : json_null(),
	                      "journal_lost", (json_int_t)journal_lost(d->journal));

	json_decref(last);
	return o;
}
