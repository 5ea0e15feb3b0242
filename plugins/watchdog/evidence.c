/* SPDX-License-Identifier: MIT */
/* See evidence.h. */
#include "watchdog/evidence.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define TOP          30   /* of the user's processes */
#define FDS_MAX      1000 /* of one process that are listed; how many more there are is said */
#define TEXT_SIZE    4096
#define FILE_PATTERN "hang-*Z.txt"

struct process {
	int pid;
	unsigned long long ticks; /* of CPU time */
	char state;
	long rss_pages;
};

/* ---- reading /proc -------------------------------------------------------------------------------------- */

/* What a process says of itself steers no terminal that shows it. */
static char harmless(char c)
{
	return c == '\n' || c == '\t' ? c : c == '\0' ? ' ' : (unsigned char)c < ' ' || c == 0x7f ? '?' : c;
}

/* The beginning of a file; "" if it cannot be read.  Zero bytes become blanks. */
static size_t text_read(const char *path, char *out, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd >= 0 ? read(fd, out, size - 1) : 0;

	if (fd >= 0)
		close(fd);
	if (n < 0)
		n = 0;
	for (ssize_t i = 0; i < n; i++)
		out[i] = harmless(out[i]);
	out[n] = '\0';
	return (size_t)n;
}

static void file_print(FILE *out, const char *title, const char *path)
{
	char text[TEXT_SIZE];

	if (text_read(path, text, sizeof text) > 0)
		fprintf(out, "%s\n%s%s", title, text, text[strlen(text) - 1] == '\n' ? "" : "\n");
}

static void pid_path(char out[64], int pid, const char *file)
{
	snprintf(out, 64, "/proc/%d/%s", pid, file);
}

static bool process_read(int pid, struct process *p)
{
	char path[64], text[TEXT_SIZE];
	unsigned long long user, system;
	const char *rest;
	struct stat st;

	*p = (struct process){.pid = pid};
	pid_path(path, pid, "stat");
	if (text_read(path, text, sizeof text) == 0 || (rest = strrchr(text, ')')) == NULL)
		return false;
	if (stat(path, &st) < 0 || st.st_uid != geteuid())
		return false;
	if (sscanf(rest + 1,
	           " %c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %llu %llu %*d %*d %*d %*d %*d %*d %*u %*u %ld",
	           &p->state, &user, &system, &p->rss_pages) != 4)
		return false;
	p->ticks = user + system;
	return true;
}

/* ---- sockets ---------------------------------------------------------------------------------------------- */

struct inodes {
	unsigned long *rows;
	size_t n;
};

static bool inode_is_known(const struct inodes *known, unsigned long inode)
{
	for (size_t i = 0; i < known->n; i++)
		if (known->rows[i] == inode)
			return true;
	return false;
}

static void inode_add(struct inodes *known, unsigned long inode)
{
	unsigned long *rows = realloc(known->rows, (known->n + 1) * sizeof *rows);

	if (rows == NULL)
		return;
	known->rows = rows;
	rows[known->n++] = inode;
}

/* Every line of /proc/net/tcp or tcp6 whose local port it is: state, queues, owner; the inodes are noted. */
static void sockets_print(FILE *out, const char *path, unsigned port, struct inodes *found)
{
	FILE *in = fopen(path, "re");
	char *line = NULL;
	size_t size = 0;

	while (in != NULL && getline(&line, &size, in) > 0) {
		unsigned local, state, sending, received, uid;
		unsigned long inode;

		if (sscanf(line, " %*d: %*[0-9A-F]:%x %*[0-9A-F]:%*x %x %x:%x %*x:%*x %*x %u %*d %lu", &local, &state,
		           &sending, &received, &uid, &inode) != 6 ||
		    local != port)
			continue;
		fprintf(out, "  state %02X, %u bytes to send, %u bytes (or connections) to take, uid %u, inode %lu\n",
		        state, sending, received, uid, inode);
		inode_add(found, inode);
	}
	free(line);
	if (in != NULL)
		fclose(in);
}

/* ---- processes ---------------------------------------------------------------------------------------------- */

