/* SPDX-License-Identifier: MIT */
/* Requests that another process answers; see control_wait.h. */
#include "monitor/control_wait.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "monitor/control_line.h"
#include "sys/buf.h"

#define REQUEST_IDS (UINT64_C(1) << 62) /* above those of incidents: a probe can be unreachable, too */

struct control_wait *control_wait_new(struct control_waits *w, struct local_conn *c)
{
	for (size_t i = 0; i < CONTROL_WAITS_MAX && !w->ended; i++) {
		struct control_wait *row = &w->rows[i];

		if (row->id != 0)
			continue;
		*row = (struct control_wait){.id = REQUEST_IDS + ++w->given, .conn = c};
		local_hold(c, true);
		return row;
	}
	if (w->ended)
		control_refuse_again(c, "t3ops is being reloaded or stopped, nothing was done; try again");
	else
		control_refuse(c, "too many requests wait for an answer; try again");
	return NULL;
}

static void wait_clear(struct control_wait *w)
{
	free(w->text);
	*w = (struct control_wait){0};
}

void control_wait_refuse(struct control_wait *w, const char *why)
{
	struct local_conn *c = w->conn;

	wait_clear(w);
	local_hold(c, false);
	control_refuse(c, why);
}

static void text_add(struct control_wait *w, const char *text)
{
	char *joined;

	if (text[0] == '\0' || asprintf(&joined, "%s%s%s", w->text ? w->text : "", w->text ? "\n" : "", text) < 0)
		return;
	free(w->text);
	w->text = joined;
}

/* {"text":SUMMARY,"rows":[...]}; the summary's lines go to *summary, too, which is freed with free(3). */
static json_t *rows_json(const char *text, char **summary)
{
	json_t *rows = json_array();
	struct buf lines = {0};

	while (*text != '\0') {
		size_t len = strcspn(text, "\n");
		json_t *row = *text == '{' ? json_loadb(text, len, 0, NULL) : NULL;

		if (row != NULL)
			json_array_append_new(rows, row);
		else
			buf_printf(&lines, "%s%.*s", buf_len(&lines) > 0 ? "\n" : "", (int)len, text);
		text += len + (text[len] == '\n');
	}
	*summary = strndup(buf_len(&lines) > 0 ? buf_at(&lines) : "", buf_len(&lines));
	buf_fini(&lines);
	return json_pack("{s:o, s:o}", "text", control_text(*summary != NULL ? *summary : ""), "rows", rows);
}

static void rows_answer(struct control_wait *w)
{
	char *summary = NULL;
	json_t *result = rows_json(w->text != NULL ? w->text : "", &summary);

	if (w->error == 0)
		control_answer(w->conn, result);
	else
		control_line(
		    w->conn,
		    json_pack("{s:b, s:o, s:o}", "ok", 0, "error",
		              control_text(summary != NULL && *summary != '\0' ? summary : strerror(-w->error)),
		              "result", result));
	free(summary);
}

static void wait_answer(struct control_wait *w)
{
	struct local_conn *c = w->conn;
	const char *text = w->text != NULL ? w->text : "";

	if (w->rows)
		rows_answer(w);
	else if (w->error == 0)
		control_answer(c, control_text(text));
	else
		control_refuse(c, text[0] != '\0' ? text : strerror(-w->error));
	wait_clear(w);
	local_hold(c, false);
}

static void reply_take(struct control_waits *w, uint64_t id, int error, const char *text)
{
	for (size_t i = 0; i < CONTROL_WAITS_MAX; i++) {
		struct control_wait *row = &w->rows[i];

		if (row->id == 0 || row->id != id)
			continue;
		if (row->error == 0)
			row->error = error;
		text_add(row, text);
		if (row->left-- <= 1)
			wait_answer(row);
		return;
	}
}

struct local_conn *control_wait_take(struct control_waits *w, uint64_t id)
{
	for (size_t i = 0; i < CONTROL_WAITS_MAX; i++)
		if (w->rows[i].id != 0 && w->rows[i].id == id) {
			struct local_conn *c = w->rows[i].conn;

			wait_clear(&w->rows[i]);
			local_hold(c, false);
			return c;
		}
	return NULL;
}

void control_waits_message(struct control_waits *w, const struct msg_head *head, const void *payload)
{
	const struct msg_reply *reply = payload;
	char *text;

	if (head->type == MSG_UNREACHABLE) {
		reply_take(w, head->id, -EHOSTDOWN, "the process that does this is not running");
		return;
	}
	if (head->len < sizeof *reply)
		return;
	text = strndup(reply->text, head->len - sizeof *reply);
	reply_take(w, head->id, reply->error, text ? text : "");
	free(text);
}

void control_waits_forget(struct control_waits *w, const struct local_conn *c)
{
	for (size_t i = 0; i < CONTROL_WAITS_MAX; i++)
		if (w->rows[i].conn == c)
			wait_clear(&w->rows[i]);
}

void control_waits_end(struct control_waits *w, const char *why)
{
	w->ended = true;
	for (size_t i = 0; i < CONTROL_WAITS_MAX; i++)
		if (w->rows[i].id != 0)
			control_wait_refuse(&w->rows[i], why);
}
