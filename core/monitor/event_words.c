/* SPDX-License-Identifier: MIT */
/* Events in words; see event_words.h. */
#include "monitor/event_words.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "monitor/duration_words.h"
#include "monitor/logfmt_value.h"

struct label_row {
	const char *label, *sentence;
};

static const struct label_row reasons[] = {
#define REASON(number, id, label, side, sentence) {label, sentence},
#include "tbl/close_reason.h"
#undef REASON
};

static const struct label_row kinds[] = {
#define EVENT_KIND(ident, name, level, journalled, id, code, count, text, sentence) {name, sentence},
#include "tbl/event_kind.h"
#undef EVENT_KIND
};

static const char *sentence_of(const struct label_row *rows, size_t n, const char *label)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(rows[i].label, label) == 0)
			return rows[i].sentence;
	return label;
}

/* "LEG(alice)" */
static void leg_put(FILE *out, const struct event_row *e)
{
	fputs(e->plugin, out);
	if (*e->who != '\0')
		fprintf(out, "(%s)", e->who);
}

/* ", lead VALUE", of a value that is there. */
static void value_put(FILE *out, const char *line, const char *key, const char *lead)
{
	char value[320];

	if (logfmt_value(line, key, value, sizeof value))
		fprintf(out, "%s%s", lead, value);
}

static void time_put(FILE *out, const char *line, const char *key, const char *lead)
{
	char value[32], words[DURATION_WORDS_SIZE];

	if (!logfmt_value(line, key, value, sizeof value))
		return;
	duration_words(strtod(value, NULL) / 1000, words);
	fprintf(out, "%s%s", lead, words);
}

/* ": the connection was refused at connect (HTTP 503)" */
static void reason_put(FILE *out, const char *line)
{
	char reason[64], step[32];

	if (!logfmt_value(line, "reason", reason, sizeof reason))
		return;
	fprintf(out, ": %s", sentence_of(reasons, sizeof reasons / sizeof reasons[0], reason));
	if (logfmt_value(line, "step", step, sizeof step) && strcmp(step, "open") != 0)
		fprintf(out, " (at %s)", step);
	value_put(out, line, "http_status", ", HTTP ");
	value_put(out, line, "close_code", ", close code ");
}

static void leg_put_late(FILE *out, const struct event_row *e)
{
	leg_put(out, e);
	fputs(" answers late: a heartbeat is overdue", out);
	time_put(out, e->line, "unanswered_ms", " after ");
}

static void leg_put_down(FILE *out, const struct event_row *e)
{
	leg_put(out, e);
	fputs(" went down", out);
	reason_put(out, e->line);
}

static void leg_put_up(FILE *out, const struct event_row *e)
{
	leg_put(out, e);
	fputs(" is up", out);
}

static void fresh_put_failed(FILE *out, const struct event_row *e)
{
	fputs("a fresh connection of ", out);
	leg_put(out, e);
	fputs(" failed", out);
	reason_put(out, e->line);
}

static void large_put_lost(FILE *out, const struct event_row *e)
{
	fputs("a large message of ", out);
	leg_put(out, e);
	fputs(" was lost while small ones are answered", out);
}

static void traced_put(FILE *out, const struct event_row *e)
{
	fputs("the heartbeat of ", out);
	leg_put(out, e);
	value_put(out, e->line, "detail", " that is not answered: ");
}

static void drop_put(FILE *out, const struct event_row *e)
{
	char detail[320], waited[32];

	fprintf(out, "%s lost a WebSocket", e->who);
	if (logfmt_value(e->line, "detail", detail, sizeof detail))
		fprintf(out, ": %s", detail);
	else if (logfmt_value(e->line, "waiting_ms", waited, sizeof waited))
		time_put(out, e->line, "waiting_ms", ": a heartbeat of its page had waited for ");
	else
		reason_put(out, e->line);
}

static void closed_put(FILE *out, const struct event_row *e)
{
	fprintf(out, "a WebSocket of %s ended", e->who);
	reason_put(out, e->line);
}

static void opened_put(FILE *out, const struct event_row *e)
{
	fprintf(out, "%s connected", e->who);
	value_put(out, e->line, "client", " from ");
	value_put(out, e->line, "colo", " over ");
}

