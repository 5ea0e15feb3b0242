/* SPDX-License-Identifier: MIT */
/* Queues, attempts, and what is written down of them; see notifier.h. */
#include "monitor/notifier.h"

#include <errno.h>
#include <ev.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "monitor/notification.h"
#include "monitor/notifier_file.h"
#include "sys/clock.h"

#define NOTIFY_IDS     (UINT64_C(1) << 63) /* apart from those of plugin_actions.c and control_wait.c */
#define GUARD_GRACE_US UINT64_C(3000000)   /* beyond the timeout, which the helper enforces */
#define TOLD_MAX       256

enum sender_state { SENDER_IDLE, SENDER_RUNNING, SENDER_PAUSED };

struct sender {
	struct notifier *all;
	const struct process_notify *notify;
	enum sender_state state;
	json_t *queue; /* oldest first: {"verdict":ID, "incident":ID, "since":WALL_US, "text":...} */
	json_t *told;  /* ids of verdicts, oldest first */
	unsigned failures;
	uint64_t id;           /* of the attempt */
	struct ev_timer timer; /* RUNNING: the helper may end before it answers; PAUSED: the pause */
	struct series *sent, *failed, *dropped, *waiting;
};

struct notifier {
	struct process *process;
	const char *host;
	struct sender *rows;
	size_t n;
	uint64_t last_id;
	bool begun;
	bool unwritten; /* the last write failed: said once */
};

static void sender_next(struct sender *s);

/* ---- what is written down ------------------------------------------------------------------------------- */

static void write_down(struct notifier *n)
{
	json_t *sections = json_object();
	int r;

	for (size_t i = 0; i < n->n; i++)
		json_object_set_new(sections, n->rows[i].notify->name,
		                    json_pack("{s:O, s:O}", "queue", n->rows[i].queue, "told", n->rows[i].told));
	r = notifier_file_write(n->process->config->core.state_dir, sections);
	json_decref(sections);
	if (r < 0 && !n->unwritten)
		log_write(LOG_L_ERROR, "notifications_not_kept", kv_errno(r),
		          kv_effect("what waits is lost with this process"));
	n->unwritten = r < 0;
}

static void take_up(struct sender *s, const json_t *section)
{
	json_t *queue = json_object_get(section, "queue"), *told = json_object_get(section, "told");

	if (json_is_array(queue) && json_is_array(told)) {
		json_array_extend(s->queue, queue);
		json_array_extend(s->told, told);
	}
}

/* ---- one notification ----------------------------------------------------------------------------------- */

static void sender_count(struct sender *s)
{
	series_set(s->waiting, (double)json_array_size(s->queue));
}

static void drop(struct sender *s, size_t at, const char *why)
{
	const json_t *item = json_array_get(s->queue, at);
	struct event e;

	event_init(&e, EVENT_NOTIFICATION_DROPPED, PROCESS_MONITOR);
	event_set(e.command, s->notify->name);
	e.id = (uint64_t)json_integer_value(json_object_get(item, "incident"));
	e.count = (uint64_t)json_integer_value(json_object_get(item, "verdict"));
	event_set(e.text, why);
	json_array_remove(s->queue, at);
	series_add(s->dropped, 1);
	process_emit(s->all->process, &e);
}

static void sender_set_state(struct sender *s, enum sender_state state, uint64_t for_us)
{
	struct ev_loop *loop = s->all->process->loop;

	s->state = state;
	ev_timer_stop(loop, &s->timer);
	if (state == SENDER_IDLE)
		return;
	ev_now_update(loop);
	ev_timer_set(&s->timer, (double)for_us / 1e6, 0.);
	ev_timer_start(loop, &s->timer);
}

static uint64_t pause_us(const struct sender *s)
{
	uint64_t pause = s->notify->options.retry_min_us, most = s->notify->options.retry_max_us;

	for (unsigned i = 1; i < s->failures && pause < most; i++)
		pause *= 2;
	return pause < most ? pause : most;
}

