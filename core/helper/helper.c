/* SPDX-License-Identifier: MIT */
/* The process that starts programs: from a request by name to the answer; see helper.h. */
#include "helper/helper.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <unistd.h>

#include "process/job_input.h"
#include "sys/shm.h"
#include "users/users.h"
#include "process/argv.h"
#include "helper/audit.h"
#include "helper/permissions.h"
#include "helper/helper_check.h"
#include "helper/notify_runs.h"
#include "helper/program.h"
#include "helper/run_rate.h"
#include "helper/user_dir.h"
#include "helper/user_holds.h"

#define JOB_OUTPUT (56u << 10) /* an answer has room in one message */

/* A program in progress. */
struct run {
	LIST_ENTRY(run) link;
	struct helper *helper;
	struct program *program;
	struct requester {
		struct run *job;         /* its process asked; NULL: a process of t3ops */
		enum process_id process; /* that; PROCESS_NONE: nobody waits any more */
		uint32_t serial;
		uint64_t id;
	} requester;
	struct channel *channel;  /* of a job: to its process */
	enum process_id asked_by; /* also when nobody waits any more */
	char job[64];             /* as in struct audited, with those below */
	char command[64], user[T3OPS_USER_NAME_SIZE];
	struct user_of_run whose;
	struct user_hold hold; /* of a job: of its user's commands */
};

struct helper {
	struct process *process;
	struct users *users; /* NULL: nothing runs for any */
	struct notify_runs *notifies;
	LIST_HEAD(, run) runs;
	struct run_rate rate;
	struct user_holds holds;
	struct audit audit;
	struct series *started, *failed, *refused[PROCESSES];
};

static void answer_send(struct helper *h, const struct requester *to, const void *bytes, size_t len)
{
	struct channel *channel = to->job ? to->job->channel : h->process->channel;

	if (to->job || to->process != PROCESS_NONE)
		channel_send(channel, MSG_RAN, to->serial, to->id, bytes, len);
}

static void answer(struct helper *h, const struct requester *to, const struct program_end *end)
{
	struct msg_ran ran = {.error = end->error, .exit_code = end->exit_code, .took_us = end->took_us};
	size_t len = sizeof ran + end->out_len;
	char *bytes = len <= MSG_MAX ? malloc(len) : NULL;

	ran.out_len = bytes ? (uint32_t)end->out_len : 0;
	if (!bytes) {
		ran.error = len <= MSG_MAX ? -ENOMEM : -E2BIG;
		answer_send(h, to, &ran, sizeof ran);
		return;
	}
	memcpy(bytes, &ran, sizeof ran);
	if (end->out_len > 0)
		memcpy(bytes + sizeof ran, end->out, end->out_len);
	answer_send(h, to, bytes, len);
	explicit_bzero(bytes, len);
	free(bytes);
}

static struct audited audited(const struct requester *who, const struct msg_run *ask)
{
	const char *job = ask->job ? ask->name : who->job ? who->job->job : "";

	return (struct audited){.requester = who->job ? PROCESS_JOBS : who->process,
	                        .job = job,
	                        .command = ask->job ? "" : ask->name,
	                        .user = ask->user};
}

/* The process of a job, or of t3ops, gets the error; who asked for a job also why, for its own report. */
static void refuse(struct helper *h, const struct requester *who, const struct msg_run *ask, int error,
                   const char *reason)
{
	struct program_end end = {.error = error, .out = reason, .out_len = ask->job ? strlen(reason) : 0};
	struct audited what = audited(who, ask);

	series_add(h->failed, 1);
	if (h->refused[what.requester])
		series_add(h->refused[what.requester], 1);
	audit_refused(&h->audit, &what, reason);
	answer(h, who, &end);
}

/* ---- holds ------------------------------------------------------------------------------------------ */

/* The job's own of earlier count, too: it may have given up on one that still runs. */
static unsigned commands_of(const struct helper *h, const struct user_of_run *user)
{
	const struct run *run;
	unsigned n = 0;

	LIST_FOREACH (run, &h->runs, link)
		n += run->command[0] != '\0' && user_of_run_is_same(&run->whose, user);
	return n;
}

