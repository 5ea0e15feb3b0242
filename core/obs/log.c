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

#include "obs/log_journal.h"
#include "sys/clock.h"
#include "sys/time_text.h"

#define LINE_MAX_BYTES  PIPE_BUF /* a pipe takes a line this long whole or not at all */
#define PREFIX_BYTES    3        /* "<5>" */
#define ENTRY_MAX_BYTES 16384
#define FIELDS_FROM     2 /* time and level are journald's own fields */

/* The one thing every function of a process shares: who writes, how much, in which form, and where. */
static struct {
	const char *process;
	enum log_level max;
	enum log_format format;
	bool journald; /* adds time and unit itself, and reads the level from a "<N>" prefix */
	int journal;   /* it takes entries with fields there; -1: it does not, or is not who reads */
	pid_t pid;     /* whose descriptor that is: a fork may have closed it */
	enum { OUTPUT_READY, OUTPUT_SOCKET, OUTPUT_BLOCKING } output;
	uint64_t lost, reported;
	log_error_cb on_error;
	void *on_error_arg;
} g_log = {.process = "t3ops", .max = LOG_L_INFO, .journal = -1};

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

int log_descriptor(void)
{
	return g_log.journal;
}

static void journal_close(void)
{
	if (g_log.journal >= 0)
		close(g_log.journal);
	g_log.journal = -1;
}

void log_open(const char *process, enum log_level max)
{
	g_log.process = process;
	g_log.max = max;
	g_log.journald = is_journald();
	g_log.lost = g_log.reported = 0;
	journal_close();
	g_log.pid = getpid();
	if (g_log.journald)
		g_log.journal = log_journal_open(LOG_JOURNAL_SOCKET);
	output_open();
}

void log_format_set(enum log_format format)
{
	g_log.format = format;
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

const char *log_level_name(enum log_level level)
{
	return level_names[level];
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

#define START_PAIRS 4
#define PAIRS_MAX   32 /* of one line */

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

/* A line is written by one call: "<5>" first for journald, which else has the time from us. */
static bool stream_send(enum log_level level, const char *line, size_t len)
{
	char out[LINE_MAX_BYTES];
	size_t used = g_log.journald ? (size_t)snprintf(out, sizeof out, "<%d>", (int)level) : 0;

	memcpy(out + used, line, len);
	out[used + len] = '\n';
	return output_write(out, used + len + 1);
}

/* 0, -EAGAIN if journald does not take it now, or another -errno: it goes to stderr. */
static int journal_send(enum log_level level, const char *line, size_t len, const struct kv *pairs, size_t n)
{
	char entry[ENTRY_MAX_BYTES];
	int r;

	if (g_log.journal < 0 || getpid() != g_log.pid)
		return -ENOTCONN;
	r = log_journal_send(g_log.journal, entry,
	                     log_journal_format(entry, sizeof entry, (int)level, line, len, pairs, n));
	if (r < 0 && r != -EAGAIN && r != -EMSGSIZE)
		journal_close();
	return r;
}

static bool line_send(enum log_level level, enum log_format format, const char *event, const struct kv *pairs,
                      size_t n)
{
	char line[LINE_MAX_BYTES - PREFIX_BYTES - 1], when[TIME_TEXT_SIZE];
	struct kv all[START_PAIRS + PAIRS_MAX];
	size_t len;
	int r;

	assert(n <= PAIRS_MAX);
	start_fill(all, level, event, when);
	if (n > 0)
		memcpy(all + START_PAIRS, pairs, n * sizeof *pairs);
	len = (format == LOG_FORMAT_JSON ? kv_format_json : kv_format)(line, sizeof line, all, START_PAIRS + n);
	r = journal_send(level, line, len, all + FIELDS_FROM, START_PAIRS + n - FIELDS_FROM);
	return r == 0 || (r != -EAGAIN && stream_send(level, line, len));
}

/* Once somebody reads again: how much is missing here. */
static bool lost_report(void)
{
	struct kv lost = kv_lost_lines((int64_t)(g_log.lost - g_log.reported));

	if (g_log.lost == g_log.reported)
		return true;
	if (!line_send(LOG_L_WARNING, g_log.format, "log_lines_lost", &lost, 1))
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

	if (!lost_report() || !line_send(LOG_L_INFO, json ? LOG_FORMAT_JSON : LOG_FORMAT_LOGFMT, event, pairs, n))
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
	if (!lost_report() || !line_send(level, g_log.format, event, pairs, n))
		g_log.lost++;
	errno = saved;
}
