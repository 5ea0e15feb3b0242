/* SPDX-License-Identifier: MIT */
/* Namespaces for a rehearsal; see rehearsal.h. */
#include "jobs/rehearsal.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/keyctl.h>
#include <linux/mount.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sys/shm.h"
#include "sys/subprocess.h"

#define ALL_NAMESPACES (CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS)
#define INPUT_FD       3
#define CHANNEL_FD     4
#define OUTPUT_MAX     (1u << 20)
#define EMPTY          "mode=0500,size=4k" /* of a tmpfs: nothing is written there */
#define SCRATCH        "mode=1777,size=256m"

/* Who waits for it. */
struct waiting {
	const struct rehearsal *rehearsal;
	bool done;
	int result;
	json_t *facts;
};

/* ---- in the outer process --------------------------------------------------------------------------- */

/* The answer of a rehearsal that could not begin. */
static int refuse(int out, const char *step, const char *path)
{
	int error = errno;
	char text[400];
	json_t *answer;
	char *line;

	snprintf(text, sizeof text, "a rehearsal needs namespaces of its own: %s%s%.200s: %s", step, *path ? " " : "",
	         path, strerror(error));
	answer = json_pack("{s:i, s:{s:s}}", "result", -EPERM, "facts", "error", text);
	line = answer ? json_dumps(answer, JSON_COMPACT) : NULL;
	if (line)
		dprintf(out, "%s\n", line);
	free(line);
	json_decref(answer);
	return EXIT_FAILURE;
}

static bool file_put(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	bool ok = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);
	int error = errno;

	if (fd >= 0)
		close(fd);
	errno = error;
	return ok;
}

/* Everybody is who they are outside, and nobody else is there. */
static bool ids_map(uid_t uid, gid_t gid)
{
	char line[64];

	if (!file_put("/proc/self/setgroups", "deny"))
		return false;
	snprintf(line, sizeof line, "%u %u 1\n", (unsigned)uid, (unsigned)uid);
	if (!file_put("/proc/self/uid_map", line))
		return false;
	snprintf(line, sizeof line, "%u %u 1\n", (unsigned)gid, (unsigned)gid);
	return file_put("/proc/self/gid_map", line);
}

static int read_only_set(const char *path, bool read_only, unsigned flags)
{
	struct mount_attr attr = {.attr_set = read_only ? MOUNT_ATTR_RDONLY : 0,
	                          .attr_clr = read_only ? 0 : MOUNT_ATTR_RDONLY};

	return (int)syscall(SYS_mount_setattr, AT_FDCWD, path, flags, &attr, sizeof attr);
}

static bool is_below(const char *path, const char *dir)
{
	size_t len = strlen(dir);

	return strncmp(path, dir, len) == 0 && (path[len] == '/' || path[len] == '\0');
}

static bool is_used(const struct t3ops_rehearsal *what, const char *dir)
{
	for (size_t i = 0; what->binds[i]; i++)
		if (is_below(what->binds[i], dir))
			return true;
	return false;
}

/* Mounts something over a path of somebody else's, who may remove it at any time: then there is nothing to hide. */
static bool cover(const char *what, const char *path, const char *type, unsigned long flags, const char *mode)
{
	return mount(what, path, type, flags, mode) == 0 || (errno == ENOENT && access("/dev/null", F_OK) == 0);
}

/* A directory is empty then, a file reads as if it were. */
static bool hide(const char *path, const char *mode)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return true;
	if (S_ISDIR(st.st_mode))
		return cover("rehearsal", path, "tmpfs", MS_NOSUID | MS_NODEV, mode);
	return cover("/dev/null", path, NULL, MS_BIND, NULL);
}

/* Those that have a path, of the network namespace that we are still in: a mount that is read-only keeps nobody from
 * talking to whoever listens there.  One path a line; NULL without memory, or if nobody says. */
static char *sockets_list(void)
{
	FILE *in = fopen("/proc/net/unix", "re"), *out;
	char *line = NULL, *list = NULL;
	size_t size = 0, list_size = 0;

	if (!in)
		return NULL;
	out = open_memstream(&list, &list_size);
	while (out && getline(&line, &size, in) > 0)
		if (strstr(line, " /"))
			fputs(strstr(line, " /") + 1, out);
	if (out)
		fclose(out);
	free(line);
	fclose(in);
	return list;
}

/* NULL, or the path of one that is still there for whoever opens it. */
static const char *sockets_hide(char *list)
{
	char *rest = list, *path;
	struct stat st;

	while (rest && (path = strsep(&rest, "\n")))
		if (lstat(path, &st) == 0 && S_ISSOCK(st.st_mode) && !cover("/dev/null", path, NULL, MS_BIND, NULL))
			return path;
	return NULL;
}

/* Terminals and shared memory of its own.  Without them it has none. */
static const char *devices_hide(void)
{
	struct stat st;

	if (stat("/dev/pts", &st) == 0 &&
	    mount("devpts", "/dev/pts", "devpts", MS_NOSUID | MS_NOEXEC, "newinstance,ptmxmode=0666,mode=0620") < 0 &&
	    !hide("/dev/pts", EMPTY))
		return "/dev/pts";
	return hide("/dev/shm", SCRATCH) ? NULL : "/dev/shm";
}

