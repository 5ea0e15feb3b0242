/* SPDX-License-Identifier: MIT */
/* Programs and directories against accounts and modes; see helper_check.h. */
#include "helper/helper_check.h"

#include <errno.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "process/argv.h"
#include "helper/access.h"
#include "helper/notify_runs.h"
#include "sys/clock.h"
#include "users/users.h"

#define CHECKED_FOR_US UINT64_C(5000000)

/* A section that names a program. */
struct program_of {
	enum conf_kind kind;
	const char *section;
};

/* ---- programs --------------------------------------------------------------------------------------------- */

static void program_report(const struct config_faults *f, const struct program_of *of, const char *program,
                           const char *who, int error, const char *at)
{
	if (error == -EACCES)
		config_fault_warn(f, of->kind, of->section, "argv",
		                  "argv: \"%.150s\" cannot be run by %s: %.150s is closed to it", program, who, at);
	else
		config_fault_warn(f, of->kind, of->section, "argv", "argv: \"%.150s\": %s", program,
		                  error == -EISDIR   ? "not a program"
		                  : error == -ENOENT ? "there is no such program"
		                                     : strerror(-error));
}

/* Whether that account cannot run it; reported then. */
static bool program_fails(const struct config_faults *f, const struct program_of *of, const char *program,
                          const struct account *account, const char *who)
{
	char at[PATH_MAX];
	int r = account_can_run(account, program, at, sizeof at);

	if (r < 0)
		program_report(f, of, program, who, r, at);
	return r < 0;
}

/* The helper becomes the user, unless it cannot become anybody. */
static int account_for(struct account *a, const struct user *user)
{
	return geteuid() == 0 ? account_of(a, user->os_user) : account_self(a);
}

/* Reported with the table (users_check below). */
static bool has_account(const struct user *user)
{
	char buf[160];

	return user->os_user[0] != '\0' && !user_account_fault(user, buf, sizeof buf);
}

static bool user_fails(const struct config_faults *f, const struct process_command *command, const struct user *user)
{
	char **argv = argv_expand(&command->options.argv, user), who[128];
	const struct program_of of = {CONF_COMMAND, command->name};
	struct account account;
	bool fails = !argv;

	if (!argv)
		config_fault_warn(
		    f, CONF_COMMAND, command->name, "argv", "argv: cannot be filled in for user %s: %s", user->name,
		    errno == ENOENT ? "this machine knows no home directory of that user" : strerror(errno));
	snprintf(who, sizeof who, "account %s", geteuid() == 0 ? user->os_user : "of t3ops");
	if (argv && account_for(&account, user) == 0) {
		fails = program_fails(f, &of, argv[0], &account, who);
		account_fini(&account);
	}
	argv_free(argv);
	return fails;
}

/* Of many users, the first one that it fails for says enough.  Their groups may come from a slow directory. */
static void command_check(const struct config_faults *f, const struct process_command *command,
                          const struct user_list *users, uint64_t until_us)
{
	const struct program_of of = {CONF_COMMAND, command->name};
	const char *program = command->options.argv.items[0];
	struct account self;
	bool any = false;

	for (size_t i = 0; i < users->n; i++) {
		any = any || users->rows[i].os_user[0] != '\0';
		if (clock_mono_us() > until_us)
			return; /* users_slow, or the table's warning, says why */
		if (has_account(&users->rows[i]) && user_fails(f, command, &users->rows[i]))
			return;
	}
	if (any || strchr(program, '%') || account_self(&self) < 0)
		return;
	program_fails(f, &of, program, &self, "the account of t3ops");
	account_fini(&self);
}

