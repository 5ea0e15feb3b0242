/* SPDX-License-Identifier: MIT */
/*
 * The throwaway child; see resolve_child.h.  Two pipes come back: the documents, one a line, of which the first was
 * written before any plugin was loaded; and the news, lines whose first byte says whether they are a config error or
 * report what comes next.
 */
#include "conf/resolve_child.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "conf/resolved_config_json.h"
#include "sys/subprocess.h"

#define PIPE_MAX (4u << 20) /* bytes from one pipe; a resolved config is far smaller */

enum { DOCS, NEWS }; /* the pipes */

#define NEWS_CONFIG_ERROR   '!'
#define NEWS_CONFIG_WARNING '?'
#define NEWS_CONFIG_NOTE    '.'
#define NEWS_NEXT           '>'

struct resolve_child {
	struct subprocess *process;
	const struct conf_text *text; /* NULL once the child has its copy */
	struct resolve_child_start start;
	size_t n_errors;
	char path[512];
	char next[800]; /* what the child said it would do */
};

/* ---- in the child ------------------------------------------------------------------------------- */

static int line_write(int fd, char mark, const char *text)
{
	char *line;
	int n = mark ? asprintf(&line, "%c%s\n", mark, text) : asprintf(&line, "%s\n", text);
	ssize_t done = 0;

	if (n < 0)
		return -ENOMEM;
	while (done < n) {
		ssize_t w = write(fd, line + done, (size_t)(n - done));

		if (w < 0 && errno != EINTR)
			break;
		done += w > 0 ? w : 0;
	}
	free(line);
	return done == n ? 0 : -EPIPE;
}

static void child_report(void *arg, enum config_severity severity, const char *line)
{
	static const char news[] = {[CONFIG_ERROR] = NEWS_CONFIG_ERROR,
	                            [CONFIG_WARNING] = NEWS_CONFIG_WARNING,
	                            [CONFIG_NOTE] = NEWS_CONFIG_NOTE};

	line_write(*(const int *)arg, news[severity], line);
}

static void child_next(void *arg, const char *what)
{
	line_write(*(const int *)arg, NEWS_NEXT, what);
}

static int doc_write(int fd, json_t *doc)
{
	char *text = json_dumps(doc, JSON_COMPACT | JSON_SORT_KEYS);
	int r = text ? line_write(fd, '\0', text) : -ENOMEM;

	free(text);
	json_decref(doc);
	return r;
}

static int child_run(void *arg, const int pipes[SUBPROCESS_PIPES])
{
	const struct resolve_child *r = arg;
	int news = pipes[NEWS];
	const struct resolve_start start = {.text = r->text,
	                                    .checks = r->start.checks,
	                                    .become_user = true,
	                                    .on_report = child_report,
	                                    .on_next = child_next,
	                                    .arg = &news};
	struct resolve *w;
	int exit_code = 2;

	if (r->start.on_fork)
		r->start.on_fork(r->start.arg);
	w = resolve_begin(&start);
	resolve_core(w);
	if (doc_write(pipes[DOCS], resolved_config_core_json(resolve_result(w))) < 0)
		goto end;
	resolve_plugins(w);
	if (doc_write(pipes[DOCS], resolved_config_plugins_json(resolve_result(w))) < 0)
		goto end;
	exit_code = resolve_errors(w) ? 1 : 0;
end:
	resolve_end(w);
	return exit_code;
}

/* ---- in the parent -------------------------------------------------------------------------------- */

static void error_report(struct resolve_child *r, const char *line)
{
	r->n_errors++;
	r->start.on_report(r->start.arg, CONFIG_ERROR, line);
}

/* One line of the news, whole and without its newline. */
static void news_take(struct resolve_child *r, char *line)
{
	if (*line == NEWS_CONFIG_ERROR)
		error_report(r, line + 1);
	else if (*line == NEWS_CONFIG_WARNING)
		r->start.on_report(r->start.arg, CONFIG_WARNING, line + 1);
	else if (*line == NEWS_CONFIG_NOTE)
		r->start.on_report(r->start.arg, CONFIG_NOTE, line + 1);
	else if (*line == NEWS_NEXT)
		snprintf(r->next, sizeof r->next, "%s", line + 1);
}