static void hold_answer(struct run *run, uint64_t id, int error)
{
	struct msg_reply reply = {.error = error};

	channel_send(run->channel, MSG_COMMANDS_HELD, 0, id, &reply, sizeof reply);
}

/* Answers those whose user's last command has ended. */
static void holds_settle(struct helper *h)
{
	struct run *run;

	LIST_FOREACH (run, &h->runs, link) {
		if (run->hold.state != USER_HOLD_ASKED || commands_of(h, &run->whose) > 0)
			continue;
		user_hold_begin(&run->hold);
		hold_answer(run, run->hold.id, 0);
	}
}

static void hold_take(struct run *run, uint64_t id)
{
	struct helper *h = run->helper;
	bool first = run->hold.state == USER_HOLD_FREE;
	int error = user_hold_take(&h->holds, &run->hold, &run->whose, id);
	unsigned n = commands_of(h, &run->whose);

	if (error < 0) {
		hold_answer(run, id, error);
		return;
	}
	if (first)
		log_write(LOG_L_INFO, "commands_held", kv_plugin(run->job), kv_user(run->user),
		          kv_detail(n > 0 ? textf("waits for %u in progress", n) : ""));
	holds_settle(h);
}

static void hold_release(struct run *run)
{
	if (run->hold.state == USER_HOLD_FREE)
		return;
	user_hold_release(&run->hold);
	log_write(LOG_L_INFO, "commands_released", kv_plugin(run->job), kv_user(run->user));
}

/* The run of the job that keeps this requester from a user's commands; NULL: nobody does. */
static const struct run *hold_against(const struct helper *h, const struct requester *who, const struct user *user)
{
	struct user_of_run whose;
	const struct user_hold *hold;
	const struct run *run;

	user_of_run_set(&whose, user);
	hold = user_holds_find(&h->holds, &whose);
	LIST_FOREACH (run, &h->runs, link)
		if (hold && hold == &run->hold && who->job != run)
			break;
	return run;
}

/* ---- runs ------------------------------------------------------------------------------------------- */

/* What a job's process asked for goes on to its own end; nobody waits for it any more. */
static void run_free(struct run *run)
{
	struct helper *h = run->helper;
	struct run *other;

	hold_release(run);
	LIST_REMOVE(run, link);
	LIST_FOREACH (other, &h->runs, link)
		if (other->requester.job == run)
			other->requester = (struct requester){.job = NULL};
	channel_free(run->channel);
	free(run);
}

static void run_audit(struct run *run, const struct program_end *end)
{
	const struct audited what = {run->asked_by, run->job, run->command, run->user};

	audit_done(&run->helper->audit, &what, end);
}

static void on_ended(void *arg, const struct program_end *end)
{
	struct run *run = arg;
	struct helper *h = run->helper;

	if (end->error < 0 || end->exit_code != 0)
		series_add(h->failed, 1);
	run_audit(run, end);
	answer(h, &run->requester, end);
	run_free(run);
	holds_settle(h);
}

/* Starts it; NULL with errno. */
static struct run *run_start(struct helper *h, const struct requester *who, const struct msg_run *ask,
                             const struct program_start *start)
{
	const struct audited what = audited(who, ask);
	struct run *run = calloc(1, sizeof *run);

	if (!run)
		return NULL;
	run->helper = h;
	run->requester = *who;
	run->asked_by = what.requester;
	event_set(run->job, what.job);
	event_set(run->command, what.command);
	event_set(run->user, what.user);
	user_of_run_set(&run->whose, start->user);
	run->program = program_start(h->process->loop, start, on_ended, run);
	if (!run->program) {
		free(run);
		return NULL;
	}
	series_add(h->started, 1);
	LIST_INSERT_HEAD(&h->runs, run, link);
	return run;
}

static unsigned runs_of(const struct helper *h, enum process_id process)
{
	const struct run *run;
	unsigned n = 0;

	LIST_FOREACH (run, &h->runs, link)
		n += run->asked_by == process;
	return n;
}