static void on_failed(struct sender *s)
{
	uint64_t since = (uint64_t)json_integer_value(json_object_get(json_array_get(s->queue, 0), "since"));
	uint64_t now = clock_wall_us();

	s->failures++;
	series_add(s->failed, 1);
	if (now < since || now - since < s->notify->options.retry_for_us) {
		sender_set_state(s, SENDER_PAUSED, pause_us(s));
		return;
	}
	drop(s, 0, textf("its program failed %u times, until retry_for had passed", s->failures));
	s->failures = 0;
	sender_set_state(s, SENDER_IDLE, 0);
	write_down(s->all);
	sender_next(s);
}

static void on_sent(struct sender *s)
{
	json_array_remove(s->queue, 0);
	s->failures = 0;
	series_add(s->sent, 1);
	sender_set_state(s, SENDER_IDLE, 0);
	write_down(s->all);
	sender_next(s);
}

static void on_timer(struct ev_loop *loop, struct ev_timer *w, int revents)
{
	struct sender *s = w->data;

	(void)loop, (void)revents;
	if (s->state == SENDER_RUNNING) {
		on_failed(s);
		return;
	}
	sender_set_state(s, SENDER_IDLE, 0);
	sender_next(s);
}

/* False: there is no room for it in a message, or no memory. */
static bool attempt_send(struct sender *s, const char *text)
{
	size_t len = strlen(text), size = sizeof(struct msg_notify) + len;
	struct msg_notify *about = size <= MSG_MAX ? calloc(1, size) : NULL;

	if (about == NULL)
		return false;
	event_set(about->name, s->notify->name);
	memcpy(about->text, text, len);
	s->id = NOTIFY_IDS + ++s->all->last_id;
	channel_send(s->all->process->channel, MSG_NOTIFY, PROCESS_HELPER, s->id, about, size);
	free(about);
	return true;
}

/* Starts with the oldest one that waits, if nothing is in progress. */
static void sender_next(struct sender *s)
{
	const char *text;

	sender_count(s);
	if (!s->all->begun || s->state != SENDER_IDLE || json_array_size(s->queue) == 0)
		return;
	sender_set_state(s, SENDER_RUNNING, s->notify->options.timeout_us + GUARD_GRACE_US);
	text = json_string_value(json_object_get(json_array_get(s->queue, 0), "text"));
	if (text == NULL || !attempt_send(s, text))
		on_failed(s);
}

/* ---- verdicts --------------------------------------------------------------------------------------------- */

static bool was_told(const struct sender *s, json_int_t id)
{
	const json_t *row;
	size_t i;

	json_array_foreach (s->told, i, row)
		if (json_integer_value(row) == id)
			return true;
	return false;
}

/* The one that is with the helper stays. */
static void room_make(struct sender *s)
{
	size_t in_progress = s->state != SENDER_IDLE;

	while (json_array_size(s->queue) - in_progress >= (size_t)s->notify->options.queue &&
	       json_array_size(s->queue) > in_progress)
		drop(s, in_progress, textf("more than %lld wait", (long long)s->notify->options.queue));
}

static void tell(struct sender *s, const json_t *verdict, bool told)
{
	const struct core_options *core = &s->all->process->config->core;
	json_int_t id = json_integer_value(json_object_get(verdict, "id"));
	char *text = notification_make(&s->notify->options, verdict, &core->per_user, s->all->host);

	if (text == NULL)
		return;
	room_make(s);
	json_array_append_new(s->queue, json_pack("{s:I, s:I, s:I, s:s}", "verdict", id, "incident",
	                                          json_integer_value(json_object_get(verdict, "incident")), "since",
	                                          (json_int_t)clock_wall_us(), "text", text));
	free(text);
	if (!told)
		json_array_append_new(s->told, json_integer(id));
	if (json_array_size(s->told) > TOLD_MAX)
		json_array_remove(s->told, 0);
}

