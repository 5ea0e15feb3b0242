/* SPDX-License-Identifier: MIT */
/* What the control socket can be asked; see control.h. */
#include "monitor/control.h"

#include <stdlib.h>
#include <string.h>

#include "monitor/control_follow.h"
#include "monitor/control_history.h"
#include "monitor/control_incident.h"
#include "monitor/control_line.h"
#include "monitor/control_log_level.h"
#include "monitor/control_peer.h"
#include "monitor/control_wait.h"
#include "monitor/journal_read.h"
#include "monitor/listing.h"
#include "monitor/metrics_page.h"
#include "monitor/plugin_actions.h"
#include "monitor/plugin_list.h"
#include "monitor/reading.h"
#include "monitor/roster.h"
#include "monitor/status.h"
#include "monitor/verdict_span.h"
#include "sys/clock.h"
#include "sys/time_text.h"

#define LINE_LIMIT 4096
#define OUTPUT_MAX (64u << 20)
#define DEADLINE_S 60.0

struct control {
	struct monitor *monitor;
	struct local_server *server;
	struct control_waits waits;
	struct followers followers;
	struct control_peers peers;
};

static void on_metrics(struct local_conn *c, struct shared_text *text)
{
	control_answer(c, text != NULL ? json_stringn(buf_at(&text->bytes), buf_len(&text->bytes)) : NULL);
}

static void on_listing(const struct listing_ask *ask, struct shared_text *text)
{
	static const char begin[] = "{\"ok\":true,\"result\":";

	if (text == NULL) {
		control_answer(ask->conn, NULL);
		return;
	}
	local_send(ask->conn, begin, sizeof begin - 1);
	local_send_text(ask->conn, text);
	local_send(ask->conn, "}\n", 2);
}

static void list_send(struct control *ctl, struct local_conn *c, struct listing_ask *ask)
{
	ask->one_line = true;
	ask->conn = c;
	ask->answer = on_listing;
	listing_begin(ctl->monitor->listings, ask);
}

static void on_status(struct control *ctl, struct local_conn *c)
{
	struct listing_ask ask = {0};

	status_ask(ctl->monitor, &ask);
	list_send(ctl, c, &ask);
}

static size_t limit_of(const json_t *request, size_t fallback)
{
	json_int_t limit = json_integer_value(json_object_get(request, "limit"));

	if (limit <= 0)
		return fallback;
	return limit < LIST_MAX ? (size_t)limit : LIST_MAX;
}

/* False: it is refused, for the journal has it and cannot be read. */
static bool list_answer(struct local_conn *c, json_t *list)
{
	if (list == NULL)
		control_refuse(c, "the journal cannot be read; the line journal_failed of the log says why");
	else
		control_answer(c, list);
	return list != NULL;
}

static void on_verdicts(struct control *ctl, struct local_conn *c, const json_t *request)
{
	bool standing = json_is_true(json_object_get(request, "standing"));

	if (json_is_integer(json_object_get(request, "since"))) {
		control_verdicts_since(ctl->monitor, c, request);
		return;
	}
	if (!list_answer(c, standing ? standing_json(ctl->monitor)
	                             : verdicts_json(ctl->monitor, 0, limit_of(request, 20))))
		return;
	if (json_is_true(json_object_get(request, "follow")))
		followers_add(&ctl->followers, (struct follower){.conn = c});
}

static void on_events(struct control *ctl, struct local_conn *c, const json_t *request)
{
	const char *kind = json_string_value(json_object_get(request, "kind"));
	json_int_t since = json_integer_value(json_object_get(request, "since"));

	if (kind != NULL && kind[0] != '\0' && event_kind_parse(kind) == EVENT_KINDS) {
		control_refuse(c, textf("no such kind of event: \"%s\"; t3ops-events(7) lists them", kind));
		return;
	}
	if (kind == NULL)
		kind = "";
	if (!list_answer(c, journal_events(ctl->monitor->journal, kind, since > 0 ? (uint64_t)since : 0,
	                                   limit_of(request, 50))))
		return;
	if (json_is_true(json_object_get(request, "follow")))
		followers_add(&ctl->followers,
		              (struct follower){.conn = c, .events = true, .kind = event_kind_parse(kind)});
}

/* Who is connected, looked at again from now on for as long as somebody asks. */
static void on_top(struct control *ctl, struct local_conn *c)
{
	char now[TIME_TEXT_SIZE];
	struct listing_ask ask = {.of = LISTING_USERS, .key = "users"};

	time_text(clock_wall_us(), now);
	roster_follow(ctl->monitor);
	ask.before = json_pack("{s:s, s:o}", "time", now, "headline", headline_json(ctl->monitor));
	list_send(ctl, c, &ask);
}

