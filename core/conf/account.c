/* SPDX-License-Identifier: MIT */
/* Names of accounts; see account.h. */
#include "conf/account.h"

#include <pwd.h>
#include <stdio.h>

void process_account(enum process_id process, const struct core_options *options, char out[ACCOUNT_SIZE])
{
	snprintf(out, ACCOUNT_SIZE, "%s", options->user);
	if (process != PROCESS_PROXY)
		return;
	if (options->user_proxy[0] != '\0') {
		snprintf(out, ACCOUNT_SIZE, "%s", options->user_proxy);
		return;
	}
	if (snprintf(out, ACCOUNT_SIZE, "%s-proxy", options->user) >= ACCOUNT_SIZE || !getpwnam(out))
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
