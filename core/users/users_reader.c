/* SPDX-License-Identifier: MIT */
/* The process that reads the user table; see users_reader.h. */
#include "users/users_reader.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "obs/log.h"
#include "sys/fdpass.h"
#include "sys/parent.h"
#include "sys/sandbox.h"
#include "users/table_watch.h"
#include "users/user_absence.h"
#include "users/user_list_load.h"

#define SLOW_MS 10000 /* a reading that takes longer is reported */
#define SEALS   (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL)
#define MEMFD   "t3ops-users"

struct users_reader {
	struct ev_loop *loop;
	struct users_source source; /* its strings are the reader's own */
	pid_t pid;
	struct ev_io io;
	bool has_result, gone, slow;
	struct users_result result;
	users_reader_cb cb;
	void *arg;
};

/* What is at the beginning of the memfd; the rows follow. */
struct reading {
	int32_t faults;
	uint32_t n;
	char why[USERS_WHY_SIZE];
};

enum note { NOTE_RESULT = 'r', NOTE_SLOW = 's' };

/* ---- one reading: a process ------------------------------------------------------------------------------------ */

static void confine(void)
{
	const char *all = "/";
	const struct sandbox_rules rules = {.readable = &all, .n_readable = 1, .binds = true};
	struct sandbox applied;

	sandbox_enter(&rules, &applied); /* what is missing was reported by the process that it belongs to */
}

static bool bytes_write(int fd, const void *bytes, size_t len)
{
	for (const char *at = bytes; len > 0;) {
		ssize_t n = write(fd, at, len);

		if (n <= 0)
			return false;
		at += n;
		len -= (size_t)n;
	}
	return true;
}

static _Noreturn void reading_main(const struct users_source *source, pid_t reader, int memfd)
{
	struct reading head = {0};
	struct user_list list;

	if (!parent_follow(reader))
		_exit(EXIT_FAILURE);
	if (source->sandbox)
		confine();
	head.faults = user_list_load(&list, source->path, source->env_pattern, 0, head.why, sizeof head.why);
	for (size_t i = 0; i < list.n; i++)
		list.rows[i].is_absent = user_never_ran(&list.rows[i], source->env_pattern);
	head.n = (uint32_t)list.n;
	if (!bytes_write(memfd, &head, sizeof head) || !bytes_write(memfd, list.rows, list.n * sizeof list.rows[0]))
		_exit(EXIT_FAILURE);
	_exit(EXIT_SUCCESS);
}

/* ---- the reader ------------------------------------------------------------------------------------------------ */

static void note_send(int socket, enum note note, int memfd)
{
	char byte = (char)note;
	struct iovec v = {&byte, 1};
	struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1};
	union fdpass r;

	fdpass_attach(&m, &r, &memfd, memfd >= 0 ? 1 : 0);
	if (sendmsg(socket, &m, MSG_NOSIGNAL) < 0)
		_exit(EXIT_FAILURE);
}

/* Until the process has ended; the reader ends if nobody wants to know any more. */
static int reading_await(pid_t pid, int socket)
{
	struct pollfd fds[] = {{.fd = pidfd_open(pid, 0), .events = POLLIN}, {.fd = socket, .events = POLLIN}};
	int status = 0;

	if (poll(fds, 2, SLOW_MS) == 0) {
		note_send(socket, NOTE_SLOW, -1);
		poll(fds, 2, -1);
	}
	if (fds[1].revents != 0) {
		kill(pid, SIGKILL);
		_exit(EXIT_SUCCESS);
	}
	waitpid(pid, &status, 0);
	close(fds[0].fd);
	return status;
}

/* A table that is its reader's death says so, as any other one that cannot be read. */
static void death_write(int memfd, int status)
{
	struct reading head = {.faults = -EINVAL};

	if (WIFSIGNALED(status))
		snprintf(head.why, sizeof head.why, "the process that read it ended with signal %d (%s)",
		         WTERMSIG(status), strsignal(WTERMSIG(status)));
	else
		snprintf(head.why, sizeof head.why, "the process that read it ended with exit code %d: no memory?",
		         WEXITSTATUS(status));
	if (ftruncate(memfd, 0) == 0 && lseek(memfd, 0, SEEK_SET) == 0)
		bytes_write(memfd, &head, sizeof head);
}

static void table_read(const struct users_source *source, int socket)
{
	int memfd = memfd_create(MEMFD, MFD_CLOEXEC | MFD_ALLOW_SEALING), status;
	pid_t reader = getpid(), pid = memfd >= 0 ? fork() : -1;

	if (pid == 0)
		reading_main(source, reader, memfd);
	if (memfd < 0)
		return; /* the next look tries again */
	if (pid > 0) {
		status = reading_await(pid, socket);
		if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
			death_write(memfd, status);
	} else {
		death_write(memfd, W_EXITCODE(EXIT_FAILURE, 0));
	}
	fcntl(memfd, F_ADD_SEALS, SEALS);
	note_send(socket, NOTE_RESULT, memfd);
	close(memfd);
}

static void inheritance_drop(int socket)
{
	sigset_t none;

	for (int number = 1; number < NSIG; number++)
		signal(number,
		       number == SIGINT || number == SIGTERM ? SIG_IGN : SIG_DFL); /* it ends with its process */
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (socket > 3)
		close_range(3, (unsigned)socket - 1, 0);
	close_range((unsigned)socket + 1, ~0U, 0);
	prctl(PR_SET_NAME, "users");
}

