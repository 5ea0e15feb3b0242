/* SPDX-License-Identifier: MIT */
/*
 * The control socket: one JSON object a line, request and answer, for t3opsctl.
 *
 *   {"command":"status"|"legs"|"metrics"|"reload"}      {"command":"backup","user":""}
 *   {"command":"verdicts","limit":n,"follow":bool}
 *   {"command":"events","kind":"","limit":n,"since":us,"follow":bool}
 *   -> {"ok":true,"result":...} or {"ok":false,"error":"..."}; following: {"verdict":{...}} or
 *   {"event":{...}} a line
 *
 * Who may connect is decided by the socket file's mode (0660).  Monitor process.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "obs/log.h"
#include "sys/time_text.h"
#include "monitor/monitor_state.h"

#define LINE_LIMIT      4096
#define CONNECTIONS_MAX 32
#define OUTPUT_MAX      (64u << 20)
#define DEADLINE_S      60.0
#define WAITING_MAX     32
#define LIST_MAX        10000
#define REQUEST_IDS     (UINT64_C(1) << 62) /* above those of incidents: a probe can be unreachable, too */

/* Somebody waits for another process's answer. */
struct waiting {
	uint64_t id; /* 0: free */
	struct local_conn *conn;
	unsigned left;  /* answers to come: one a backup section */
	int error;      /* the first one */
	char text[900]; /* of all answers, one a line */
};

/* Somebody to whom news are reported. */
struct follower {
	struct local_conn *conn; /* NULL: free */
	bool events;             /* these, else verdicts */
	enum event_kind kind;    /* of events; EVENT_KINDS: all that are journalled */
};

struct control {
	struct monitor *monitor;
	struct local_server *server;
	struct waiting waiting[WAITING_MAX];
	struct follower followers[CONNECTIONS_MAX];
	uint64_t next_id;
};

static void line_send(struct local_conn *c, json_t *o)
{
	char *text = o != NULL ? json_dumps(o, JSON_COMPACT) : NULL;

	if (text != NULL) {
		local_send(c, text, strlen(text));
		local_send(c, "\n", 1);
	}
	free(text);
	json_decref(o);
}

/* Any text; bytes beyond ASCII that are no UTF-8 (a text cut in the middle) become question marks. */
static json_t *text_json(const char *text)
{
	json_t *o = json_string(text);
	char *plain = o == NULL ? strdup(text) : NULL;

	if (plain == NULL)
		return o;
	for (char *at = plain; *at != '\0'; at++)
		if ((unsigned char)*at >= 0x80)
			*at = '?';
	o = json_string(plain);
	free(plain);
	return o;
}

static void answer(struct local_conn *c, json_t *result)
{
	line_send(c, json_pack("{s:b, s:o}", "ok", 1, "result", result != NULL ? result : json_null()));
}

static void refuse(struct local_conn *c, const char *why)
{
	line_send(c, json_pack("{s:b, s:o}", "ok", 0, "error", text_json(why)));
}

static json_t *metrics_json(const struct monitor *d)
{
	size_t len = 0;
	char *text = metrics_text(d->process->metrics, &len);
	json_t *o = text != NULL ? json_stringn(text, len) : NULL;

	free(text);
	return o;
}

static size_t limit_of(const json_t *request, size_t fallback)
{
	json_int_t limit = json_integer_value(json_object_get(request, "limit"));

	if (limit <= 0)
		return fallback;
	return limit < LIST_MAX ? (size_t)limit : LIST_MAX;
}

static void follow(struct control *ctl, struct follower who)
{
	struct follower *unused = NULL;

	for (size_t i = 0; i < CONNECTIONS_MAX; i++) {
		if (ctl->followers[i].conn == who.conn)
			return;
		if (ctl->followers[i].conn == NULL)
			unused = &ctl->followers[i];
	}
	if (unused == NULL)
		return; /* cannot be: there are as many as connections */
	*unused = who;
	local_hold(who.conn, true);
}

static void on_verdicts(struct control *ctl, struct local_conn *c, const json_t *request)
{
	struct monitor *d = ctl->monitor;
	size_t limit = limit_of(request, 20);

	answer(c, limit > VERDICTS_KEPT ? journal_verdicts(d->journal, limit)
	                                : verdict_ring_json(&d->verdicts, 0, limit));
	if (json_is_true(json_object_get(request, "follow")))
		follow(ctl, (struct follower){.conn = c});
}