/* The user of the table that something is to be run for; NULL: refused. */
static const struct user *user_check(struct helper *h, const struct requester *who, const struct msg_run *ask)
{
	const struct user *user = h->users ? users_find(h->users, ask->user) : NULL;
	enum process_id process = audited(who, ask).requester;
	const struct run *holder = user && !ask->job ? hold_against(h, who, user) : NULL;
	unsigned per_minute = runs_per_minute(process);

	if (!user)
		refuse(h, who, ask, -ENOENT, "the user table has no such user");
	else if (holder)
		refuse(h, who, ask, -EBUSY,
		       textf("not now: job %s holds this user's commands while it stops, changes and starts the t3 "
		             "server",
		             holder->job));
	else if (runs_of(h, process) >= runs_most(process))
		refuse(h, who, ask, -EAGAIN,
		       textf("%u programs of this process are running, and no more may", runs_most(process)));
	else if (per_minute > 0 && !run_rate_passes(&h->rate, process, ask->user, per_minute, clock_mono_us()))
		refuse(h, who, ask, -EAGAIN, textf("more than %u programs in a minute for this user", per_minute));
	else
		return user;
	return NULL;
}

static void start_refuse(struct helper *h, const struct requester *who, const struct msg_run *ask,
                         const struct user *user, int error)
{
	const char *why = error == ENOENT  ? "this machine has no such account"
	                  : error == EPERM ? "nothing is started as root"
	                                   : strerror(error);

	refuse(h, who, ask, -error, textf("it cannot be started as account %s: %s", user->os_user, why));
}

static void command_run(struct helper *h, const struct requester *who, const struct msg_run *ask,
                        const struct user *user)
{
	const struct process_command *command = process_command_find(h->process->config, ask->name);
	struct program_start start = {.user = user, .input_fd = -1, .channel_fd = -1};
	const char *refusal = command ? command_refusal(who->process, who->job != NULL, command) : NULL;
	char **argv;

	if (!command) {
		refuse(h, who, ask, -ENOENT, "the configuration has no such command");
		return;
	}
	if (refusal) {
		refuse(h, who, ask, -EPERM, refusal);
		return;
	}
	argv = argv_expand(&command->options.argv, user);
	if (!argv) {
		refuse(h, who, ask, -errno,
		       textf("its argv cannot be filled in for this user, %s: is account %s known here?",
		             strerror(errno), user->os_user));
		return;
	}
	start.argv = argv;
	start.timeout_us = command->options.timeout_us;
	start.max_output = command->options.max_output_bytes;
	if (!run_start(h, who, ask, &start))
		start_refuse(h, who, ask, user, errno);
	argv_free(argv);
}

/* ---- jobs: this same binary, as the user ----------------------------------------------------- */

static const struct plugin_section *section_find(const struct helper *h, const char *name)
{
	const struct process_config *config = h->process->config;

	for (size_t i = 0; i < config->n_plugins; i++)
		if ((config->plugins[i]->roles & T3OPS_ROLE_JOB) && strcmp(config->plugins[i]->name, name) == 0)
			return config->plugins[i];
	return NULL;
}

/* A memfd with what the job's process needs to know; -errno. */
static int input_fd_make(const struct process_config *config, const struct plugin_section *job,
                         const struct msg_run *ask, const struct user *user)
{
	const struct job_asked asked = {.requested = ask->requested != 0,
	                                .for_all = ask->for_all != 0,
	                                .action = ask->action,
	                                .arguments = ask->arguments};
	char *text = job_input_make(config, job, &asked, &config->core.trusted_upstreams, user);
	int fd = text ? shm_text("t3ops-job", text, strlen(text)) : -ENOMEM;

	free(text);
	return fd;
}

/* Every option of that type is a directory below which the user gets one.  0, or -errno with the option and the
 * reason in why. */
