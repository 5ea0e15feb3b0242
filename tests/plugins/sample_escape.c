/* SPDX-License-Identifier: MIT */
/* A request plugin that was taken over: at /escape/NAME it tries one thing that the proxy never needs, and
 * answers with what became of it. */
#include "plugin.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* Each: 0 if it worked, else errno. */

static int descriptor(int fd)
{
	if (fd < 0)
		return errno;
	close(fd);
	return 0;
}

static int read_a_file(void)
{
	return descriptor(open("/bin/sh", O_RDONLY | O_CLOEXEC));
}

static int list_a_directory(void)
{
	return descriptor(open("/tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
}

static int write_a_file(void)
{
	char path[] = "/tmp/t3ops-escape.XXXXXX";
	int fd = mkostemp(path, O_CLOEXEC);

	if (fd >= 0)
		unlink(path);
	return descriptor(fd);
}

static int make_a_directory(void)
{
	char path[] = "/tmp/t3ops-escape.XXXXXX";

	if (!mkdtemp(path))
		return errno;
	rmdir(path);
	return 0;
}

static int start_a_process(void)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	if (pid < 0)
		return errno;
	waitpid(pid, NULL, 0);
	return 0;
}

/* In a child; where there can be none, in this very process. */
static int start_a_program(void)
{
	char *argv[] = {(char *)(uintptr_t) "true", NULL}, *none[] = {NULL};
	int status = 0;
	pid_t pid = fork();

	if (pid <= 0) {
		execve("/bin/true", argv, none);
		if (pid == 0)
			_exit(errno);
		return errno;
	}
	waitpid(pid, &status, 0);
	return WEXITSTATUS(status);
}

/* Nobody is to be traced: where the call is allowed at all, there is no such process. */
static int trace_another(void)
{
	return ptrace(PTRACE_CONT, 0x7ffffff0, NULL, NULL) < 0 ? errno : 0;
}

static int odd_socket(void)
{
	return descriptor(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, 0));
}

static int listen_somewhere(void)
{
	struct sockaddr_in any = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), r;

	if (fd < 0)
		return errno;
	r = bind(fd, (struct sockaddr *)&any, sizeof any) == 0 && listen(fd, 1) == 0 ? 0 : errno;
	close(fd);
	return r;
}

static int signal_another(void)
{
	pid_t child = fork();
	int r;

	if (child == 0)
		pause();
	r = kill(child > 0 ? child : getppid(), child > 0 ? SIGKILL : 0) == 0 ? 0 : errno;
	if (child > 0)
		waitpid(child, NULL, 0);
	return r;
}

static const struct {
	const char *name;
	int (*way)(void);
} ways[] = {
    {"read", read_a_file},        {"list", list_a_directory}, {"write", write_a_file},   {"mkdir", make_a_directory},
    {"fork", start_a_process},    {"exec", start_a_program},  {"ptrace", trace_another}, {"netlink", odd_socket},
    {"listen", listen_somewhere}, {"kill", signal_another},
};

static enum t3ops_next on_request(struct t3ops_ctx *ctx, t3ops_request_id r)
{
	const char *target = ctx->host->request_target(ctx, r), *word;

	for (size_t i = 0; strncmp(target, "/escape/", 8) == 0 && i < sizeof ways / sizeof ways[0]; i++)
		if (strcmp(target + 8, ways[i].name) == 0) {
			word = strerrorname_np(ways[i].way());
			ctx->host->request_respond(ctx, r, 200, NULL, word, strlen(word));
			return T3OPS_DONE;
		}
	return T3OPS_NEXT;
}

T3OPS_PLUGIN(sample_escape) = {
    T3OPS_HEAD,
    .roles = T3OPS_ROLE_PROXY,
    .name = "sample_escape",
    .version = "1.0",
    .summary = "Tries to get out of the proxy, for tests.",
    .on_request = on_request,
};
