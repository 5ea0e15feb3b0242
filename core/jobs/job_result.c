/* SPDX-License-Identifier: MIT */
/* Reading a run's end; see job_result.h. */
#include "jobs/job_result.h"

#include <errno.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

const char *const job_outcomes[] = {"ok",          "failed",  "late",      "crashed",
                                    "not_started", "overlap", "abandoned", "absent"};
const size_t n_job_outcomes = sizeof job_outcomes / sizeof job_outcomes[0];

void job_result_set(struct job_result *r, const char *outcome, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	*r = (struct job_result){.outcome = outcome};
	event_set(r->text, text); /* a text too long is cut, at a character */
}

static const char *fact(const json_t *facts, const char *key)
{
	return json_string_value(json_object_get(facts, key));
}

/* key=value key=value, as many as fit. */
static void facts_write(char *out, size_t size, const json_t *facts)
{
	size_t used = 0;
	const char *key;
	json_t *value;

	out[0] = '\0';
	json_object_foreach ((json_t *)facts, key, value) {
		char quoted[256], pair[352];
		int n;

		if (kv_quote(quoted, sizeof quoted, json_string_value(value)) >= sizeof quoted)
			continue;
		n = snprintf(pair, sizeof pair, "%s%s=%s", used ? " " : "", key, quoted);
		if (n < 0 || (size_t)n >= sizeof pair || used + (size_t)n >= size)
			continue;
		memcpy(out + used, pair, (size_t)n + 1);
		used += (size_t)n;
	}
}

static void read_answer(struct job_result *r, const json_t *answer)
{
	const json_t *facts = json_object_get(answer, "facts");
	int result = (int)json_integer_value(json_object_get(answer, "result"));
	const char *error = fact(facts, "error");

	if (result == 0 && fact(facts, "absent")) {
		job_result_set(r, "absent", "%s", fact(facts, "absent"));
	} else if (result == 0) {
		job_result_set(r, "ok", "%s", "");
		facts_write(r->text, sizeof r->text, facts);
		if (fact(facts, "note"))
			event_set(r->note, fact(facts, "note"));
	} else if (error) {
		job_result_set(r, result == -ETIMEDOUT ? "late" : "failed", "%s", error);
	} else {
		job_result_set(r, result == -ETIMEDOUT ? "late" : "failed", "%s",
		               strerror(result < 0 ? -result : result));
	}
	r->rows = json_incref(json_object_get(answer, "rows"));
}

/* reason: of a refusal. */
static void read_error(struct job_result *r, int error, uint64_t deadline_us, const char *reason, size_t len)
{
	switch (-error) {
	case ETIMEDOUT:
		job_result_set(r, "late", "not finished within its deadline of %.0f s and killed",
		               (double)deadline_us / 1e6);
		break;
	case E2BIG:
		job_result_set(r, "failed", "its process wrote more than a job may and was killed");
		break;
	default:
		if (len > 0)
			job_result_set(r, "not_started", "%.*s", (int)len, reason);
		else
			job_result_set(r, "not_started", "%s", strerror(-error));
	}
}

void job_result_read(struct job_result *r, const struct msg_ran *ran, const char *out, size_t len,
                     uint64_t deadline_us)
{
	json_t *answer = ran->error == 0 ? json_loadb(out, len, 0, NULL) : NULL;

	if (ran->error != 0)
		read_error(r, ran->error, deadline_us, out, len);
	else if (json_is_integer(json_object_get(answer, "result")) && ran->exit_code <= 1)
		read_answer(r, answer);
	else if (ran->exit_code > 128)
		job_result_set(r, "crashed", "its process was ended by signal %d (%s)", ran->exit_code - 128,
		               strsignal(ran->exit_code - 128));
	else
		job_result_set(r, "crashed",
		               "its process ended with exit code %d and no answer; the helper's log has its stderr",
		               ran->exit_code);
	json_decref(answer);
}

void job_result_fini(struct job_result *r)
{
	json_decref(r->rows);
	r->rows = NULL;
}
