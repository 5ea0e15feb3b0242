/* SPDX-License-Identifier: MIT */
/* A subprocess on a loop of its own; see apart.h. */
#include "conf/apart.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "sys/subprocess.h"

#define TIMEOUT_US UINT64_C(3000000)
#define BYTES_MAX  (1u << 20) /* of each stream; what plugins declare is far smaller */

struct apart {
	int (*run)(void *arg, FILE *out, FILE *err);
	void *arg;
	struct apart_end *end;
};

static int child_run(void *arg, const int pipes[SUBPROCESS_PIPES])
{
	const struct apart *a = arg;
	FILE *out = fdopen(pipes[0], "w"), *err = fdopen(pipes[1], "w");
	int r = out && err ? a->run(a->arg, out, err) : EXIT_FAILURE;

	if (out)
		fclose(out);
	if (err)
		fclose(err);
	return r;
}

static char *copy_of(const char *text)
{
	char *copy = strdup(text);

	if (!copy)
		abort(); /* in a process that serves nothing */
	return copy;
}

static void on_end(void *arg, const struct subprocess_end *end)
{
	struct apart_end *e = ((struct apart *)arg)->end;
	bool exited = !end->timed_out && WIFEXITED(end->status);

	e->code = exited ? WEXITSTATUS(end->status) : -1;
	if (end->timed_out)
		snprintf(e->why, sizeof e->why, "took longer than %g s", (double)TIMEOUT_US / 1e6);
	else if (!exited)
		snprintf(e->why, sizeof e->why, "ended with signal %d (%s)", WTERMSIG(end->status),
		         strsignal(WTERMSIG(end->status)));
	free(e->out);
	free(e->err);
	e->out = copy_of(end->bytes[0]);
	e->err = copy_of(end->bytes[1]);
}

void apart_run(int (*run)(void *arg, FILE *out, FILE *err), void *arg, struct apart_end *end)
{
	struct apart a = {run, arg, end};
	const struct subprocess_start start = {
	    .run = child_run, .on_end = on_end, .arg = &a, .timeout_us = TIMEOUT_US, .max_bytes = BYTES_MAX};
	struct ev_loop *loop = ev_loop_new(EVFLAG_NOSIGMASK);

	*end = (struct apart_end){.code = -1, .out = copy_of(""), .err = copy_of("")};
	if (loop && subprocess_start(loop, &start))
		ev_run(loop, 0); /* until nothing is watched any more */
	else
		snprintf(end->why, sizeof end->why, "could not be started: %s", strerror(loop ? errno : ENOMEM));
	if (loop)
		ev_loop_destroy(loop);
}

void apart_end_fini(struct apart_end *end)
{
	free(end->out);
	free(end->err);
}