static void on_events(struct control *ctl, struct local_conn *c, const json_t *request)
{
	const char *kind = json_string_value(json_object_get(request, "kind"));
	json_int_t since = json_integer_value(json_object_get(request, "since"));

	if (kind != NULL && kind[0] != '\0' && event_kind_parse(kind) == EVENT_KINDS) {
		refuse(c, "no such kind of event; t3ops.conf(5) lists them");
		return;
	}
	if (kind == NULL)
		kind = "";
	answer(c,
	       journal_events(ctl->monitor->journal, kind, since > 0 ? (uint64_t)since : 0, limit_of(request, 50)));
	if (json_is_true(json_object_get(request, "follow")))
		follow(ctl, (struct follower){.conn = c, .events = true, .kind = event_kind_parse(kind)});
}

static struct waiting *waiting_new(struct control *ctl, struct local_conn *c)
{
	for (size_t i = 0; i < WAITING_MAX; i++) {
		struct waiting *w = &ctl->waiting[i];

		if (w->id != 0)
			continue;
		*w = (struct waiting){.id = ++ctl->next_id, .conn = c};
		local_hold(c, true);
		return w;
	}
	refuse(c, "too many requests wait for an answer; try again");
	return NULL;
}

/* Gives up waiting. */
static void waiting_drop(struct waiting *w, const char *why)
{
	struct local_conn *c = w->conn;

	*w = (struct waiting){0};
	local_hold(c, false);
	refuse(c, why);
}

static void on_reload(struct control *ctl, struct local_conn *c)
{
	struct waiting *w = waiting_new(ctl, c);

	if (w == NULL)
		return;
	w->left = 1;
	if (channel_send(ctl->monitor->process->channel, MSG_RELOAD, PROCESS_SUPERVISOR, w->id, NULL, 0) < 0)
		waiting_drop(w, "the supervisor cannot be reached now; try again");
}

static void on_backup(struct control *ctl, struct local_conn *c, const json_t *request)
{
	const struct process_config *config = ctl->monitor->process->config;
	const char *user = json_string_value(json_object_get(request, "user"));
	struct waiting *w = waiting_new(ctl, c);
	bool any = false;

	if (w == NULL)
		return;
	for (size_t i = 0; i < config->n_sections; i++) {
		struct msg_run run = {.job = 1};

		if (strcmp(config->sections[i].module, "backup") != 0)
			continue;
		any = true;
		event_set(run.name, config->sections[i].name);
		event_set(run.user, user != NULL ? user : "");
		if (channel_send(ctl->monitor->process->channel, MSG_JOB_NOW, PROCESS_JOBS, w->id, &run,
		                 sizeof run) == 0)
			w->left++;
	}
	if (w->left == 0)
		waiting_drop(w, any ? "the jobs process cannot be reached now; try again"
		                    : "no backup section is configured");
}

static void request_do(struct control *ctl, struct local_conn *c, const json_t *request)
{
	const char *command = json_string_value(json_object_get(request, "command"));

	if (command == NULL)
		refuse(c, "a request is one JSON object with \"command\", on one line");
	else if (strcmp(command, "status") == 0)
		answer(c, status_json(ctl->monitor));
	else if (strcmp(command, "legs") == 0)
		answer(c, legs_json(ctl->monitor));
	else if (strcmp(command, "metrics") == 0)
		answer(c, metrics_json(ctl->monitor));
	else if (strcmp(command, "verdicts") == 0)
		on_verdicts(ctl, c, request);
	else if (strcmp(command, "events") == 0)
		on_events(ctl, c, request);
	else if (strcmp(command, "reload") == 0)
		on_reload(ctl, c);
	else if (strcmp(command, "backup") == 0)
		on_backup(ctl, c, request);
	else
		refuse(c, "no such command");
}

static size_t on_input(struct local_conn *c, const char *bytes, size_t n, void *arg)
{
	const char *end = memchr(bytes, '\n', n);
	json_t *request;

	if (end == NULL)
		return 0;
	request = json_loadb(bytes, (size_t)(end - bytes), 0, NULL);
	request_do(arg, c, request);
	json_decref(request);
	return (size_t)(end - bytes) + 1;
}