/* sockets: what sockets_list said.  The path that could not be mounted; NULL: all are. */
static const char *mounts_make(const struct t3ops_rehearsal *what, char *sockets)
{
	const char *path;

	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return "/";
	for (size_t i = 0; what->binds[i]; i += 2)
		if (mount(what->binds[i], what->binds[i + 1], NULL, MS_BIND, NULL) < 0)
			return what->binds[i + 1];
	if (read_only_set("/", true, AT_RECURSIVE) < 0)
		return "/";
	for (size_t i = 0; what->binds[i]; i += 2)
		if (read_only_set(what->binds[i + 1], false, 0) < 0)
			return what->binds[i + 1];
	for (size_t i = 0; what->hidden && what->hidden[i]; i++)
		if (!is_used(what, what->hidden[i]) && !hide(what->hidden[i], EMPTY))
			return what->hidden[i];
	if (!is_used(what, "/run") && !hide("/run", "mode=0755,size=16m"))
		return "/run";
	if (!is_used(what, "/tmp") && !hide("/tmp", SCRATCH))
		return "/tmp";
	path = sockets_hide(sockets);
	return path ? path : devices_hide();
}

/* The loopback device, with the user's address beside its own. */
static bool loopback_up(const char *host)
{
	struct ifreq up = {.ifr_name = "lo", .ifr_flags = IFF_UP}, named = {.ifr_name = "lo:1"};
	struct sockaddr_in *address = (struct sockaddr_in *)&named.ifr_addr;
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool ok = fd >= 0 && ioctl(fd, SIOCSIFFLAGS, &up) == 0;

	address->sin_family = AF_INET;
	if (ok && inet_pton(AF_INET, host, &address->sin_addr) == 1 && ntohl(address->sin_addr.s_addr) >> 24 != 127)
		ok = ioctl(fd, SIOCSIFADDR, &named) == 0;
	if (fd >= 0)
		close(fd);
	return ok;
}

/* A channel that nobody answers: the process runs its commands itself. */
static int channel_end(void)
{
	int ends[2];

	return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) == 0 ? ends[0] : -1;
}

/* A kernel that shows only parts of /proc lets nobody mount a new one: then the old one stays. */
static _Noreturn void inner_main(const struct rehearsal *r, int out)
{
	char *argv[] = {"t3ops", "--run-job", NULL};
	int input = shm_text("t3ops-rehearsal", r->input, strlen(r->input));
	int input_high = fcntl(input, F_DUPFD_CLOEXEC, CHANNEL_FD + 1);
	int channel = fcntl(channel_end(), F_DUPFD_CLOEXEC, CHANNEL_FD + 1);
	int out_high = fcntl(out, F_DUPFD_CLOEXEC, CHANNEL_FD + 1);

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL);
	if (dup2(out_high, STDOUT_FILENO) >= 0 && dup2(input_high, INPUT_FD) >= 0 && dup2(channel, CHANNEL_FD) >= 0)
		execv("/proc/self/exe", argv);
	_exit(refuse(STDOUT_FILENO, "starting", argv[0]));
}

static int outer_main(void *arg, const int pipes[SUBPROCESS_PIPES])
{
	const struct waiting *w = arg;
	const struct rehearsal *r = w->rehearsal;
	uid_t uid = geteuid();
	gid_t gid = getegid();
	char *sockets = sockets_list();
	const char *path;
	int status = 0;
	pid_t pid;

	syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL); /* one with nothing in it */
	if (unshare(ALL_NAMESPACES) < 0)
		return refuse(pipes[0], "unshare", "");
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (!ids_map(uid, gid))
		return refuse(pipes[0], "mapping the account", "");
	path = mounts_make(r->what, sockets);
	if (path)
		return refuse(pipes[0], "mounting", path);
	if (!loopback_up(r->host))
		return refuse(pipes[0], "bringing the loopback device up", "");
	pid = fork();
	if (pid == 0)
		inner_main(r, pipes[0]);
	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return pid > 0 && WIFEXITED(status) ? WEXITSTATUS(status) : EXIT_FAILURE;
}

/* ---- in the process that asked for it -------------------------------------------------------------------- */

static void failure_set(struct waiting *w, int result, const char *error)
{
	w->result = result;
	if (!w->facts)
		w->facts = json_object();
	json_object_set_new(w->facts, "error", json_string(error));
}

static void on_end(void *arg, const struct subprocess_end *end)
{
	struct waiting *w = arg;
	json_t *answer = json_loadb(end->bytes[0], end->len[0], 0, NULL);

	w->done = true;
	w->result = (int)json_integer_value(json_object_get(answer, "result"));
	w->facts = json_incref(json_object_get(answer, "facts"));
	if (end->timed_out)
		failure_set(w, -ETIMEDOUT, "it was not over in time");
	else if (!answer)
		failure_set(w, -EIO, "its process ended without an answer");
	json_decref(answer);
}

int rehearsal_run(struct ev_loop *loop, const struct rehearsal *r, json_t **facts)
{
	struct waiting w = {.rehearsal = r};
	const struct subprocess_start start = {.run = outer_main,
	                                       .on_end = on_end,
	                                       .arg = &w,
	                                       .timeout_us = r->what->timeout_us,
	                                       .max_bytes = OUTPUT_MAX};

	ev_now_update(loop); /* it stood still while the job worked */
	if (!subprocess_start(loop, &start))
		failure_set(&w, -EIO, strerror(errno));
	while (!w.done && !w.facts)
		ev_run(loop, EVRUN_ONCE);
	*facts = w.facts;
	return w.result;
}
