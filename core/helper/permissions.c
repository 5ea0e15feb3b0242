/* SPDX-License-Identifier: MIT */
/* The helper's table; see permissions.h. */
#include "helper/permissions.h"

static const struct {
	bool commands, jobs;
} permissions[PROCESSES] = {
    [PROCESS_PROXY] = {.commands = true},
    [PROCESS_PROBER] = {.commands = true},
    [PROCESS_JOBS] = {.commands = true, .jobs = true},
};

const char *job_refusal(enum process_id requester)
{
	if ((unsigned)requester < PROCESSES && permissions[requester].jobs)
		return NULL;
	return "this process may not have jobs started";
}

const char *command_refusal(enum process_id requester, bool by_job, const struct process_command *command)
{
	enum process_id loads = by_job ? PROCESS_JOBS : requester;

	if ((unsigned)loads >= PROCESSES || !permissions[loads].commands)
		return "this process may not have commands started";
	if (!(command->requesters & 1u << loads))
		return "no plugin that this process loads has an option that names the command";
	return NULL;
}
