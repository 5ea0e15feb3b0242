/* SPDX-License-Identifier: MIT */
/* What is saved before a restart: in its time, or as far as it went; and it steers no terminal. */
#include "watchdog/evidence.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define LIMIT_US UINT64_C(60000000)

struct fixture {
	char to[64], dir[96], path[300];
	unsigned port;
	pid_t server;
};

/* A process with an escape sequence in its argv holds the socket. */
static void server_start(struct fixture *f)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof address;
	int fd = socket(AF_INET, SOCK_STREAM, 0), input[2];

	assert_int_equal(bind(fd, (struct sockaddr *)&address, len), 0);
	assert_int_equal(listen(fd, 1), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &len), 0);
	f->port = ntohs(address.sin_port);
	assert_int_equal(pipe2(input, O_CLOEXEC), 0);
	f->server = fork();
	if (f->server == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		dup2(input[0], STDIN_FILENO);
		execl("/bin/sh", "sh", "-c", "read x; exit 0", "\033[31mred", (char *)NULL);
		_exit(127);
	}
	close(input[0]);
	assert_int_equal(fcntl(input[1], F_SETFD, 0), 0); /* it reads until this process has ended */
	close(fd);
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof *f);

	strcpy(f->to, "/tmp/evidence.XXXXXX");
	assert_non_null(mkdtemp(f->to));
	snprintf(f->dir, sizeof f->dir, "%s/alice", f->to);
	assert_int_equal(mkdir(f->dir, 0700), 0);
	server_start(f);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	kill(f->server, SIGKILL);
	waitpid(f->server, NULL, 0);
	unlink(f->path);
	rmdir(f->dir);
	rmdir(f->to);
	free(f);
	return 0;
}

static int save(struct fixture *f, uint64_t limit_us)
{
	const struct t3ops_user user = {
	    .struct_size = sizeof user, .name = "alice", .host = "127.0.0.1", .port = (uint16_t)f->port};

	return evidence_save(f->to, &user, 1, limit_us, f->path, sizeof f->path);
}

static void test_steers_nothing(void **state)
{
	struct fixture *f = *state;
	static char text[1 << 20];
	struct stat st;
	size_t n;
	FILE *in;

	for (int tries = 0; tries < 1000 && strstr(text, "?[31mred") == NULL; tries++) { /* until it has begun */
		assert_int_equal(save(f, LIMIT_US), 0);
		in = fopen(f->path, "r");
		assert_non_null(in);
		n = fread(text, 1, sizeof text - 1, in);
		text[n] = '\0';
		fclose(in);
	}
	assert_non_null(strstr(text, "?[31mred"));
	assert_null(strchr(text, '\033'));
	assert_non_null(strstr(text, "processes of the account by CPU time"));
	assert_int_equal(stat(f->path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
}

static void test_no_time(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(save(f, 0), -ETIMEDOUT);
	assert_int_equal(access(f->path, F_OK), 0);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {CASE(test_steers_nothing), CASE(test_no_time)};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