static void descriptors_print(FILE *out, int pid)
{
	char path[64], at[320], target[256];
	struct dirent **found;
	int n;

	pid_path(path, pid, "fd");
	n = scandir(path, &found, NULL, versionsort);
	fprintf(out, "  descriptors: %d\n", n > 2 ? n - 2 : 0);
	for (int i = 0; i < n; i++) {
		ssize_t len = -1;

		if (i < FDS_MAX && found[i]->d_name[0] != '.' &&
		    snprintf(at, sizeof at, "%s/%s", path, found[i]->d_name) < (int)sizeof at)
			len = readlink(at, target, sizeof target - 1);
		for (ssize_t k = 0; k < len; k++)
			target[k] = harmless(target[k]);
		if (len > 0)
			fprintf(out, "    %s -> %.*s\n", found[i]->d_name, (int)len, target);
		free(found[i]);
	}
	if (n > FDS_MAX)
		fprintf(out, "    and %d more\n", n - FDS_MAX);
	if (n >= 0)
		free(found);
}

/* What each thread waits for. */
static void threads_print(FILE *out, int pid)
{
	static const char *const files[] = {"comm", "wchan", "syscall", "stack"};
	char path[64], at[400], text[TEXT_SIZE];
	struct dirent **found;
	int n;

	pid_path(path, pid, "task");
	n = scandir(path, &found, NULL, versionsort);
	for (int i = 0; i < n; i++) {
		for (size_t k = 0; found[i]->d_name[0] != '.' && k < sizeof files / sizeof files[0]; k++)
			if (snprintf(at, sizeof at, "%s/%s/%s", path, found[i]->d_name, files[k]) < (int)sizeof at &&
			    text_read(at, text, sizeof text) > 0)
				fprintf(out, "  thread %s, %s: %s%s", found[i]->d_name, files[k], text,
				        text[strlen(text) - 1] == '\n' ? "" : "\n");
		free(found[i]);
	}
	if (n >= 0)
		free(found);
}

static bool holds_one_of(int pid, const struct inodes *sockets)
{
	char path[64], at[320], target[64];
	struct dirent *e;
	bool holds = false;
	DIR *dir;

	pid_path(path, pid, "fd");
	dir = opendir(path);
	while (dir != NULL && !holds && (e = readdir(dir)) != NULL) {
		unsigned long inode;
		ssize_t len;

		if (snprintf(at, sizeof at, "%s/%s", path, e->d_name) >= (int)sizeof at)
			continue;
		len = readlink(at, target, sizeof target - 1);
		target[len > 0 ? len : 0] = '\0';
		holds = sscanf(target, "socket:[%lu]", &inode) == 1 && inode_is_known(sockets, inode);
	}
	if (dir != NULL)
		closedir(dir);
	return holds;
}

static void server_print(FILE *out, int pid)
{
	char path[64], title[64];

	fprintf(out, "\nprocess %d of the server\n", pid);
	snprintf(title, sizeof title, "  argv:");
	pid_path(path, pid, "cmdline");
	file_print(out, title, path);
	pid_path(path, pid, "status");
	file_print(out, "  status:", path);
	threads_print(out, pid);
	descriptors_print(out, pid);
}

static int by_ticks(const void *a, const void *b)
{
	const struct process *x = a, *y = b;

	return x->ticks < y->ticks ? 1 : x->ticks > y->ticks ? -1 : 0;
}

static void process_print(FILE *out, const struct process *p)
{
	char path[64], argv[512];

	pid_path(path, p->pid, "cmdline");
	text_read(path, argv, sizeof argv);
	fprintf(out, "  %7d %c %8.1f s %6ld MiB  %s\n", p->pid, p->state,
	        (double)p->ticks / (double)sysconf(_SC_CLK_TCK), p->rss_pages * sysconf(_SC_PAGESIZE) / 1048576,
	        argv);
}

static size_t processes_read(struct process **out)
{
	struct process *all = NULL, *more, one;
	DIR *proc = opendir("/proc");
	size_t n = 0;
	struct dirent *e;

	while (proc != NULL && (e = readdir(proc)) != NULL) {
		if (e->d_name[0] < '1' || e->d_name[0] > '9' || !process_read(atoi(e->d_name), &one))
			continue;
		more = realloc(all, (n + 1) * sizeof *all);
		if (more == NULL)
			break;
		all = more;
		all[n++] = one;
	}
	if (proc != NULL)
		closedir(proc);
	*out = all;
	return n;
}

/* ---- the whole ------------------------------------------------------------------------------------------------ */