static int user_dirs_make(const struct plugin_section *section, const struct user *user, char *why, size_t size)
{
	char reason[160];
	int r = 0;

	for (size_t i = 0; i < section->values.n && r == 0; i++) {
		const struct option_value *v = &section->values.rows[i].value;

		if (v->type != T3OPS_OPT_USER_DIR || v->text[0] == '\0')
			continue;
		r = user_dir_make(v->text, user, reason, sizeof reason);
		if (r < 0)
			snprintf(why, size, "%s = \"%s\": %s", section->values.rows[i].name, v->text, reason);
	}
	return r;
}

/* A job's process may ask for commands, for its own user, and hold those of others for that one. */
static void on_job_message(void *arg, const struct msg_head *head, const void *payload)
{
	struct run *run = arg;
	struct helper *h = run->helper;
	struct requester who = {.job = run, .id = head->id};
	const struct user *user;
	struct msg_run ask;

	if (head->type == MSG_COMMANDS_HOLD)
		hold_take(run, head->id);
	if (head->type == MSG_COMMANDS_RELEASE)
		hold_release(run);
	if (head->type != MSG_RUN || head->len != sizeof ask)
		return;
	msg_run_read(&ask, payload);
	if (ask.job || strcmp(ask.user, run->user) != 0)
		refuse(h, &who, &ask, -EPERM, "a job may ask for commands only, and only for its own user");
	else if ((user = user_check(h, &who, &ask)))
		command_run(h, &who, &ask, user);
}

/* It ends soon, and is reaped then. */
static void on_job_gone(void *arg)
{
	(void)arg;
}

/* Starts the program with its end of a new channel; 0 or -errno. */
static int job_start(struct helper *h, const struct requester *who, const struct msg_run *ask,
                     struct program_start *start)
{
	int ends[2], error = channel_pair(ends);
	struct run *run;

	if (error < 0)
		return error;
	start->channel_fd = ends[1];
	run = run_start(h, who, ask, start);
	error = run ? 0 : -errno;
	close(ends[1]);
	if (run)
		run->channel = channel_new(h->process->loop, ends[0], on_job_message, on_job_gone, run);
	if (!run || !run->channel)
		close(ends[0]);
	return error;
}

static void job_run(struct helper *h, const struct requester *who, const struct msg_run *ask, const struct user *user)
{
	const struct plugin_section *section = section_find(h, ask->name);
	char *argv[] = {"/proc/self/exe", "--run-job", NULL};
	struct program_start start = {.argv = argv, .user = user, .max_output = JOB_OUTPUT};
	char why[PATH_MAX + 256];
	int error;

	if (!section) {
		refuse(h, who, ask, -ENOENT, "the configuration has no such job");
		return;
	}
	error = user_dirs_make(section, user, why, sizeof why);
	if (error < 0) {
		refuse(h, who, ask, error, why);
		return;
	}
	start.input_fd = input_fd_make(h->process->config, section, ask, user);
	start.timeout_us = section->job.deadline_us;
	error = start.input_fd < 0 ? start.input_fd : job_start(h, who, ask, &start);
	if (error < 0)
		start_refuse(h, who, ask, user, -error);
	if (start.input_fd >= 0)
		close(start.input_fd);
}

/* ---- users who never ran t3 ------------------------------------------------------------------------------------ */

/* What the last reading of the table saw; the prober may not look into homes. */
static void absent_answer(struct helper *h, const struct msg_head *head, const void *payload)
{
	const struct user *user;
	struct msg_absent about;

	memcpy(&about, payload, sizeof about);
	about.user[sizeof about.user - 1] = '\0';
	user = h->users ? users_find(h->users, about.user) : NULL;
	about.is_absent = user && user->is_absent;
	channel_send(h->process->channel, MSG_ABSENT, head->from, head->id, &about, sizeof about);
}

/* ---- requests ---------------------------------------------------------------------------------------- */

