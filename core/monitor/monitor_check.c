/* SPDX-License-Identifier: MIT */
/* The journal's directory, and paths that the diagnosis can take; see monitor_check.h. */
#include "monitor/monitor_check.h"

#include <errno.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "conf/account.h"
#include "monitor/journal_check.h"
#include "monitor/path_config.h"

static void state_dir_check(const struct core_options *o, const struct config_faults *f)
{
	struct stat st;

	if (stat(o->state_dir, &st) < 0)
		config_fault_warn(f, CONF_CORE, NULL, "state_dir",
		                  "state_dir = \"%s\": %s; until it is there and belongs to %s there is no journal",
		                  o->state_dir, strerror(errno), o->user);
	else if (!S_ISDIR(st.st_mode))
		config_fault_error(f, CONF_CORE, NULL, "state_dir", "state_dir = \"%.200s\": not a directory",
		                   o->state_dir);
	else if (access(o->state_dir, W_OK | X_OK) < 0)
		config_fault_warn(f, CONF_CORE, NULL, "state_dir",
		                  "state_dir = \"%.200s\": account %s cannot write there: chown it, or correct user",
		                  o->state_dir, o->user);
}

/* The check runs as the account of user; the monitor's own may write what this one may only read. */
static bool is_of_monitor(const char *path, const struct core_options *o)
{
	struct stat st;
	uid_t uid;

	return process_account_own(PROCESS_MONITOR, o, &uid) && stat(path, &st) == 0 && S_ISREG(st.st_mode) &&
	       st.st_uid == uid;
}

/* The daemon goes on without one. */
static void journal_look(const struct core_options *o, const struct config_faults *f)
{
	char path[PATH_MAX], buf[256];
	const char *fault;

	if (snprintf(path, sizeof path, "%s/journal.sqlite", o->state_dir) >= (int)sizeof path)
		return;
	fault = is_of_monitor(path, o) ? journal_check_content(path, buf, sizeof buf)
	                               : journal_check(path, buf, sizeof buf);
	if (fault)
		config_fault_warn(f, CONF_CORE, NULL, "state_dir",
		                  "state_dir = \"%.200s\": journal.sqlite: %s; events are not kept: move it away",
		                  o->state_dir, fault);
}

static void paths_check(const struct process_config *config, const struct config_faults *f)
{
	struct path_shape shape;
	struct topology *t = NULL;
	const char *which = "";

	if (path_config_read(config, &shape) < 0)
		return;
	if (topology_new(&shape, &t, &which) == -E2BIG)
		config_fault_error(f, strcmp(which, "user_path") == 0 ? CONF_CORE : CONF_PLUGIN, which,
		                   strcmp(which, "user_path") == 0 ? "user_path" : "segments",
		                   "more than %d segments in one list", TOPOLOGY_LIST_MAX);
	topology_free(t);
	path_config_fini(&shape);
}

void monitor_check(const struct process_config *config, const struct user_list *users, const struct config_faults *f)
{
	(void)users;
	state_dir_check(&config->core, f);
	journal_look(&config->core, f);
	paths_check(config, f);
}
