/* SPDX-License-Identifier: MIT */
/* The helper's table; see permissions.h. */
#include "helper/permissions.h"

static const struct {
	bool commands, jobs;
	unsigned most, per_minute;
} permissions[PROCESSES] = {
    /* t3ops(8), SECURITY, names these numbers */
    [PROCESS_PROXY] = {.commands = true, .most = 8, .per_minute = 30},
    [PROCESS_PROBER] = {.commands = true, .most = 4, .per_minute = 30},
    [PROCESS_JOBS] = {.commands = true, .jobs = true, .most = 4},
};

unsigned runs_most(enum process_id requester)
{
	return (unsigned)requester < PROCESSES ? permissions[requester].most : 0;
}

unsigned runs_per_minute(enum process_id requester)
{
	return (unsigned)requester < PROCESSES ? permissions[requester].per_minute : 0;
}

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
	if (!(command->requesters & 1u << loads) && loads == PROCESS_PROXY)
		return "the proxy may have the command of a plugin that provides pairing started, and no other one";
	if (!(command->requesters & 1u << loads))
		return "no plugin that this process loads has an option that names the command";
	return NULL;
}
