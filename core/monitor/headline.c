/* SPDX-License-Identifier: MIT */
/* How things are, in a line; see headline.h. */
#include "monitor/headline.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "monitor/verdict_span.h"
#include "sys/time_text.h"

#define NAME_MAX_SHOWN 200

static const char *text_of(const json_t *o, const char *key)
{
	const char *text = json_string_value(json_object_get(o, key));

	return text != NULL ? text : "";
}

static bool is_true(const json_t *o, const char *key)
{
	return json_is_true(json_object_get(o, key));
}

static bool stands(const json_t *verdict)
{
	return strcmp(text_of(verdict, "state"), "standing") == 0;
}

/* It failed more than once, and is watched before it counts as healed. */
static bool works(const json_t *verdict)
{
	return *text_of(verdict, "works_time") != '\0';
}

/* Which of two that stand matters more: what fails now before what works, ours before others', then users, then the
 * older one. */
static int weight_compare(const json_t *a, const json_t *b)
{
	bool x = is_true(a, "infra_exonerated"), y = is_true(b, "infra_exonerated");
	uint64_t m = verdict_span_users(a), n = verdict_span_users(b);

	if (works(a) != works(b))
		return works(a) ? -1 : 1;

	if (x != y)
		return x ? -1 : 1;
	return m != n ? (m > n) - (m < n) : -strcmp(text_of(a, "drop_time"), text_of(b, "drop_time"));
}

static const json_t *worst_of(const json_t *verdicts, size_t *others)
{
	const json_t *worst = NULL;
	json_t *v;
	size_t i;

	*others = 0;
	json_array_foreach ((json_t *)verdicts, i, v) {
		if (!stands(v))
			continue;
		*others += worst != NULL;
		if (worst == NULL || weight_compare(v, worst) > 0)
			worst = v;
	}
	return worst;
}

/* ---- words ------------------------------------------------------------------------------------------- */

/* "Tunnel", "Cloudflare or tunnel", "DNS", "The t3 server of alice" */
static void name_write(const json_t *verdict, char *out, size_t size)
{
	const char *name = text_of(verdict, "verdict"), *open = strchr(name, '(');
	bool alone = json_array_size(json_object_get(verdict, "segments")) == 1;
	int user = open != NULL ? (int)strcspn(open + 1, ")") : 0;

	if (alone && strncmp(name, "serve(", 6) == 0)
		snprintf(out, size, "The t3 server of %.*s", user, open + 1);
	else if (alone && strncmp(name, "last_mile(", 10) == 0)
		snprintf(out, size, "The network of %.*s", user, open + 1);
	else if (strcmp(name, "serve") == 0)
		snprintf(out, size, "The t3 servers of many users");
	else if (strcmp(name, "dns") == 0)
		snprintf(out, size, "DNS");
	else if (strcmp(name, "host") == 0)
		snprintf(out, size, "This machine overloaded or frozen");
	else
		snprintf(out, size, "%.*s", NAME_MAX_SHOWN, name);
	out[0] = (char)toupper((unsigned char)out[0]);
}

/* What a symptom makes of "down". */
static const char *how(const json_t *verdict)
{
	const char *symptom = text_of(verdict, "symptom"), *name = text_of(verdict, "verdict");

	if (strcmp(symptom, "new_connections_only") == 0)
		return ": new connections fail";
	if (strcmp(symptom, "large_messages_only") == 0)
		return ": large messages are lost";
	if (strcmp(symptom, "downward_only") == 0)
		return ": answers do not get back";
	return strcmp(name, "host") == 0 ? "" : " down";
}