/* As whom notify_runs.c will start it. */
static void notify_check(const struct config_faults *f, const struct process_config *config,
                         const struct process_notify *notify)
{
	const struct program_of of = {CONF_NOTIFY, notify->name};
	const char *option = notify->options.user[0] != '\0' ? "user" : NULL;
	struct account account;
	struct user user;
	char who[64];
	int r = notify_account(&notify->options, config->core.user, &user);

	if (r < 0) {
		config_fault_error(f, CONF_NOTIFY, notify->name, option, "user = \"%.60s\": %s",
		                   option ? notify->options.user : config->core.user,
		                   r == -EPERM ? "nothing is started as root: name another account"
		                               : "no such account on this machine; create it, or name another");
		return;
	}
	snprintf(who, sizeof who, "account %s", geteuid() == 0 ? user.os_user : "of t3ops");
	if (account_for(&account, &user) < 0)
		return;
	program_fails(f, &of, notify->options.argv.items[0], &account, who);
	account_fini(&account);
}

void helper_check_commands(const struct process_config *config, const struct user_list *users,
                           const struct config_faults *f)
{
	uint64_t until_us = clock_mono_us() + CHECKED_FOR_US;

	for (size_t i = 0; i < config->n_commands; i++)
		command_check(f, &config->commands[i], users, until_us);
	for (size_t i = 0; i < config->n_notifies; i++)
		notify_check(f, config, &config->notifies[i]);
}

/* ---- directories for each user ------------------------------------------------------------------------------- */

static const char *account_name(uid_t uid, char out[64])
{
	const struct passwd *pw = getpwuid(uid);

	if (pw)
		snprintf(out, 64, "%s", pw->pw_name);
	else
		snprintf(out, 64, "uid %u", uid);
	return out;
}

static void dir_missing(const struct config_faults *f, const char *section, const char *option, const char *path)
{
	const char *slash = strrchr(path, '/');
	char parent[PATH_MAX];

	snprintf(parent, sizeof parent, "%.*s", (int)(slash > path ? slash - path : 1), path);
	if (access(parent, F_OK) < 0)
		config_fault_warn(f, CONF_PLUGIN, section, option, "%s = \"%.150s\": %.150s: %s: create it", option,
		                  path, parent, strerror(errno));
}

/* As user_dir.c will want it: the helper's own, closed to others. */
static void dir_check(const struct config_faults *f, const char *section, const char *option, const char *path)
{
	struct stat st;
	char owner[64];

	if (stat(path, &st) < 0 && errno == ENOENT)
		dir_missing(f, section, option, path);
	else if (stat(path, &st) < 0)
		config_fault_warn(f, CONF_PLUGIN, section, option, "%s = \"%.150s\": %s", option, path,
		                  strerror(errno));
	else if (!S_ISDIR(st.st_mode))
		config_fault_error(f, CONF_PLUGIN, section, option, "%s = \"%.150s\": not a directory", option, path);
	else if (st.st_uid != 0 && st.st_uid != geteuid())
		config_fault_warn(
		    f, CONF_PLUGIN, section, option,
		    "%s = \"%.150s\": belongs to %s, expected the account that t3ops is started with: chown it",
		    option, path, account_name(st.st_uid, owner));
	else if (st.st_mode & (S_IWGRP | S_IWOTH))
		config_fault_warn(f, CONF_PLUGIN, section, option,
		                  "%s = \"%.150s\": others can write there: chmod go-w it", option, path);
}

/* Users whom the helper cannot become. */
static void users_check(const struct process_config *config, const struct user_list *users,
                        const struct config_faults *f)
{
	char buf[160];

	for (size_t i = 0; i < users->n; i++) {
		const char *fault = user_account_fault(&users->rows[i], buf, sizeof buf);

		if (fault)
			config_fault_warn(
			    f, CONF_CORE, NULL, "users",
			    "users = \"%.200s\": %s: %s, so no command and no job can run for this user",
			    config->core.users, users->rows[i].name, fault);
	}
}

void helper_check(const struct process_config *config, const struct user_list *users, const struct config_faults *f)
{
	users_check(config, users, f);
	for (size_t i = 0; i < config->n_plugins; i++) {
		const struct plugin_section *s = config->plugins[i];

		for (size_t k = 0; k < s->values.n; k++) {
			const struct option_value *v = &s->values.rows[k].value;

			if (v->type == T3OPS_OPT_USER_DIR && v->text[0] != '\0')
				dir_check(f, s->name, s->values.rows[k].name, v->text);
		}
	}
}
