/* SPDX-License-Identifier: MIT */
/* From a notification to the end of its program; see notify_runs.h. */
#include "helper/notify_runs.h"

#include <errno.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sys/shm.h"

/* One section; it has one program at a time. */
struct notify_run {
	struct notify_runs *all;
	const struct process_notify *notify;
	char **argv; /* the items of the option, and NULL */
	struct user account;
	int fault;               /* of notify_account */
	struct program *program; /* NULL: none runs */
	uint32_t serial;         /* who waits for its end */
	uint64_t id;
};

struct notify_runs {
	struct process *process;
	struct audit *audit;
	struct notify_run *rows;
	size_t n;
};

int notify_account(const struct notify_options *options, const char *core_user, struct user *out)
{
	const char *name = options->user[0] != '\0' ? options->user : core_user;
	const struct passwd *pw = geteuid() == 0 ? getpwnam(name) : getpwuid(geteuid());

	*out = (struct user){.is_asked = true};
	if (geteuid() == 0 && !pw)
		return -ENOENT;
	snprintf(out->os_user, sizeof out->os_user, "%s", pw ? pw->pw_name : "");
	snprintf(out->home, sizeof out->home, "%s", pw ? pw->pw_dir : "");
	out->has_uid = pw != NULL;
	out->uid = pw ? pw->pw_uid : geteuid();
	out->gid = pw ? pw->pw_gid : getegid();
	return geteuid() == 0 && (out->uid == 0 || out->gid == 0) ? -EPERM : 0;
}

static struct audited audited(const struct notify_run *run)
{
	return (struct audited){.requester = PROCESS_MONITOR, .job = "", .command = run->notify->name, .user = ""};
}

static void answer(struct notify_runs *r, uint32_t serial, uint64_t id, const struct program_end *end)
{
	struct msg_ran ran = {.error = end->error, .exit_code = end->exit_code, .took_us = end->took_us};

	channel_send(r->process->channel, MSG_RAN, serial, id, &ran, sizeof ran);
}

static void on_ended(void *arg, const struct program_end *end)
{
	struct notify_run *run = arg;
	struct audited what = audited(run);

	run->program = NULL;
	audit_done(run->all->audit, &what, end);
	answer(run->all, run->serial, run->id, end);
}

static void refuse(struct notify_run *run, int error, const char *why)
{
	const struct program_end end = {.error = error};
	struct audited what = audited(run);

	audit_refused(run->all->audit, &what, why);
	answer(run->all, run->serial, run->id, &end);
}

/* 0 or -errno. */
static int program_run(struct notify_run *run, const char *text, size_t len)
{
	const struct notify_options *options = &run->notify->options;
	struct program_start start = {.argv = run->argv,
	                              .user = &run->account,
	                              .timeout_us = options->timeout_us,
	                              .discard_output = true,
	                              .input_fd = -1,
	                              .channel_fd = -1};
	int error;

	start.stdin_fd = shm_text("t3ops-notify", text, len);
	if (start.stdin_fd < 0)
		return start.stdin_fd;
	run->program = program_start(run->all->process->loop, &start, on_ended, run);
	error = run->program ? 0 : -errno;
	close(start.stdin_fd);
	return error;
}

static void run_begin(struct notify_run *run, const struct msg_head *head, const char *text, size_t len)
{
	int error = run->fault;

	run->serial = head->from;
	run->id = head->id;
	if (error == 0)
		error = program_run(run, text, len);
	if (error == -ENOENT)
		refuse(run, error, "this machine has no such account");
	else if (error == -EPERM)
		refuse(run, error, "nothing is started as root");
	else if (error < 0)
		refuse(run, error, strerror(-error));
}

static struct notify_run *run_find(struct notify_runs *r, const char *name)
{
	for (size_t i = 0; i < r->n; i++)
		if (strcmp(r->rows[i].notify->name, name) == 0)
			return &r->rows[i];
	return NULL;
}

void notify_runs_message(struct notify_runs *r, const struct msg_head *head, const void *payload)
{
	static const struct program_end unknown = {.error = -ENOENT}, busy = {.error = -EBUSY};
	struct msg_notify about;
	struct notify_run *run;

	if (head->from_process != PROCESS_MONITOR || head->len < sizeof about)
		return;
	memcpy(&about, payload, sizeof about);
	about.name[sizeof about.name - 1] = '\0';
	run = run_find(r, about.name);
	if (!run || run->program)
		answer(r, head->from, head->id, run ? &busy : &unknown);
	else
		run_begin(run, head, (const char *)payload + sizeof about, head->len - sizeof about);
}

/* False without memory. */
static bool run_init(struct notify_runs *r, struct notify_run *run, const struct process_notify *notify)
{
	const struct text_list *list = &notify->options.argv;

	run->all = r;
	run->notify = notify;
	run->fault = notify_account(&notify->options, r->process->config->core.user, &run->account);
	run->argv = calloc(list->n + 1, sizeof *run->argv);
	if (run->argv)
		memcpy(run->argv, list->items, list->n * sizeof *run->argv);
	return run->argv != NULL;
}

struct notify_runs *notify_runs_new(struct process *process, struct audit *audit)
{
	const struct process_config *config = process->config;
	struct notify_runs *r = calloc(1, sizeof *r);

	if (r)
		r->rows = calloc(config->n_notifies + 1, sizeof *r->rows);
	if (!r || !r->rows) {
		free(r);
		return NULL;
	}
	r->process = process;
	r->audit = audit;
	while (r->n < config->n_notifies) {
		if (!run_init(r, &r->rows[r->n], &config->notifies[r->n])) {
			notify_runs_free(r);
			return NULL;
		}
		r->n++;
	}
	return r;
}

void notify_runs_free(struct notify_runs *r)
{
	static const struct program_end killed = {.error = -ECANCELED,
	                                          .exit_code = 128 + SIGKILL,
	                                          .why = "killed, for t3ops stops or is reloaded",
	                                          .out = ""};

	for (size_t i = 0; r && i < r->n; i++) {
		struct notify_run *run = &r->rows[i];
		struct audited what = audited(run);

		free(run->argv);
		if (!run->program)
			continue;
		program_kill(run->program);
		audit_done(r->audit, &what, &killed);
		answer(r, run->serial, run->id, &killed);
	}
	free(r ? r->rows : NULL);
	free(r);
}