static void lead_write(const json_t *verdict, char *out, size_t size)
{
	const char *name = text_of(verdict, "verdict");
	char what[NAME_MAX_SHOWN + 40];

	name_write(verdict, what, sizeof what);
	if (strcmp(name, "inconclusive") == 0)
		snprintf(out, size, "This machine has no network of its own");
	else if (strcmp(name, "prober") == 0)
		snprintf(out, size, "Only the probes' own path is broken");
	else if (strcmp(name, "unknown") == 0)
		snprintf(out, size, "Something fails, and everything on its path works");
	else if (is_true(verdict, "infra_exonerated") && strncmp(name, "last_mile", 9) != 0)
		snprintf(out, size, "Infra exonerated, users cut off");
	else
		snprintf(out, size, "%s%s", what, how(verdict));
}

static void users_write(const json_t *verdict, size_t others, char *out, size_t size)
{
	unsigned long long users = verdict_span_users(verdict);
	bool exonerated = is_true(verdict, "infra_exonerated");
	int len;

	if (users == 0)
		len = snprintf(out, size, ", nobody affected yet");
	else
		len = snprintf(out, size, ", %llu user%s affected", users, users == 1 ? "" : "s");
	if (exonerated && strncmp(text_of(verdict, "verdict"), "last_mile", 9) == 0)
		len += snprintf(out + len, size - (size_t)len, ", infra exonerated");
	if (others > 0)
		snprintf(out + len, size - (size_t)len, "; %zu more verdict%s stand%s", others,
		         others == 1 ? "" : "s", others == 1 ? "s" : "");
}

static json_t *line(const char *state, const char *lead, const char *since, const char *rest)
{
	return json_pack("{s:s, s:s, s:s, s:s}", "state", state, "lead", lead, "since", since, "rest", rest);
}

static const char *state_of(const json_t *v)
{
	const char *name = text_of(v, "verdict");

	if (works(v) || strcmp(name, "inconclusive") == 0)
		return "unclear";
	return is_true(v, "infra_exonerated") || strcmp(name, "prober") == 0 ? "degraded" : "down";
}

static json_t *line_of_verdict(const json_t *v, size_t others)
{
	char what[NAME_MAX_SHOWN + 100], lead[sizeof what + 40], rest[160];
	json_int_t times = json_integer_value(json_object_get(v, "times"));

	lead_write(v, what, sizeof what);
	users_write(v, others, rest, sizeof rest);
	if (works(v))
		snprintf(lead, sizeof lead, "%s, %lld times; it works since", what, (long long)times);
	else
		snprintf(lead, sizeof lead, "%s since", what);
	return line(state_of(v), lead, text_of(v, works(v) ? "works_time" : "drop_time"), rest);
}

/* ---- nothing stands ------------------------------------------------------------------------------------- */

static json_t *line_of_clear(const struct headline_facts *f)
{
	const char *ended = f->last != NULL ? text_of(f->last, "ended_time") : "";
	char since[TIME_TEXT_SIZE], rest[NAME_MAX_SHOWN + 60];

	time_text(f->since_us, since);
	if (f->legs_down > 0) {
		snprintf(rest, sizeof rest, "; %zu of %zu shared legs down", f->legs_down, f->legs);
		return line("degraded", "No verdict since", *ended != '\0' ? ended : since, rest);
	}
	rest[0] = '\0';
	if (f->last != NULL && is_true(f->last, "infra_exonerated"))
		snprintf(rest, sizeof rest, ", infra exonerated");
	else if (f->last != NULL)
		snprintf(rest, sizeof rest, " (last: %.*s)", NAME_MAX_SHOWN, text_of(f->last, "verdict"));
	return line("clear", "All clear since", *ended != '\0' ? ended : since, rest);
}

json_t *headline_make(const struct headline_facts *f)
{
	char since[TIME_TEXT_SIZE];
	size_t others;
	const json_t *worst = worst_of(f->verdicts, &others);

	if (worst != NULL)
		return line_of_verdict(worst, others);
	if (f->incident_us == 0)
		return line_of_clear(f);
	time_text(f->incident_us, since);
	return line("unclear", "Evidence is gathered since", since, ", no verdict yet");
}