static void on_end(struct local_conn *c, void *arg)
{
	struct control *ctl = arg;

	for (size_t i = 0; i < WAITING_MAX; i++)
		if (ctl->waiting[i].conn == c)
			ctl->waiting[i] = (struct waiting){0};
	for (size_t i = 0; i < CONNECTIONS_MAX; i++)
		if (ctl->followers[i].conn == c)
			ctl->followers[i] = (struct follower){.conn = NULL};
}

static const struct local_rules rules = {
    .on_input = on_input,
    .on_end = on_end,
    .max_connections = CONNECTIONS_MAX,
    .max_input = LINE_LIMIT,
    .max_output = OUTPUT_MAX,
    .deadline_s = DEADLINE_S,
};

struct control *control_new(struct monitor *d, int fd)
{
	struct control *ctl = calloc(1, sizeof *ctl);

	if (ctl == NULL)
		return NULL;
	ctl->monitor = d;
	ctl->next_id = REQUEST_IDS;
	ctl->server = local_server_new(d->process->loop, fd, &rules, ctl);
	if (ctl->server == NULL) {
		free(ctl);
		return NULL;
	}
	return ctl;
}

void control_free(struct control *ctl)
{
	if (ctl == NULL)
		return;
	for (size_t i = 0; i < WAITING_MAX; i++)
		if (ctl->waiting[i].id != 0)
			waiting_drop(&ctl->waiting[i],
			             "this monitor ends before it knows; t3opsctl events will report how it went");
	local_server_free(ctl->server);
	free(ctl);
}

static void waiting_text(struct waiting *w, const char *text)
{
	size_t used = strlen(w->text);

	if (text[0] != '\0')
		snprintf(w->text + used, sizeof w->text - used, "%s%s", used > 0 ? "\n" : "", text);
}

static void waiting_answer(struct waiting *w)
{
	struct local_conn *c = w->conn;

	if (w->error == 0)
		answer(c, text_json(w->text));
	else
		refuse(c, w->text[0] != '\0' ? w->text : strerror(-w->error));
	*w = (struct waiting){0};
	local_hold(c, false);
}

void control_message(struct control *ctl, const struct msg_head *head, const void *payload)
{
	struct msg_reply a = {.error = -EHOSTDOWN, .text = "the process that does this is not running"};

	if (head->type != MSG_UNREACHABLE) {
		if (head->len != sizeof a)
			return;
		memcpy(&a, payload, sizeof a);
		a.text[sizeof a.text - 1] = '\0';
	}
	for (size_t i = 0; i < WAITING_MAX; i++) {
		struct waiting *w = &ctl->waiting[i];

		if (w->id == 0 || w->id != head->id)
			continue;
		if (w->error == 0)
			w->error = a.error;
		waiting_text(w, a.text);
		if (w->left-- <= 1)
			waiting_answer(w);
		return;
	}
}

void control_verdict(struct control *ctl, const json_t *verdict)
{
	for (size_t i = 0; i < CONNECTIONS_MAX; i++)
		if (ctl->followers[i].conn != NULL && !ctl->followers[i].events)
			line_send(ctl->followers[i].conn, json_pack("{s:O}", "verdict", verdict));
}

static bool wants_event(const struct follower *f, const struct event *e)
{
	return f->conn != NULL && f->events &&
	       (f->kind == EVENT_KINDS ? event_kind_journalled(e->kind) : f->kind == e->kind);
}

void control_event(struct control *ctl, const struct event *e)
{
	char line[EVENT_LINE_MAX], when[32];

	for (size_t i = 0; i < CONNECTIONS_MAX; i++) {
		if (!wants_event(&ctl->followers[i], e))
			continue;
		event_format(e, line, sizeof line);
		time_text(e->time_us, when);
		line_send(ctl->followers[i].conn, json_pack("{s:{s:s, s:s, s:s, s:o}}", "event", "time", when, "kind",
		                                            event_kind_name(e->kind), "process",
		                                            process_name(e->process), "line", text_json(line)));
	}
}
