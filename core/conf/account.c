/* SPDX-License-Identifier: MIT */
/* Names of accounts; see account.h. */
#include "conf/account.h"

#include <pwd.h>
#include <stdio.h>

const char *process_account_option(enum process_id process, const struct core_options *options)
{
	switch (process) {
	case PROCESS_PROXY:
		return options->user_proxy;
	case PROCESS_PROBER:
		return options->user_prober;
	case PROCESS_MONITOR:
		return options->user_monitor;
	case PROCESS_JOBS:
		return options->user_jobs;
	default:
		return NULL;
	}
}

void process_account(enum process_id process, const struct core_options *options, char out[ACCOUNT_SIZE])
{
	const char *named = process_account_option(process, options);

	snprintf(out, ACCOUNT_SIZE, "%s", named && named[0] != '\0' ? named : options->user);
	if (!named || named[0] != '\0')
		return;
	if (snprintf(out, ACCOUNT_SIZE, "%s-%s", options->user, process_name(process)) >= ACCOUNT_SIZE ||
	    !getpwnam(out))
		snprintf(out, ACCOUNT_SIZE, "%s", options->user);
}

bool process_account_own(enum process_id process, const struct core_options *options, uid_t *uid)
{
	char name[ACCOUNT_SIZE];
	const struct passwd *pw = getpwnam(options->user);
	uid_t shared = pw ? pw->pw_uid : (uid_t)-1;

	process_account(process, options, name);
	pw = getpwnam(name);
	if (!pw || pw->pw_uid == shared)
		return false;
	*uid = pw->pw_uid;
	return true;
}
