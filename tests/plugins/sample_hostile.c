/* SPDX-License-Identifier: MIT */
/*
 * What a compromised proxy would do to the rest of t3ops, one deed for each path: it scribbles over all memory that
 * it shares and whatever comes within its reach, truncates what it finds, sends messages that no process sends, and
 * dies.  For a daemon without its sandbox.
 */
#include "ipc/message.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static uint32_t chance(void)
{
	static uint32_t state = 2463534242u;

	state ^= state << 13;
	state ^= state >> 17;
	return state ^= state << 5;
}

static void fill(unsigned char *at, size_t n)
{
	for (size_t i = 0; i < n; i += 61)
		at[i] = (unsigned char)chance();
}

/* ---- memory ------------------------------------------------------------------------------------ */

/* In a child, for it ends with SIGBUS if there is nothing beyond. */
static void reach_beyond(char *from, size_t len)
{
	pid_t pid = fork();
	char *grown;

	if (pid != 0) {
		waitpid(pid, NULL, 0);
		return;
	}
	signal(SIGBUS, SIG_DFL); /* a sanitizer would report it */
	grown = mremap(from, len, 4 * len, MREMAP_MAYMOVE);
	if (grown != MAP_FAILED)
		fill((unsigned char *)grown + len, 3 * len);
	_exit(0);
}

static void reach_before(char *from, size_t len)
{
	pid_t pid = fork();

	if (pid != 0) {
		waitpid(pid, NULL, 0);
		return;
	}
	signal(SIGBUS, SIG_DFL);
	for (size_t page = 0; page < 4 * len / 4096; page++)
		if (remap_file_pages(from, 4096, 0, page, 0) == 0)
			fill((unsigned char *)from, 4096);
	_exit(0);
}

static size_t shared_memory(void (*deed)(char *, size_t))
{
	FILE *maps = fopen("/proc/self/maps", "re");
	struct {
		char *at;
		size_t len;
	} found[64];
	char line[512];
	size_t n = 0;

	while (maps && n < 64 && fgets(line, sizeof line, maps)) {
		unsigned long from, to;
		char mode[5];

		if (sscanf(line, "%lx-%lx %4s", &from, &to, mode) == 3 && strcmp(mode, "rw-s") == 0) {
			found[n].at = (char *)from;
			found[n++].len = to - from;
		}
	}
	if (maps)
		fclose(maps);
	for (size_t i = 0; i < n; i++)
		deed(found[i].at, found[i].len);
	return n;
}

/* In the table of tunnels alice's become bob's. */
static void rename_users(char *at, size_t len)
{
	size_t most = len < 1 << 20 ? len : 1 << 20;

	for (char *name; (name = memmem(at, most, "alice", 6));)
		strcpy(name, "bob");
}

static void scribble(char *at, size_t len)
{
	reach_beyond(at, len);
	reach_before(at, len);
	fill((unsigned char *)at, len);
}

/* Of the supervisor, where the account may. */
static void truncate_all(pid_t pid)
{
	char path[64];
	DIR *dir;
	struct dirent *entry;

	snprintf(path, sizeof path, "/proc/%d/fd", (int)pid);
	dir = opendir(path);
	while (dir && (entry = readdir(dir))) {
		char fd_path[400], target[64] = "";
		int fd;

		snprintf(fd_path, sizeof fd_path, "%s/%s", path, entry->d_name);
		if (readlink(fd_path, target, sizeof target - 1) < 0 || strncmp(target, "/memfd:t3ops", 12) != 0)
			continue;
		fd = open(fd_path, O_RDWR | O_CLOEXEC);
		if (fd >= 0 && ftruncate(fd, 0) == 0)
			fprintf(stderr, "level=error event=note message=\"truncated %s\"\n", target);
		if (fd >= 0)
			close(fd);
	}
	if (dir)
		closedir(dir);
}

/* ---- messages ------------------------------------------------------------------------------------ */

static void send_with(int fd, const void *bytes, size_t n, const int *fds, size_t n_fds)
{
	union {
		char bytes[CMSG_SPACE(2 * sizeof(int))];
		struct cmsghdr align;
	} control = {0};
	struct iovec part = {(void *)(uintptr_t)bytes, n};
	struct msghdr m = {.msg_iov = &part, .msg_iovlen = 1};

	if (n_fds > 0) {
		m.msg_control = control.bytes;
		m.msg_controllen = CMSG_SPACE(n_fds * sizeof(int));
		CMSG_FIRSTHDR(&m)->cmsg_level = SOL_SOCKET;
		CMSG_FIRSTHDR(&m)->cmsg_type = SCM_RIGHTS;
		CMSG_FIRSTHDR(&m)->cmsg_len = CMSG_LEN(n_fds * sizeof(int));
		memcpy(CMSG_DATA(CMSG_FIRSTHDR(&m)), fds, n_fds * sizeof(int));
	}
	while (sendmsg(fd, &m, MSG_NOSIGNAL | MSG_DONTWAIT) < 0 && n_fds == 0)
		usleep(200);
}

