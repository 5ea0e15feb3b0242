/* SPDX-License-Identifier: MIT */
/*
 * resolve in a process of its own: a plugin that crashes, hangs or scribbles while it is
 * loaded harms a throwaway child.  Two pipes come back: the documents, one a line, of which the
 * first was written before any plugin was loaded; and the news, lines whose first byte says
 * whether they are a config_error or report what comes next.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sys/clock.h"
#include "conf/resolved_config.h"

#define DEADLINE_US       (20 * UINT64_C(1000000))
#define PIPE_MAX          (4u << 20) /* bytes from one pipe; a config is far smaller */
#define NEWS_CONFIG_ERROR '!'
#define NEWS_NEXT         '>'

/* What came out of a pipe so far. */
struct gathered {
	int fd; /* -1 after its end */
	char *bytes;
	size_t len, reported; /* reported: bytes of whole lines already handled */
};

struct waiting {
	pid_t pid;
	struct gathered docs, news;
	config_error_cb on_error;
	void *arg;
	size_t config_errors;
	char next[800]; /* what the child said it would do */
	char path[512];
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

static void child_report(void *arg, const char *line)
{
	line_write(*(const int *)arg, NEWS_CONFIG_ERROR, line);
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

/* The parent's loop, sockets and handlers are none of ours. */
static void child_shed(int a, int b)
{
	int low = a < b ? a : b, high = a < b ? b : a;
	sigset_t none;

	for (int sig = 1; sig < NSIG; sig++)
		signal(sig, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	setpgid(0, 0);
	if (low > 3)
		close_range(3, (unsigned)low - 1, 0);
	if (high > low + 1)
		close_range((unsigned)low + 1, (unsigned)high - 1, 0);
	close_range((unsigned)high + 1, ~0U, 0);
}

static _Noreturn void child_run(const struct conf_text *text, int docs, int news)
{
	struct resolve *w;

	child_shed(docs, news);
	w = resolve_begin(text, child_report, &news);
	resolve_core(w);
	if (doc_write(docs, resolved_config_core_json(resolve_result(w))) < 0)
		_exit(2);
	resolve_plugins(w, true, child_next);
	if (doc_write(docs, resolved_config_plugins_json(resolve_result(w))) < 0)
		_exit(2);
	_exit(resolve_errors(w) ? 1 : 0);
}

/* ---- in the parent -------------------------------------------------------------------------------- */

static void waiting_report(struct waiting *w, const char *line)
{
	w->config_errors++;
	w->on_error(w->arg, line);
}

static void news_report(struct waiting *w)
{
	struct gathered *g = &w->news;
	char *end;

	while (g->reported < g->len && (end = memchr(g->bytes + g->reported, '\n', g->len - g->reported))) {
		char *line = g->bytes + g->reported;

		*end = '\0';
		if (*line == NEWS_CONFIG_ERROR)
			waiting_report(w, line + 1);
		else if (*line == NEWS_NEXT)
			snprintf(w->next, sizeof w->next, "%s", line + 1);
		g->reported = (size_t)(end - g->bytes) + 1;
	}
}

static void gathered_end(struct gathered *g)
{
	close(g->fd);
	g->fd = -1;
}

static void gather(struct gathered *g)
{
	char *bigger = realloc(g->bytes, g->len + 65536 + 1);
	ssize_t n;

	if (!bigger)
		abort();
	g->bytes = bigger;
	n = read(g->fd, g->bytes + g->len, 65536);
	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	if (n > 0)
		g->len += (size_t)n;
	g->bytes[g->len] = '\0';
	if (n <= 0 || g->len > PIPE_MAX)
		gathered_end(g);
}

/* Until both pipes ended; false: the deadline came first. */
static bool wait_pipes(struct waiting *w)
{
	uint64_t end = clock_mono_us() + DEADLINE_US, now;

	while (w->docs.fd >= 0 || w->news.fd >= 0) {
		struct pollfd p[2] = {{w->docs.fd, POLLIN, 0}, {w->news.fd, POLLIN, 0}};

		now = clock_mono_us();
		if (now >= end)
			return false;
		if (poll(p, 2, (int)((end - now) / 1000) + 1) < 0 && errno != EINTR)
			return false;
		if (p[0].fd >= 0 && p[0].revents)
			gather(&w->docs);
		if (p[1].fd >= 0 && p[1].revents)
			gather(&w->news);
		news_report(w);
	}
	return true;
}

/* The child's end in a line, unless it ended as it should. */
static void classify_end(struct waiting *w, bool in_time, int status)
{
	char line[1024];

	if (in_time && WIFEXITED(status) && WEXITSTATUS(status) <= 1)
		return;
	if (!in_time)
		snprintf(line, sizeof line, "%s took longer than 20 s and was ended", w->next);
	else if (WIFSIGNALED(status))
		snprintf(line, sizeof line, "%s ended with signal %d (%s)", w->next, WTERMSIG(status),
		         strsignal(WTERMSIG(status)));
	else
		snprintf(line, sizeof line, "%s ended the checking process with exit code %d", w->next,
		         WEXITSTATUS(status));
	waiting_report(w, line);
}

static void child_end(struct waiting *w)
{
	bool in_time = wait_pipes(w);
	int status = 0;

	kill(-w->pid, SIGKILL); /* whatever a plugin started; or all of it, after the deadline */
	if (!in_time)
		kill(w->pid, SIGKILL);
	while (waitpid(w->pid, &status, 0) < 0 && errno == EINTR)
		;
	classify_end(w, in_time, status);
}

/* Two lines: core, plugins. */
static struct resolved_config *docs_read(struct waiting *w)
{
	char *end = w->docs.len ? strchr(w->docs.bytes, '\n') : NULL;
	json_t *core = end ? json_loadb(w->docs.bytes, (size_t)(end - w->docs.bytes), 0, NULL) : NULL;
	json_t *plugins = end ? json_loads(end + 1, 0, NULL) : NULL;
	struct resolved_config *c = core && plugins ? resolved_config_read(core, plugins) : NULL;

	json_decref(core);
	json_decref(plugins);
	return c;
}

static struct resolved_config *waiting_end(struct waiting *w)
{
	struct resolved_config *c = NULL;
	char line[640];

	child_end(w);
	if (w->config_errors == 0) {
		c = docs_read(w);
		if (!c) {
			snprintf(line, sizeof line, "%s: the checking process left no config", w->path);
			waiting_report(w, line);
		}
	}
	if (w->docs.fd >= 0)
		gathered_end(&w->docs);
	if (w->news.fd >= 0)
		gathered_end(&w->news);
	free(w->docs.bytes);
	free(w->news.bytes);
	errno = EINVAL;
	return c;
}

struct resolved_config *resolve_in_child(const struct conf_text *text, config_error_cb on_error, void *arg)
{
	struct waiting w = {.on_error = on_error, .arg = arg};
	int docs[2], news[2], e;

	snprintf(w.path, sizeof w.path, "%s", text->path);
	snprintf(w.next, sizeof w.next, "%.600s: checking it", text->path);
	if (pipe2(docs, O_CLOEXEC) < 0)
		return NULL;
	if (pipe2(news, O_CLOEXEC) < 0) {
		e = errno;
		close(docs[0]);
		close(docs[1]);
		errno = e;
		return NULL;
	}
	fflush(NULL);
	w.pid = fork();
	if (w.pid == 0)
		child_run(text, docs[1], news[1]);
	e = errno;
	close(docs[1]);
	close(news[1]);
	w.docs.fd = docs[0];
	w.news.fd = news[0];
	if (w.pid < 0) {
		gathered_end(&w.docs);
		gathered_end(&w.news);
		errno = e;
		return NULL;
	}
	setpgid(w.pid, w.pid); /* whoever comes first */
	return waiting_end(&w);
}