static _Noreturn void reader_main(const struct users_source *source, pid_t parent, int socket)
{
	struct table_watch *watch = table_watch_new(source->path, source->env_pattern);

	if (!watch || !parent_follow(parent))
		_exit(EXIT_FAILURE);
	inheritance_drop(socket);
	do {
		table_watch_begin(watch);
		table_read(source, socket);
	} while (table_watch_wait(watch, socket));
	_exit(EXIT_SUCCESS);
}

/* ---- in the process that uses the table ------------------------------------------------------------------------ */

static bool bytes_read(int fd, void *out, size_t len)
{
	return read(fd, out, len) == (ssize_t)len;
}

/* False: it is not what a reader leaves. */
static bool reading_take(int memfd, struct users_result *out)
{
	struct reading head;

	*out = (struct users_result){0};
	if (lseek(memfd, 0, SEEK_SET) < 0 || !bytes_read(memfd, &head, sizeof head) || head.n > USERS_MAX)
		return false;
	head.why[sizeof head.why - 1] = '\0';
	out->list.rows = calloc(head.n + 1, sizeof out->list.rows[0]);
	if (!out->list.rows || !bytes_read(memfd, out->list.rows, head.n * sizeof out->list.rows[0])) {
		user_list_fini(&out->list);
		return false;
	}
	out->list.n = head.n;
	out->faults = head.faults;
	strcpy(out->why, head.why);
	return true;
}

static void result_set(struct users_reader *r, int memfd)
{
	struct users_result fresh;

	if (!reading_take(memfd, &fresh))
		return;
	user_list_fini(&r->result.list);
	r->result = fresh;
	r->has_result = true;
	if (r->slow)
		log_write(LOG_L_NOTICE, "users_read", kv_path(r->source.path), kv_detail("at last"));
	r->slow = false;
	if (r->cb)
		r->cb(r->arg, false);
}

static void slow_log(struct users_reader *r)
{
	r->slow = true;
	log_write(LOG_L_WARNING, "users_slow", kv_path(r->source.path),
	          kv_error(textf("reading it takes more than %d s", SLOW_MS / 1000)),
	          kv_effect("nobody waits for it; a change of the table counts when it is read"),
	          kv_hint("are accounts looked up in a slow directory service, or files on a slow disk?"));
}

static void on_note(struct ev_loop *loop, struct ev_io *w, int revents)
{
	struct users_reader *r = w->data;
	char byte = '\0';
	struct iovec v = {&byte, 1};
	struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1};
	union fdpass passed;
	int fds[FDPASS_MAX];
	size_t n;
	ssize_t got;

	(void)revents;
	fdpass_expect(&m, &passed);
	got = recvmsg(w->fd, &m, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (got <= 0) {
		ev_io_stop(loop, w);
		r->gone = true;
		if (r->cb)
			r->cb(r->arg, true);
		return;
	}
	n = fdpass_detach(&m, fds);
	if (byte == NOTE_SLOW)
		slow_log(r);
	else if (n == 1)
		result_set(r, fds[0]);
	for (size_t i = 0; i < n; i++)
		close(fds[i]);
}

static struct users_reader *reader_new(struct ev_loop *loop, const struct users_source *source)
{
	struct users_reader *r = calloc(1, sizeof *r);

	if (!r)
		return NULL;
	r->loop = loop;
	r->source = *source;
	r->source.path = strdup(source->path);
	r->source.env_pattern = strdup(source->env_pattern);
	ev_init(&r->io, on_note);
	r->io.data = r;
	r->io.fd = -1;
	if (r->source.path && r->source.env_pattern)
		return r;
	users_reader_free(r);
	errno = ENOMEM;
	return NULL;
}

struct users_reader *users_reader_start(struct ev_loop *loop, const struct users_source *source)
{
	struct users_reader *r = reader_new(loop, source);
	pid_t parent = getpid();
	int ends[2], error;

	if (!r)
		return NULL;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0) {
		users_reader_free(r);
		return NULL;
	}
	r->pid = fork();
	if (r->pid == 0)
		reader_main(&r->source, parent, ends[1]);
	error = errno;
	close(ends[1]);
	ev_io_set(&r->io, ends[0], EV_READ);
	ev_io_start(loop, &r->io);
	if (r->pid > 0)
		return r;
	users_reader_free(r);
	errno = error;
	return NULL;
}

/* It sees the closed socket; in a sandbox nothing else can be done about it. */
void users_reader_free(struct users_reader *r)
{
	if (!r)
		return;
	ev_io_stop(r->loop, &r->io);
	if (r->io.fd >= 0)
		close(r->io.fd);
	if (r->pid > 0)
		waitpid(r->pid, NULL, 0);
	user_list_fini(&r->result.list);
	free((char *)(uintptr_t)r->source.path);
	free((char *)(uintptr_t)r->source.env_pattern);
	free(r);
}

bool users_reader_has_result(const struct users_reader *r)
{
	return r->has_result || r->gone;
}

bool users_reader_take(struct users_reader *r, struct users_result *out)
{
	if (!r->has_result)
		return false;
	*out = r->result;
	r->result = (struct users_result){0};
	r->has_result = false;
	return true;
}

const struct users_source *users_reader_source(const struct users_reader *r)
{
	return &r->source;
}

void users_reader_follow(struct users_reader *r, users_reader_cb cb, void *arg)
{
	r->cb = cb;
	r->arg = arg;
}
