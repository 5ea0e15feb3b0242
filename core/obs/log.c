/* SPDX-License-Identifier: MIT */
/* Log lines on stderr; see log.h.  One write a line, so that the processes' lines never mix. */
#include "obs/log.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sys/clock.h"
#include "sys/time_text.h"

#define LINE_MAX_BYTES PIPE_BUF /* a pipe takes a line this long whole or not at all */

/* The one thing every function of a process shares: who writes, how much, and where. */
static struct {
	const char *process;
	enum log_level max;
	bool journald; /* adds time and unit itself, and reads the level from a "<N>" prefix */
	enum { OUTPUT_READY, OUTPUT_SOCKET, OUTPUT_BLOCKING } output;
	uint64_t lost, reported;
	log_error_cb on_error;
	void *on_error_arg;
} g_log = {.process = "t3ops", .max = LOG_L_INFO};

static const char *const level_names[] = {
    [LOG_L_ERROR] = "error", [LOG_L_WARNING] = "warning", [LOG_L_NOTICE] = "notice",
    [LOG_L_INFO] = "info",   [LOG_L_DEBUG] = "debug",
};

/* A pipe or a terminal is opened again: O_NONBLOCK on the one we were given would bind all who share it.  A socket
 * cannot be, and need not: send(2) has a flag.  A file never makes a writer wait. */
static void output_open(void)
{
	struct stat st;
	int fd;

	g_log.output = OUTPUT_READY;
	if (fstat(STDERR_FILENO, &st) < 0)
		return;
	if (S_ISSOCK(st.st_mode))
		g_log.output = OUTPUT_SOCKET;
	if ((!S_ISFIFO(st.st_mode) && !S_ISCHR(st.st_mode)) || (fcntl(STDERR_FILENO, F_GETFL) & O_NONBLOCK) != 0)
		return;
	fd = open("/proc/self/fd/2", O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd < 0 || dup2(fd, STDERR_FILENO) < 0)
		g_log.output = OUTPUT_BLOCKING; /* somebody else's pipe */
	if (fd >= 0)
		close(fd);
}

/* systemd names device and inode of what it connected to the journal. */
static bool is_journald(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	char mine[64];
	struct stat st;

	if (!stream || fstat(STDERR_FILENO, &st) < 0)
		return false;
	snprintf(mine, sizeof mine, "%ju:%ju", (uintmax_t)st.st_dev, (uintmax_t)st.st_ino);
	return strcmp(stream, mine) == 0;
}

void log_open(const char *process, enum log_level max)
{
	g_log.process = process;
	g_log.max = max;
	g_log.journald = is_journald();
	g_log.lost = g_log.reported = 0;
	output_open();
}

void log_level_set(enum log_level max)
{
	g_log.max = max;
}

void log_on_error(log_error_cb cb, void *arg)
{
	g_log.on_error = cb;
	g_log.on_error_arg = arg;
}

bool log_level_parse(const char *text, enum log_level *out)
{
	for (unsigned i = LOG_L_ERROR; i <= LOG_L_DEBUG; i++)
		if (strcmp(text, level_names[i]) == 0) {
			*out = (enum log_level)i;
			return true;
		}
	return false;
}

/* "<5>" for journald, which else has the time from us. */
static size_t line_start(char *line, size_t size, enum log_level level)
{
	return g_log.journald ? (size_t)snprintf(line, size, "<%d>", (int)level) : 0;
}

#define START_PAIRS 4

/* What every line has; when: room for the time, "" for journald. */
static void start_fill(struct kv out[START_PAIRS], enum log_level level, const char *event, char when[TIME_TEXT_SIZE])
{
	when[0] = '\0';
	if (!g_log.journald)
		time_text(clock_wall_us(), when);
	out[0] = kv_time(when);
	out[1] = kv_level(level_names[level]);
	out[2] = kv_process(g_log.process);
	out[3] = kv_event(event);
}

static bool output_write(const char *line, size_t len)
{
	struct pollfd room = {.fd = STDERR_FILENO, .events = POLLOUT};

	if (g_log.output == OUTPUT_SOCKET)
		return send(STDERR_FILENO, line, len, MSG_DONTWAIT | MSG_NOSIGNAL) == (ssize_t)len;
	if (g_log.output == OUTPUT_BLOCKING && poll(&room, 1, 0) != 1)
		return false;
	return write(STDERR_FILENO, line, len) == (ssize_t)len;
}

static bool line_send(enum log_level level, const char *event, const struct kv *pairs, size_t n)
{
	char line[LINE_MAX_BYTES], when[TIME_TEXT_SIZE];
	size_t used = line_start(line, sizeof line - 1, level), more;
	struct kv start[START_PAIRS];

	start_fill(start, level, event, when);
	used += kv_format(line + used, sizeof line - 1 - used, start, START_PAIRS);
	more = kv_format(line + used + 1, sizeof line - used - 2, pairs, n);

	if (more > 0) {
		line[used] = ' ';
		used += 1 + more;
	}
	line[used++] = '\n';
	return output_write(line, used);
}

#define JSON_PAIRS 32

static bool json_send(const char *event, const struct kv *pairs, size_t n)
{
	char line[LINE_MAX_BYTES], when[TIME_TEXT_SIZE];
	size_t used = line_start(line, sizeof line - 1, LOG_L_INFO);
	struct kv all[START_PAIRS + JSON_PAIRS];

	assert(n <= JSON_PAIRS);
	start_fill(all, LOG_L_INFO, event, when);
	memcpy(all + START_PAIRS, pairs, n * sizeof *pairs);
	used += kv_format_json(line + used, sizeof line - 1 - used, all, START_PAIRS + n);
	line[used++] = '\n';
	return output_write(line, used);
}

/* Once somebody reads again: how much is missing here. */
static bool lost_report(void)
{
	struct kv lost = kv_lost_lines((int64_t)(g_log.lost - g_log.reported));

	if (g_log.lost == g_log.reported)
		return true;
	if (!line_send(LOG_L_WARNING, "log_lines_lost", &lost, 1))
		return false;
	g_log.reported = g_log.lost;
	return true;
}

uint64_t log_lost(void)
{
	lost_report();
	return g_log.lost;
}

void log_pairs_always(bool json, const char *event, const struct kv *pairs, size_t n)
{
	int saved = errno;

	if (!lost_report() || !(json ? json_send(event, pairs, n) : line_send(LOG_L_INFO, event, pairs, n)))
		g_log.lost++;
	errno = saved;
}

void log_pairs(enum log_level level, const char *event, const struct kv *pairs, size_t n)
{
	int saved = errno;

	if (level == LOG_L_ERROR && g_log.on_error)
		g_log.on_error(g_log.on_error_arg, event, pairs, n);
	if (level > g_log.max)
		return;
	if (!lost_report() || !line_send(level, event, pairs, n))
		g_log.lost++;
	errno = saved;
}
