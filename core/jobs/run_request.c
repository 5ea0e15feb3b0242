/* SPDX-License-Identifier: MIT */
/* Requests to run a job now; see run_request.h. */
#include "jobs/run_request.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROWS_SIZE_MAX (MSG_MAX - 4096) /* of an answer, beside its summary */

static void answer_send(struct jobs *j, uint32_t to, uint64_t id, int error, const char *text)
{
	channel_reply(j->process->channel, MSG_JOB_DONE, to, id, error, text);
}

void run_request_refuse(struct jobs *j, const struct msg_head *head, int error, const char *why)
{
	answer_send(j, head->from, head->id, error, why);
}

struct run_request *run_request_new(struct jobs *j, const struct msg_head *head, const struct msg_run *ask)
{
	struct run_request *request = calloc(1, sizeof *request);

	if (!request)
		return NULL;
	request->from = head->from;
	request->id = head->id;
	request->ask = *ask;
	LIST_INSERT_HEAD(&j->requests, request, link);
	return request;
}

void run_request_add(struct run_request *request)
{
	request->total++;
	request->left++;
}

/* What there is no room for is counted. */
static void row_add(struct run_request *request, const char *user, json_t *row)
{
	char *text;

	json_object_set_new(row, "user", json_string(user));
	text = json_dumps(row, JSON_COMPACT);
	if (!text || buf_len(&request->rows) + strlen(text) >= ROWS_SIZE_MAX ||
	    !buf_printf(&request->rows, "\n%s", text))
		request->rows_left_out++;
	free(text);
}

void run_request_ended(struct run_request *request, const char *user, const struct job_result *result)
{
	if (strcmp(result->outcome, "absent") == 0)
		request->absent++;
	else if (strcmp(result->outcome, "ok") != 0 && request->failed++ == 0)
		snprintf(request->why, sizeof request->why, "%s: %s", user, result->text);
	if (result->note[0] != '\0' && request->note[0] == '\0')
		snprintf(request->note, sizeof request->note, "; %s: %s", user, result->note);
	for (size_t i = 0; i < json_array_size(result->rows); i++)
		row_add(request, user, json_array_get(result->rows, i));
	request->left--;
}

/* One line for a person. */
static void summary_write(const struct run_request *request, char *text, size_t size)
{
	char absent[48] = "";
	int used;

	if (request->absent > 0)
		snprintf(absent, sizeof absent, ", %zu never ran t3", request->absent);
	if (request->total == 0)
		used = snprintf(text, size, "no user of the table has an account here");
	else if (request->failed == 0)
		used = snprintf(text, size, "%zu of %zu done%s%s", request->total - request->absent, request->total,
		                absent, request->note);
	else
		used = snprintf(text, size, "%zu of %zu failed%s; %s", request->failed, request->total, absent,
		                request->why);
	if (request->rows_left_out > 0)
		snprintf(text + used, size - (size_t)used, "; %zu more rows do not fit: ask for one user",
		         request->rows_left_out);
}

void run_request_settle(struct jobs *j, struct run_request *request)
{
	struct buf answer = {0};
	char text[640];

	if (request->left > 0)
		return;
	summary_write(request, text, sizeof text);
	buf_add_text(&answer, text);
	buf_add(&answer, buf_at(&request->rows), buf_len(&request->rows));
	buf_add(&answer, "", 1);
	answer_send(j, request->from, request->id,
	            request->total == 0 ? -ENOENT
	            : request->failed   ? -EIO
	                                : 0,
	            buf_at(&answer));
	buf_fini(&answer);
	buf_fini(&request->rows);
	LIST_REMOVE(request, link);
	free(request);
}
