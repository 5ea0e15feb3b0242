/* SPDX-License-Identifier: MIT */
/* Commands of a rehearsal; see own_command.h. */
#include "jobs/own_command.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sys/subprocess.h"

struct own_command {
	struct t3ops_ctx *ctx;
	const struct process_command *command; /* NULL: there is none of that name */
	t3ops_ran_cb cb;
	void *arg;
	uint64_t started_us;
};

static int command_exec(void *arg, const int pipes[SUBPROCESS_PIPES])
{
	const struct own_command *c = arg;
	int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (!c->command || c->command->options.argv.n == 0)
		return 127;
	dup2(nothing, STDIN_FILENO);
	dup2(nothing, STDERR_FILENO);
	dup2(pipes[0], STDOUT_FILENO);
	execv(c->command->options.argv.items[0], c->command->options.argv.items);
	return 127;
}

static void on_end(void *arg, const struct subprocess_end *end)
{
	struct own_command *c = arg;
	struct t3ops_ran ran = {.struct_size = sizeof ran,
	                        .error = end->timed_out ? -ETIMEDOUT
	                                 : c->command   ? 0
	                                                : -ENOENT,
	                        .exit_code = WIFEXITED(end->status) ? WEXITSTATUS(end->status)
	                                                            : 128 + WTERMSIG(end->status),
	                        .out = end->bytes[0],
	                        .out_len = end->len[0],
	                        .took_us = clock_mono_us() - c->started_us};

	c->cb(c->ctx, &ran, c->arg);
	free(c);
}

uint64_t own_command(struct process *process, struct t3ops_ctx *ctx, const char *name, t3ops_ran_cb cb, void *arg)
{
	const struct process_command *command = process_command_find(process->config, name);
	struct own_command *c = calloc(1, sizeof *c);
	struct subprocess_start start = {.run = command_exec,
	                                 .on_end = on_end,
	                                 .arg = c,
	                                 .timeout_us = command ? command->options.timeout_us : 1000000,
	                                 .max_bytes = command ? command->options.max_output_bytes : 1};

	if (!c)
		abort(); /* the plugin is promised its answer */
	*c = (struct own_command){ctx, command, cb, arg, clock_mono_us()};
	if (!subprocess_start(process->loop, &start))
		abort();
	return 1;
}
