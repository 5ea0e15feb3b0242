/* SPDX-License-Identifier: MIT */
/* Requests to run a job now; see run_request.h. */
#include "jobs/run_request.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void answer_send(struct jobs *j, uint32_t to, uint64_t id, int error, const char *text)
{
	channel_reply(j->process->channel, MSG_JOB_DONE, to, id, error, text);
}

void run_request_refuse(struct jobs *j, const struct msg_head *head, int error, const char *why)
{
	answer_send(j, head->from, head->id, error, why);
}

struct run_request *run_request_new(struct jobs *j, const struct msg_head *head)
{
	struct run_request *request = calloc(1, sizeof *request);

	if (!request)
		return NULL;
	request->from = head->from;
	request->id = head->id;
	LIST_INSERT_HEAD(&j->requests, request, link);
	return request;
}

void run_request_add(struct run_request *request)
{
	request->total++;
	request->left++;
}

void run_request_ended(struct run_request *request, const char *user, const struct job_result *result)
{
	if (strcmp(result->outcome, "ok") != 0 && request->failed++ == 0)
		snprintf(request->why, sizeof request->why, "%s: %s", user, result->text);
	request->left--;
}

void run_request_settle(struct jobs *j, struct run_request *request)
{
	char text[480];

	if (request->left > 0)
		return;
	if (request->total == 0)
		snprintf(text, sizeof text, "no user of the table has an account here");
	else if (request->failed == 0)
		snprintf(text, sizeof text, "%zu of %zu done", request->total, request->total);
	else
		snprintf(text, sizeof text, "%zu of %zu failed; %s", request->failed, request->total, request->why);
	answer_send(j, request->from, request->id, request->total == 0 ? -ENOENT : request->failed ? -EIO : 0, text);
	LIST_REMOVE(request, link);
	free(request);
}