/* How things are, then news in words. */
static void on_watch(struct control *ctl, struct local_conn *c)
{
	struct monitor *d = ctl->monitor;
	json_t *all = standing_json(d), *standing = json_array(), *verdict, *copy;
	size_t i;

	json_array_foreach (all, i, verdict) {
		if (!json_is_null(json_object_get(verdict, "ended_time")))
			continue;
		copy = json_copy(verdict);
		verdict_span_add(copy, clock_wall_us());
		json_array_append_new(standing, copy);
	}
	json_decref(all);
	control_answer(c, json_pack("{s:o, s:o}", "headline", headline_json(d), "standing", standing));
	followers_add(&ctl->followers, (struct follower){.conn = c, .words = true});
}

static void on_reload(struct control *ctl, struct local_conn *c)
{
	struct control_wait *w = control_wait_new(&ctl->waits, c);

	if (w == NULL)
		return;
	w->left = 1;
	if (channel_send(ctl->monitor->process->channel, MSG_RELOAD, PROCESS_SUPERVISOR, w->id, NULL, 0) < 0)
		control_wait_refuse(w, "the supervisor cannot be reached now; try again");
}

/* The section of that name, or every section of that plugin. */
static bool is_asked_for(const struct plugin_section *section, const char *job, const char *plugin)
{
	return (section->roles & T3OPS_ROLE_JOB) &&
	       strcmp(job != NULL ? section->name : section->module, job != NULL ? job : plugin) == 0;
}

/* "no such job \"x\"; there are: backup, offsite" */
static void job_unknown(struct control *ctl, struct local_conn *c, const char *name)
{
	const struct process_config *config = ctl->monitor->process->config;
	char text[400];
	int used = snprintf(text, sizeof text, "no such job \"%.64s\"; there ", name), jobs = 0;

	for (size_t i = 0; i < config->n_sections && used < (int)sizeof text; i++)
		if (config->sections[i].roles & T3OPS_ROLE_JOB)
			used += snprintf(text + used, sizeof text - (size_t)used, "%s%s",
			                 jobs++ == 0 ? "are: " : ", ", config->sections[i].name);
	if (jobs == 0)
		snprintf(text + used, sizeof text - (size_t)used, "is none");
	control_refuse(c, text);
}

/* ask: all but the section's name. */
static void jobs_run(struct control *ctl, struct local_conn *c, const char *job, const char *plugin,
                     const struct msg_run *ask)
{
	const struct process_config *config = ctl->monitor->process->config;
	struct control_wait *w = control_wait_new(&ctl->waits, c);

	if (w == NULL)
		return;
	w->rows = ask->action[0] != '\0';
	for (size_t i = 0; i < config->n_sections; i++) {
		struct msg_run run = *ask;

		if (!is_asked_for(&config->sections[i], job, plugin))
			continue;
		event_set(run.name, config->sections[i].name);
		if (channel_send(ctl->monitor->process->channel, MSG_JOB_NOW, PROCESS_JOBS, w->id, &run,
		                 sizeof run) == 0)
			w->left++;
	}
	if (w->left == 0)
		control_wait_refuse(w, "the jobs process cannot be reached now; try again");
}

/* The action and its arguments, texts by name; false: refused. */
static bool action_read(struct local_conn *c, const json_t *request, struct msg_run *ask)
{
	const char *action = json_string_value(json_object_get(request, "action"));
	const json_t *arguments = json_object_get(request, "arguments");
	size_t len;

	if (action == NULL)
		return true;
	if (*action == '\0' || strlen(action) >= sizeof ask->action) {
		control_refuse(c, textf("no such action: \"%.64s\"", action));
		return false;
	}
	strcpy(ask->action, action);
	len = json_is_object(arguments)
	          ? json_dumpb(arguments, ask->arguments, sizeof ask->arguments - 1, JSON_COMPACT)
	          : 0;
	if (len < sizeof ask->arguments)
		return true;
	control_refuse(
	    c, textf("its arguments take %zu bytes as JSON, and at most %zu may be", len, sizeof ask->arguments - 1));
	return false;
}

/* For the installation as a whole. */
static void whole_do(struct control *ctl, struct local_conn *c, struct t3ops_instance *i, const char *action,
                     json_t *arguments)
{
	char why[400] = "";
	json_t *rows, *result;
	int r = plugin_actions_do(ctl->monitor->actions, i, action, arguments, &rows, why, sizeof why);

	result = json_pack("{s:o, s:o}", "text", control_text(why), "rows", rows);
	if (r == 0)
		control_answer(c, result);
	else
		control_line(c, json_pack("{s:b, s:o, s:o}", "ok", 0, "error",
		                          control_text(why[0] != '\0' ? why : strerror(-r)), "result", result));
}