static void verdict_put(FILE *out, const struct event_row *e)
{
	value_put(out, e->line, "verdict", "verdict ");
	value_put(out, e->line, "segments", ": ");
	value_put(out, e->line, "summary", "; ");
}

static void healed_put(FILE *out, const struct event_row *e)
{
	value_put(out, e->line, "verdict", "verdict ");
	value_put(out, e->line, "segments", " (");
	fputs(") healed: everything that it was based on works again", out);
	time_put(out, e->line, "duration_ms", ", after ");
}

static void expired_put(FILE *out, const struct event_row *e)
{
	value_put(out, e->line, "verdict", "verdict ");
	value_put(out, e->line, "segments", " (");
	fputs(") expired: nothing more is heard of its users", out);
	time_put(out, e->line, "duration_ms", ", after ");
}

static void reported_put(FILE *out, const struct event_row *e)
{
	fprintf(out, "the browser of %s reports", e->who);
	value_put(out, e->line, "url_path", ": ");
	value_put(out, e->line, "detail", ": ");
	value_put(out, e->line, "http_status", ", HTTP ");
	time_put(out, e->line, "duration_ms", ", after ");
	value_put(out, e->line, "client", ", sent from ");
}

static void slow_put(FILE *out, const struct event_row *e)
{
	fputs("slow", out);
	value_put(out, e->line, "segments", " at ");
	value_put(out, e->line, "detail", ": ");
}

/* "backup restore of alice done after 3.2 s; file=..." */
static void action_put(FILE *out, const struct event_row *e)
{
	bool done = strcmp(e->kind, "action_done") == 0;
	char text[320];
	size_t len;

	logfmt_value(e->line, done ? "facts" : "error", text, sizeof text);
	len = strcspn(text, ": ");
	fprintf(out, "%s %.*s of %s %s", e->plugin, (int)len, text, *e->who != '\0' ? e->who : "all",
	        done ? "done" : "failed");
	time_put(out, e->line, "duration_ms", " after ");
	len += strspn(text + len, ": ");
	if (text[len] != '\0')
		fprintf(out, "; %s", text + len);
}

static const struct {
	const char *kind;
	void (*put)(FILE *out, const struct event_row *e);
} writers[] = {
    {"leg_late", leg_put_late},
    {"leg_down", leg_put_down},
    {"leg_up", leg_put_up},
    {"tunnel_dropped", drop_put},
    {"tunnel_closed", closed_put},
    {"tunnel_opened", opened_put},
    {"verdict", verdict_put},
    {"verdict_healed", healed_put},
    {"verdict_expired", expired_put},
    {"slow", slow_put},
    {"leg_large_lost", large_put_lost},
    {"leg_fresh_failed", fresh_put_failed},
    {"leg_heartbeat_traced", traced_put},
    {"browser_reported", reported_put},
    {"action_done", action_put},
    {"action_failed", action_put},
};

/* What is said of its kind, then of this one. */
static void any_put(FILE *out, const struct event_row *e)
{
	fputs(sentence_of(kinds, sizeof kinds / sizeof kinds[0], e->kind), out);
	value_put(out, e->line, "child", ": ");
	value_put(out, e->line, "process", ": ");
	if (*e->plugin != '\0')
		fprintf(out, "; %s", e->plugin);
	if (*e->who != '\0')
		fprintf(out, "; user %s", e->who);
	value_put(out, e->line, "detail", "; ");
	value_put(out, e->line, "error", "; ");
	value_put(out, e->line, "facts", "; ");
	value_put(out, e->line, "path", "; ");
	time_put(out, e->line, "duration_ms", "; ");
}

char *event_words(const struct event_row *e)
{
	char *text = NULL;
	size_t len = 0, i = 0;
	FILE *out = open_memstream(&text, &len);

	if (out == NULL)
		return NULL;
	while (i < sizeof writers / sizeof writers[0] && strcmp(writers[i].kind, e->kind) != 0)
		i++;
	if (i < sizeof writers / sizeof writers[0])
		writers[i].put(out, e);
	else
		any_put(out, e);
	if (fclose(out) == 0)
		return text;
	free(text);
	return NULL;
}