static void news_read(struct resolve_child *r, const char *bytes)
{
	const char *end;

	for (; (end = strchr(bytes, '\n')); bytes = end + 1) {
		char *line = strndup(bytes, (size_t)(end - bytes));

		if (line)
			news_take(r, line);
		free(line);
	}
}

/* The child's end in a line, unless it ended as it should. */
static void end_report(struct resolve_child *r, const struct subprocess_end *end)
{
	char line[1024];

	if (!end->timed_out && WIFEXITED(end->status) && WEXITSTATUS(end->status) <= 1)
		return;
	if (end->timed_out)
		snprintf(line, sizeof line, "%s took longer than %g s and was killed", r->next,
		         (double)r->start.timeout_us / 1e6);
	else if (WIFSIGNALED(end->status))
		snprintf(line, sizeof line, "%s ended with signal %d (%s)", r->next, WTERMSIG(end->status),
		         strsignal(WTERMSIG(end->status)));
	else
		snprintf(line, sizeof line, "%s ended the checking process with exit code %d", r->next,
		         WEXITSTATUS(end->status));
	error_report(r, line);
}

/* Two lines: core, plugins.  NULL: they are not there. */
static struct resolved_config *docs_read(const char *bytes)
{
	const char *end = strchr(bytes, '\n');
	json_t *core = end ? json_loadb(bytes, (size_t)(end - bytes), 0, NULL) : NULL;
	json_t *plugins = end ? json_loads(end + 1, 0, NULL) : NULL;
	struct resolved_config *c = core && plugins ? resolved_config_read(core, plugins) : NULL;

	json_decref(core);
	json_decref(plugins);
	return c;
}

static void on_end(void *arg, const struct subprocess_end *end)
{
	struct resolve_child *r = arg;
	struct resolved_config *c = NULL;
	char line[640];

	news_read(r, end->bytes[NEWS]);
	end_report(r, end);
	if (r->n_errors == 0) {
		c = docs_read(end->bytes[DOCS]);
		if (!c) {
			snprintf(line, sizeof line, "%s: the checking process left no resolved config", r->path);
			error_report(r, line);
		}
	}
	r->start.on_done(r->start.arg, c);
	free(r);
}

struct resolve_child *resolve_child_start(struct ev_loop *loop, const struct resolve_child_start *start)
{
	struct resolve_child *r = calloc(1, sizeof *r);
	int error;

	if (!r)
		return NULL;
	r->start = *start;
	r->text = start->text;
	snprintf(r->path, sizeof r->path, "%s", start->text->path);
	snprintf(r->next, sizeof r->next, "%.600s: checking it", start->text->path);
	r->process = subprocess_start(loop, &(struct subprocess_start){.run = child_run,
	                                                               .on_end = on_end,
	                                                               .arg = r,
	                                                               .timeout_us = start->timeout_us,
	                                                               .max_bytes = PIPE_MAX});
	r->text = NULL;
	if (r->process)
		return r;
	error = errno;
	free(r);
	errno = error;
	return NULL;
}

void resolve_child_cancel(struct resolve_child *r)
{
	if (!r)
		return;
	subprocess_cancel(r->process);
	free(r);
}

/* ---- for a caller that waits -------------------------------------------------------------------------- */

struct waiting {
	config_report_cb on_report;
	void *arg;
	struct resolved_config *result;
};

static void waiting_report(void *arg, enum config_severity severity, const char *line)
{
	const struct waiting *w = arg;

	w->on_report(w->arg, severity, line);
}

static void waiting_done(void *arg, struct resolved_config *c)
{
	struct waiting *w = arg;

	w->result = c;
}

struct resolved_config *resolve_in_child(const struct conf_text *text, const struct config_checks *checks,
                                         config_report_cb on_report, void *arg)
{
	struct waiting w = {.on_report = on_report, .arg = arg};
	struct resolve_child_start start = {.text = text,
	                                    .checks = checks,
	                                    .timeout_us = RESOLVE_TIMEOUT_US,
	                                    .on_report = waiting_report,
	                                    .on_done = waiting_done,
	                                    .arg = &w};
	struct ev_loop *loop = ev_loop_new(EVFLAG_NOSIGMASK);
	int error = loop ? EINVAL : ENOMEM;

	if (loop && resolve_child_start(loop, &start))
		ev_run(loop, 0); /* until nothing is watched any more */
	else if (loop)
		error = errno;
	if (loop)
		ev_loop_destroy(loop);
	errno = error;
	return w.result;
}