static void evidence_print(FILE *out, const struct t3ops_user *user)
{
	struct inodes sockets = {0};
	struct process *all;
	size_t n = processes_read(&all);

	fprintf(out, "t3 server of %s at %s port %u\n\n", user->name, user->host, user->port);
	file_print(out, "cpu pressure", "/proc/pressure/cpu");
	file_print(out, "memory pressure", "/proc/pressure/memory");
	file_print(out, "io pressure", "/proc/pressure/io");
	if (user->port != 0) { /* else it has a Unix socket only */
		fprintf(
		    out,
		    "\nsockets at its port (state 0A listens, 01 is connected, 08 was closed by the other side)\n");
		sockets_print(out, "/proc/net/tcp", user->port, &sockets);
		sockets_print(out, "/proc/net/tcp6", user->port, &sockets);
	}
	for (size_t i = 0; i < n; i++)
		if (holds_one_of(all[i].pid, &sockets))
			server_print(out, all[i].pid);
	qsort(all, n, sizeof *all, by_ticks);
	fprintf(out, "\nprocesses of the account by CPU time: pid, state, CPU, memory, argv\n");
	for (size_t i = 0; i < n && i < TOP; i++)
		process_print(out, &all[i]);
	if (n > TOP)
		fprintf(out, "  and %zu more\n", n - TOP);
	free(sockets.rows);
	free(all);
}

static int is_evidence(const struct dirent *e)
{
	return fnmatch(FILE_PATTERN, e->d_name, 0) == 0;
}

/* The oldest go, by their names, which are their times. */
static void old_remove(int dir_fd, int keep)
{
	struct dirent **found;
	int n = scandirat(dir_fd, ".", &found, is_evidence, alphasort);

	for (int i = 0; i < n; i++) {
		if (i < n - keep)
			unlinkat(dir_fd, found[i]->d_name, 0);
		free(found[i]);
	}
	if (n >= 0)
		free(found);
}

/* ---- in a process of its own ---------------------------------------------------------------------------------- */

/* 0 or -errno; -ETIMEDOUT: it was killed, or will be once the kernel lets go of it. */
static int writer_wait(pid_t pid, uint64_t limit_us)
{
	int fd = (int)syscall(SYS_pidfd_open, pid, 0), status = 0, r;
	struct pollfd ended = {.fd = fd, .events = POLLIN};

	do
		r = fd < 0 ? -1 : poll(&ended, 1, (int)(limit_us / 1000));
	while (r < 0 && fd >= 0 && errno == EINTR);
	if (fd >= 0)
		close(fd);
	if (r != 1) {
		kill(pid, SIGKILL);
		return -ETIMEDOUT;
	}
	if (waitpid(pid, &status, 0) != pid)
		return -errno;
	return WIFEXITED(status) ? -WEXITSTATUS(status) : -EIO;
}

#define OUT_FD 3

/* Whoever waits for the end of our parent's output does not wait for us.  It is OUT_FD then. */
static void all_close_but(int fd)
{
	int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);

	for (int i = STDIN_FILENO; i <= STDERR_FILENO; i++)
		dup2(nothing, i);
	dup2(fd, OUT_FD);
	close_range(OUT_FD + 1, ~0U, 0);
}

/* Reading /proc of a process whose memory waits for a disk that does not answer never ends. */
static int evidence_write(int fd, const struct t3ops_user *user, uint64_t limit_us)
{
	pid_t pid = fork();
	FILE *out;

	if (pid < 0)
		return -errno;
	if (pid > 0)
		return writer_wait(pid, limit_us);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	all_close_but(fd);
	out = fdopen(OUT_FD, "w");
	if (out == NULL)
		_exit(errno);
	setlinebuf(out); /* what is there when it is killed stays */
	evidence_print(out, user);
	_exit(fclose(out) != 0 ? errno : 0);
}

int evidence_save(const char *to, const struct t3ops_user *user, int keep, uint64_t limit_us, char *path, size_t size)
{
	char dir[4096], name[64];
	time_t now = time(NULL);
	struct tm tm;
	int dir_fd, fd, r;

	gmtime_r(&now, &tm);
	strftime(name, sizeof name, "hang-%Y%m%dT%H%M%SZ.txt", &tm);
	if (snprintf(dir, sizeof dir, "%s/%s", to, user->name) >= (int)sizeof dir ||
	    snprintf(path, size, "%s/%s", dir, name) >= (int)size)
		return -ENAMETOOLONG;
	dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (dir_fd < 0)
		return -errno;
	fd = openat(dir_fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);
	r = fd < 0 ? -errno : evidence_write(fd, user, limit_us);
	if (fd >= 0) {
		close(fd);
		old_remove(dir_fd, keep);
	}
	close(dir_fd);
	return r;
}