/* {"job":SECTION} or {"plugin":PLUGIN}, and "user", "" for all of them; "action" and its "arguments", or neither. */
static void on_run(struct control *ctl, struct local_conn *c, const json_t *request)
{
	const struct process_config *config = ctl->monitor->process->config;
	const char *job = json_string_value(json_object_get(request, "job"));
	const char *plugin = json_string_value(json_object_get(request, "plugin"));
	const char *user = json_string_value(json_object_get(request, "user"));
	const char *action = json_string_value(json_object_get(request, "action"));
	struct msg_run ask = {.job = 1};
	struct t3ops_instance *whole = NULL;
	bool known = false;

	if (ctl->monitor->actions != NULL && action != NULL && (user == NULL || *user == '\0'))
		whole = plugin_actions_find(ctl->monitor->actions, job, plugin, action);
	if (whole != NULL) {
		whole_do(ctl, c, whole, action, json_object_get(request, "arguments"));
		return;
	}
	if (job == NULL && plugin == NULL) {
		control_refuse(c, "run needs \"job\" or \"plugin\"");
		return;
	}
	for (size_t i = 0; i < config->n_sections; i++)
		known = known || is_asked_for(&config->sections[i], job, plugin);
	event_set(ask.user, user != NULL ? user : "");
	if (known && action_read(c, request, &ask))
		jobs_run(ctl, c, job, plugin, &ask);
	else if (!known)
		job_unknown(ctl, c, job != NULL ? job : plugin);
}

static void request_do(struct control *ctl, struct local_conn *c, const json_t *request)
{
	const char *command = json_string_value(json_object_get(request, "command"));

	if (command == NULL)
		control_refuse(c, "a request is one JSON object with \"command\", on one line");
	else if (strcmp(command, "status") == 0)
		on_status(ctl, c);
	else if (strcmp(command, "legs") == 0)
		list_send(ctl, c, &(struct listing_ask){.of = LISTING_LEGS});
	else if (strcmp(command, "plugins") == 0)
		control_answer(c, plugin_list_json(ctl->monitor));
	else if (strcmp(command, "metrics") == 0)
		metrics_page_ask(ctl->monitor->metrics, c, on_metrics);
	else if (strcmp(command, "verdicts") == 0)
		on_verdicts(ctl, c, request);
	else if (strcmp(command, "users") == 0)
		list_send(ctl, c, &(struct listing_ask){.of = LISTING_USERS});
	else if (strcmp(command, "top") == 0)
		on_top(ctl, c);
	else if (strcmp(command, "watch") == 0)
		on_watch(ctl, c);
	else if (strcmp(command, "why") == 0)
		control_why(ctl->monitor, c, request);
	else if (strcmp(command, "incident") == 0)
		control_incident_export(ctl->monitor, c, request);
	else if (strcmp(command, "events") == 0)
		on_events(ctl, c, request);
	else if (strcmp(command, "log-level") == 0)
		control_log_level(ctl->monitor, &ctl->waits, c, request);
	else if (strcmp(command, "reload") == 0)
		on_reload(ctl, c);
	else if (strcmp(command, "run") == 0)
		on_run(ctl, c, request);
	else
		control_refuse(c, textf("no such command: \"%s\"", command));
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

static bool on_accept(int fd, void *arg)
{
	struct control *ctl = arg;

	return control_peer_admit(&ctl->peers, fd);
}

static void on_end(struct local_conn *c, void *arg)
{
	struct control *ctl = arg;

	if (ctl->monitor->readings != NULL)
		readings_forget(ctl->monitor->readings, c);
	metrics_page_forget(ctl->monitor->metrics, c);
	listings_forget(ctl->monitor->listings, c);
	control_waits_forget(&ctl->waits, c);
	followers_forget(&ctl->followers, c);
}

static const struct local_rules rules = {
    .on_accept = on_accept,
    .on_input = on_input,
    .on_end = on_end,
    .max_connections = CONTROL_FOLLOWERS_MAX,
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
	control_peers_init(&ctl->peers, d);
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
	control_waits_end(&ctl->waits, "this monitor ends before it knows; t3opsctl events will report how it went");
	local_server_free(ctl->server);
	free(ctl);
}

void control_message(struct control *ctl, const struct msg_head *head, const void *payload)
{
	if (head->type == MSG_LOG_LEVELS)
		control_log_levels(ctl->monitor, &ctl->waits, head);
	else
		control_waits_message(&ctl->waits, head, payload);
}

void control_verdict(struct control *ctl, const json_t *verdict)
{
	followers_verdict(&ctl->followers, verdict);
}

void control_event(struct control *ctl, const struct event *e)
{
	followers_event(&ctl->followers, e);
}