void notifier_verdict(struct notifier *n, const json_t *verdict)
{
	const struct text_list *per_user = &n->process->config->core.per_user;
	json_int_t id = json_integer_value(json_object_get(verdict, "id"));
	bool any = false;

	for (size_t i = 0; i < n->n; i++) {
		struct sender *s = &n->rows[i];
		bool told = was_told(s, id);

		if (!notification_is_wanted(&s->notify->options, verdict, per_user, told))
			continue;
		tell(s, verdict, told);
		any = true;
	}
	if (!any)
		return;
	write_down(n);
	for (size_t i = 0; i < n->n; i++)
		sender_next(&n->rows[i]);
}

bool notifier_message(struct notifier *n, const struct msg_head *head, const void *payload)
{
	struct msg_ran ran = {.error = -EHOSTDOWN};

	if (head->id < NOTIFY_IDS || (head->type != MSG_RAN && head->type != MSG_UNREACHABLE))
		return false;
	if (head->type == MSG_RAN && head->len >= sizeof ran)
		memcpy(&ran, payload, sizeof ran);
	for (size_t i = 0; i < n->n; i++) {
		struct sender *s = &n->rows[i];

		if (s->state != SENDER_RUNNING || s->id != head->id)
			continue;
		if (ran.error == 0 && ran.exit_code == 0)
			on_sent(s);
		else
			on_failed(s);
	}
	return true;
}

/* ---- life -------------------------------------------------------------------------------------------------- */

static struct series *outcome_of(struct notifier *n, const char *section, const char *outcome)
{
	static const struct t3ops_metric family = {
	    .name = "t3ops_notifications_total",
	    .type = T3OPS_COUNTER,
	    .labels = {"notify", "outcome"},
	    .help =
	        "Notifications: sent, attempts that failed, and those dropped because retry_for had passed or too "
	        "many waited."};
	const char *const labels[] = {section, outcome};

	return metrics_series(n->process->metrics, &family, NULL, NULL, labels);
}

static void sender_init(struct notifier *n, struct sender *s, const struct process_notify *notify)
{
	static const struct t3ops_metric waiting = {.name = "t3ops_notifications_waiting",
	                                            .type = T3OPS_GAUGE,
	                                            .labels = {"notify"},
	                                            .help = "Notifications that wait, or are with their program."};

	*s = (struct sender){.all = n, .notify = notify, .queue = json_array(), .told = json_array()};
	s->sent = outcome_of(n, notify->name, "sent");
	s->failed = outcome_of(n, notify->name, "failed");
	s->dropped = outcome_of(n, notify->name, "dropped");
	s->waiting = metrics_series(n->process->metrics, &waiting, NULL, NULL, (const char *const[]){notify->name});
	ev_timer_init(&s->timer, on_timer, 0., 0.);
	s->timer.data = s;
	sender_count(s);
}

struct notifier *notifier_new(struct process *process, const char *host)
{
	const struct process_config *config = process->config;
	struct notifier *n = calloc(1, sizeof *n);

	if (n != NULL)
		n->rows = calloc(config->n_notifies + 1, sizeof *n->rows);
	if (n == NULL || n->rows == NULL) {
		free(n);
		return NULL;
	}
	n->process = process;
	n->host = host;
	for (; n->n < config->n_notifies; n->n++)
		sender_init(n, &n->rows[n->n], &config->notifies[n->n]);
	return n;
}

void notifier_begin(struct notifier *n)
{
	json_t *sections;

	if (n->n == 0)
		return;
	sections = notifier_file_read(n->process->config->core.state_dir);
	n->begun = true;
	for (size_t i = 0; i < n->n; i++) {
		take_up(&n->rows[i], json_object_get(sections, n->rows[i].notify->name));
		sender_next(&n->rows[i]);
	}
	json_decref(sections);
}

void notifier_free(struct notifier *n)
{
	for (size_t i = 0; n != NULL && i < n->n; i++) {
		ev_timer_stop(n->process->loop, &n->rows[i].timer);
		json_decref(n->rows[i].queue);
		json_decref(n->rows[i].told);
	}
	free(n != NULL ? n->rows : NULL);
	free(n);
}