/* Both ends stay with the supervisor, and unread bytes that a close would wait for. */
static void lingering_make(int pair[2])
{
	const struct linger hour = {1, 3600};

	socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair);
	setsockopt(pair[0], SOL_SOCKET, SO_LINGER, &hour, sizeof hour);
}

static void odd_messages(int fd)
{
	static const uint32_t lens[] = {0,
	                                4,
	                                sizeof(struct event),
	                                sizeof(struct msg_run),
	                                sizeof(struct msg_slot),
	                                sizeof(struct msg_fd_put),
	                                sizeof(struct msg_probe),
	                                4000};
	union {
		struct msg_head head;
		unsigned char bytes[sizeof(struct msg_head) + 4096];
	} m;

	for (int i = 0; i < 4000; i++) {
		uint32_t len = lens[chance() % 8] + (chance() % 8 == 0 ? chance() % 8 : 0);
		int pair[2];

		for (size_t b = 0; b < sizeof m.bytes; b++)
			m.bytes[b] = (unsigned char)chance();
		m.head = (struct msg_head){.version = chance() % 16 == 0 ? (uint16_t)chance() : MSG_VERSION,
		                           .type = (uint16_t)(chance() % 32),
		                           .to = chance() % 24,
		                           .id = chance(),
		                           .len = len};
		if (m.head.type == MSG_EVENT) {
			m.head.to = PROCESS_MONITOR;
			((struct event *)(m.bytes + sizeof m.head))->kind = (uint16_t)(chance() % (EVENT_KINDS + 2));
		}
		if (m.head.type == MSG_TERM)
			continue; /* it would be told to end */
		if (i % 8 == 0) {
			lingering_make(pair);
			send_with(fd, m.bytes, sizeof m.head + len, pair, 2);
			close(pair[0]);
			close(pair[1]);
		} else {
			send_with(fd, m.bytes, sizeof m.head + len, NULL, 0);
		}
	}
}

/* Its channel is the only socket of that type. */
static int channel_find(void)
{
	for (int fd = 3; fd < 256; fd++) {
		int type = 0;
		socklen_t len = sizeof type;

		if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) == 0 && type == SOCK_SEQPACKET)
			return fd;
	}
	return -1;
}

/* As the operator would, over and over: so that the good ones go. */
static void backups_ask(const char *control)
{
	static const char request[] = "{\"command\":\"run\",\"plugin\":\"backup\"}\n";
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	char answer[64];

	snprintf(a.sun_path, sizeof a.sun_path, "%s", control);
	if (connect(fd, (const struct sockaddr *)&a, sizeof a) == 0 &&
	    send(fd, request, sizeof request - 1, MSG_NOSIGNAL) > 0 && recv(fd, answer, sizeof answer, 0) > 0)
		fprintf(stderr, "level=error event=note message=\"the control socket obeyed\"\n");
	close(fd);
}

static enum t3ops_next on_request(struct t3ops_ctx *ctx, t3ops_request_id r)
{
	const char *target = ctx->host->request_target(ctx, r);

	if (strcmp(target, "/scribble") == 0) {
		truncate_all(getppid());
		truncate_all(getpid());
		if (shared_memory(scribble) == 0)
			return T3OPS_NEXT;
		abort();
	}
	if (strcmp(target, "/rename") == 0 && shared_memory(rename_users) > 0)
		abort();
	if (strcmp(target, "/messages") == 0)
		odd_messages(channel_find());
	if (strcmp(target, "/control") == 0)
		backups_ask(ctx->host->opt_string(ctx, "control"));
	if (strcmp(target, "/abort") == 0)
		abort();
	return T3OPS_NEXT;
}

static const struct t3ops_option options[] = {
    {"control", T3OPS_OPT_PATH, "", 0, 0, "The control socket."},
};

T3OPS_PLUGIN(sample_hostile) = {
    T3OPS_HEAD,
    .roles = T3OPS_ROLE_PROXY,
    .name = "sample_hostile",
    .version = "1.0",
    .summary = "Attacks the other processes, for tests.",
    .options = options,
    .n_options = sizeof options / sizeof options[0],
    .on_request = on_request,
};