static void message(struct process *process, const struct msg_head *head, const void *payload)
{
	struct helper *h = process->state;
	struct requester who = {.process = (enum process_id)head->from_process, .serial = head->from, .id = head->id};
	const struct user *user;
	const char *refusal;
	struct msg_run ask;

	if (head->type == MSG_ABSENT_ASK && head->len == sizeof(struct msg_absent))
		absent_answer(h, head, payload);
	if (head->type == MSG_NOTIFY)
		notify_runs_message(h->notifies, head, payload);
	if (head->type != MSG_RUN || head->len != sizeof ask)
		return;
	msg_run_read(&ask, payload);
	refusal = ask.job ? job_refusal(who.process) : NULL;
	if (refusal) {
		refuse(h, &who, &ask, -EPERM, refusal);
		return;
	}
	user = user_check(h, &who, &ask);
	if (user && ask.job)
		job_run(h, &who, &ask, user);
	else if (user)
		command_run(h, &who, &ask, user);
}

/* ---- the process ---------------------------------------------------------------------------------- */

static struct series *counter(struct process *process, const char *name, const char *help)
{
	struct t3ops_metric family = {.name = name, .type = T3OPS_COUNTER, .help = help};

	return metrics_series(process->metrics, &family, NULL, NULL, NULL);
}

/* Of those who may ask for anything; the router lets nobody else in. */
static void refused_count(struct helper *h)
{
	static const struct t3ops_metric family = {
	    .name = "t3ops_commands_refused_total",
	    .type = T3OPS_COUNTER,
	    .labels = {"requester"},
	    .help =
	        "Requests for a program that the helper refused, by the process that asked: it may not, or not now "
	        "(too many, or a job holds the user's commands); the event command_refused has the reason."};

	for (enum process_id id = PROCESS_PROXY; id <= PROCESS_JOBS; id++) {
		const char *const labels[] = {process_name(id)};

		h->refused[id] = metrics_series(h->process->metrics, &family, NULL, NULL, labels);
	}
}

/* Users who are nobody here are served, but nothing can run for them. */
static void on_users_changed(void *arg, const struct user_list *before, const struct user_list *now)
{
	const struct helper *h = arg;
	char first[640] = "", more[64] = "", buf[160];
	size_t n = 0;

	(void)before;
	for (size_t i = 0; i < now->n; i++) {
		const char *fault = user_account_fault(&now->rows[i], buf, sizeof buf);

		if (fault && n++ == 0)
			snprintf(first, sizeof first,
			         "%.100s: %s: %s, so no command and no job can run for this user",
			         h->process->config->core.users, now->rows[i].name, fault);
	}
	if (n > 1)
		snprintf(more, sizeof more, " (and %zu more; t3ops -t names them)", n - 1);
	strncat(first, more, sizeof first - strlen(first) - 1);
	if (n > 0)
		log_write(LOG_L_WARNING, "users_partial", kv_error(first));
}

static int start(struct process *process)
{
	struct helper *h = calloc(1, sizeof *h);

	if (!h)
		return -ENOMEM;
	LIST_INIT(&h->runs);
	LIST_INIT(&h->holds);
	h->process = h->audit.process = process;
	if (process->users_reader) {
		h->users = users_new(process->users_reader, on_users_changed, users_state_log, h);
		if (!h->users) {
			free(h);
			return -errno;
		}
	}
	h->notifies = notify_runs_new(process, &h->audit);
	if (!h->notifies) {
		users_free(h->users);
		free(h);
		return -ENOMEM;
	}
	h->started = counter(process, "t3ops_commands_started_total", "Programs that the helper started.");
	h->failed = counter(process, "t3ops_commands_failed_total",
	                    "Programs that failed, were refused or ran out of time.");
	refused_count(h);
	process->state = h;
	return 0;
}

static void stop(struct process *process)
{
	static const struct program_end killed = {.error = -ECANCELED,
	                                          .exit_code = 128 + SIGKILL,
	                                          .why = "killed, for t3ops stops or is reloaded",
	                                          .out = ""};
	struct helper *h = process->state;
	struct run *run;

	while ((run = LIST_FIRST(&h->runs))) {
		program_kill(run->program);
		run_audit(run, &killed);
		run_free(run);
	}
	notify_runs_free(h->notifies);
	users_free(h->users);
	run_rate_fini(&h->rate);
	free(h);
}

const struct process_ops helper_ops = {
    .check = helper_check, .check_commands = helper_check_commands, .start = start, .stop = stop, .message = message};
