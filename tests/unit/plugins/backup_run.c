/* SPDX-License-Identifier: MIT */
/* See backup_run.h. */
#include <fcntl.h>
#include <jansson.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "ipc/channel.h"
#include "jobs/job_child.h"
#include "process/job_input.h"
#include "backup_run.h"
#include "files.h"
#include "small_disk.h"

static void text_put(struct option_set *s, const char *name, uint32_t type, const char *text)
{
	option_set_put(s, name, (struct option_value){.type = type, .text = strdup(text)});
}

static void number_put(struct option_set *s, const char *name, uint32_t type, int64_t number)
{
	option_set_put(s, name, (struct option_value){.type = type, .number = number});
}

static int input_make(const struct fixture *f)
{
	char none[] = "", name[] = "backup", *text;
	struct plugin_section section = {.name = name,
	                                 .module = name,
	                                 .version = none,
	                                 .provides = none,
	                                 .needs = none,
	                                 .wants = none,
	                                 .roles = T3OPS_ROLE_JOB,
	                                 .file = {.path = (char *)(uintptr_t)f->so}};
	const struct plugin_section *sections[] = {&section};
	struct process_config config = {.plugins = sections, .n_plugins = 1};
	struct user user = {.name = "alice", .os_user = "al", .host = "127.0.0.1", .port = 3773};
	struct option_set *s = &section.values;
	const struct job_asked asked = {.requested = f->requested,
	                                .action = f->action ? f->action : "",
	                                .arguments = f->arguments ? f->arguments : ""};
	int fd = memfd_create("input", MFD_CLOEXEC);

	event_set(user.home, f->home);
	number_put(s, "at", T3OPS_OPT_TIME, -1);
	number_put(s, "every", T3OPS_OPT_DURATION, 0);
	number_put(s, "jitter", T3OPS_OPT_DURATION, 0);
	number_put(s, "deadline", T3OPS_OPT_DURATION, f->deadline_us);
	text_put(s, "to", T3OPS_OPT_USER_DIR, f->to);
	number_put(s, "retain", T3OPS_OPT_INT, f->keep);
	number_put(s, "retain_daily", T3OPS_OPT_INT, 0);
	number_put(s, "retain_weekly", T3OPS_OPT_INT, 0);
	number_put(s, "retain_monthly", T3OPS_OPT_INT, 0);
	number_put(s, "turn_patience", T3OPS_OPT_DURATION, 0);
	number_put(s, "compress", T3OPS_OPT_INT, f->compress);
	text_put(s, "encrypt_key", T3OPS_OPT_STRING, f->key);
	option_set_put(s, "include", (struct option_value){.type = T3OPS_OPT_LIST | T3OPS_OPT_STRING});
	text_put(s, "serve_command", T3OPS_OPT_COMMAND, "");
	text_put(s, "s3_url", T3OPS_OPT_URL, "");
	number_put(s, "budget", T3OPS_OPT_BYTES, f->budget);
	text_put(s, "database", T3OPS_OPT_STRING, "%h/.t3/userdata/state.sqlite");
	text = job_input_make(&config, &section, &asked, &(struct text_list){0}, &user);
	assert_non_null(text);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	lseek(fd, 0, SEEK_SET);
	free(text);
	option_set_fini(s);
	return fd;
}

/* In the child: its backups go to a small disk, which somebody else fills meanwhile. */
static void disk_use(const struct fixture *f)
{
	if (f->disk == 0)
		return;
	if (!small_disk_mount(f->backup_dir, f->disk, f->read_only))
		_exit(99);
	if (!f->read_only)
		small_disk_fill(f->backup_dir, ".state.partial");
}

pid_t run_start(const struct fixture *f, int *out)
{
	int ends[2], helper[2], input = input_make(f);
	pid_t pid;

	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	assert_int_equal(channel_pair(helper), 0);
	fflush(NULL);
	pid = fork();
	if (pid == 0) {
		if (f->quota)
			setrlimit(RLIMIT_FSIZE, &(struct rlimit){f->quota, f->quota});
		disk_use(f);
		dup2(ends[1], STDOUT_FILENO);
		_exit(job_child_main(input, helper[1]));
	}
	assert_true(pid > 0);
	close(ends[1]);
	close(input);
	close(helper[0]);
	close(helper[1]);
	*out = ends[0];
	return pid;
}

json_t *run_answer(const struct fixture *f)
{
	char text[8192];
	size_t len = 0;
	ssize_t n;
	int out, status;
	pid_t pid = run_start(f, &out);
	json_t *answer;

	while (len < sizeof text && (n = read(out, text + len, sizeof text - len)) > 0)
		len += (size_t)n;
	close(out);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	answer = json_loadb(text, len, 0, NULL);
	if (!answer)
		fail_msg("status %d, no answer in \"%.*s\"", status, (int)len, text);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status) == 0, json_integer_value(json_object_get(answer, "result")) == 0);
	return answer;
}

const char *run_fact(const json_t *answer, const char *key)
{
	const char *text = json_string_value(json_object_get(json_object_get(answer, "facts"), key));

	return text ? text : "";
}

void run_ok(const struct fixture *f, char path[512])
{
	json_t *answer = run_answer(f);
	struct stat st;

	if (json_integer_value(json_object_get(answer, "result")) != 0)
		fail_msg("%s", run_fact(answer, "error"));
	snprintf(path, 512, "%s", run_fact(answer, "file"));
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(strtol(run_fact(answer, "bytes"), NULL, 10), st.st_size);
	assert_int_equal(backups_count(f, ".state", NULL), 0);
	json_decref(answer);
}

void run_fails(const struct fixture *f, int error, const char *why)
{
	int before = backups_count(f, "state-", NULL);
	json_t *answer = run_answer(f);

	if (!strstr(run_fact(answer, "error"), why))
		fail_msg("\"%s\" lacks \"%s\"", run_fact(answer, "error"), why);
	assert_int_equal(json_integer_value(json_object_get(answer, "result")), error);
	assert_int_equal(backups_count(f, "state-", NULL), before);
	assert_int_equal(backups_count(f, ".state", NULL), 0);
	json_decref(answer);
}

int run_action(struct fixture *f, const char *action, const char *arguments, char why[512])
{
	json_t *answer;
	int r;

	f->action = action;
	f->arguments = arguments;
	answer = run_answer(f);
	snprintf(why, 512, "%s", run_fact(answer, "error"));
	r = (int)json_integer_value(json_object_get(answer, "result"));
	json_decref(answer);
	f->action = f->arguments = NULL;
	return r;
}
