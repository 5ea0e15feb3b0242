/* SPDX-License-Identifier: MIT */
/* Asking the next binary, trying it, leaving to it; see upgrade.h. */
#include "supervisor/upgrade.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "supervisor/notify.h"
#include "supervisor/reload.h"
#include "supervisor/succession.h"
#include "supervisor/take_over.h"
#include "sys/parent.h"

#define CHECK_LIMIT_US  UINT64_C(30000000)
#define TRIAL_LIMIT_US  UINT64_C(10000000)
#define LEAVE_LIMIT_MS  10000 /* nothing else goes on meanwhile, but the binary has just started once */
#define CHECK_MAX_BYTES (1u << 20)
#define NOT_STARTED     "not started: " /* what stands in the binary's place says so */
#define USAGE_ERROR     2               /* of one that does not know the question */

/* ---- in a child ------------------------------------------------------------------------------- */

/* What it prints is not for the log as it is. */
static void output_catch(const int pipes[SUBPROCESS_PIPES])
{
	dup2(pipes[0], STDOUT_FILENO);
	dup2(pipes[1], STDERR_FILENO);
	for (size_t i = 0; i < SUBPROCESS_PIPES; i++)
		close(pipes[i]);
}

static int not_started(void)
{
	dprintf(STDOUT_FILENO, "%s%s", NOT_STARTED, strerror(errno));
	return EXIT_FAILURE;
}

/* The binary says whether it takes the configuration, and what this one would leave, on stdin. */
static int binary_ask(void *arg, const int pipes[SUBPROCESS_PIPES])
{
	const struct supervisor *s = arg;
	char version[16];
	char *argv[] = {(char *)(uintptr_t)s->args->exe,
	                "-t",
	                "-c",
	                (char *)(uintptr_t)s->args->conf_path,
	                "--take-over-from",
	                version,
	                NULL};

	dup2(take_over_write(s), STDIN_FILENO);
	snprintf(version, sizeof version, "%d", MSG_VERSION);
	output_catch(pipes);
	execv(argv[0], argv);
	return not_started();
}

/* Becomes the binary, which finds on the socket what it is to do.  Returns only if it cannot be started. */
static void binary_exec(const struct supervisor *s, int socket)
{
	char number[16];
	char *argv[] = {(char *)(uintptr_t)s->args->exe,
	                "-c",
	                (char *)(uintptr_t)s->args->conf_path,
	                "--take-over",
	                number,
	                NULL};

	snprintf(number, sizeof number, "%d", socket);
	execv(argv[0], argv);
}

/* Started as it will be when it takes over. */
static int binary_try(void *arg, const int pipes[SUBPROCESS_PIPES])
{
	int fds[2];

	if (channel_pair(fds) < 0 || succession_send(fds[0], SUCCESSION_TRIAL, -1) < 0)
		return EXIT_FAILURE;
	fcntl(fds[1], F_SETFD, 0);
	output_catch(pipes);
	binary_exec(arg, fds[1]);
	return not_started();
}

/* ---- what it said ------------------------------------------------------------------------------- */

static bool last_line_is(const char *text, const char *line)
{
	size_t len = strlen(text), want = strlen(line);

	return len > want && text[len - 1] == '\n' && strncmp(text + len - 1 - want, line, want) == 0 &&
	       (len - 1 == want || text[len - 2 - want] == '\n');
}

/* How a child of this process ended, in words. */
struct end_text {
	char text[100];
};

static struct end_text end_text(int status)
{
	struct end_text end;

	if (WIFEXITED(status))
		snprintf(end.text, sizeof end.text, "it exited with %d", WEXITSTATUS(status));
	else
		snprintf(end.text, sizeof end.text, "it ended with signal %d (%s)", WTERMSIG(status),
		         strsignal(WTERMSIG(status)));
	return end;
}

/* Whether it takes the configuration, and the state.  False, with the reason in why. */
static bool binary_accepts(const struct subprocess_end *end, char *why, size_t size)
{
	const char *said = end->bytes[0];
	int code = WIFEXITED(end->status) ? WEXITSTATUS(end->status) : -1;

	if (end->timed_out)
		snprintf(why, size, "did not say in time whether it accepts the configuration; it was not started");
	else if (strncmp(said, NOT_STARTED, strlen(NOT_STARTED)) == 0)
		snprintf(why, size, "cannot be started: %s", said + strlen(NOT_STARTED));
	else if (last_line_is(said, TAKE_OVER_MESSAGES) || code == USAGE_ERROR)
		snprintf(why, size,
		         "cannot go on from the one that runs, whose messages are others: restart the daemon");
	else if (code == EXIT_FAILURE && end->len[1] > 0)
		snprintf(why, size, "was not started, for it does not accept the configuration");
	else if (code != EXIT_SUCCESS)
		snprintf(why, size, "was not started: asked about the configuration, %s", end_text(end->status).text);
	else if (!last_line_is(said, TAKE_OVER_READY))
		snprintf(why, size, "was not started: it does not answer as a t3ops that can take over; is it one?");
	else
		return true;
	return false;
}

/* Whether it starts at all. */
static bool binary_starts(const struct subprocess_end *end, char *why, size_t size)
{
	if (end->timed_out)
		snprintf(why, size, "does not start: it was not ready in time, and was killed");
	else if (!WIFEXITED(end->status) || WEXITSTATUS(end->status) != EXIT_SUCCESS)
		snprintf(why, size, "does not start: %s", end_text(end->status).text);
	else if (!last_line_is(end->bytes[0], TAKE_OVER_READY))
		snprintf(why, size, "does not start: it exited before it was ready");
	else
		return true;
	return false;
}

/* What it says against the configuration, a line each. */
static void config_errors_log(const char *text)
{
	while (*text != '\0') {
		size_t len = strcspn(text, "\n");

		if (len > 0)
			log_write(LOG_L_ERROR, "config_error", kv_error(textf("%.*s", (int)len, text)));
		text += len + (text[len] != '\0');
	}
}

static void refuse(struct supervisor *s, const char *why)
{
	char text[PATH_MAX + WHY_SIZE];

	snprintf(text, sizeof text, "the binary %s %s", s->args->exe, why);
	s->upgrade.refused(s, -ECANCELED, text);
}

/* With the first line of what the child said. */
static void child_refused(struct supervisor *s, const char *why, const char *said)
{
	char text[WHY_SIZE];

	snprintf(text, sizeof text, "%s%s%.*s", why, said[0] != '\0' ? ": " : "", (int)strcspn(said, "\n"), said);
	refuse(s, text);
}

/* ---- leaving ------------------------------------------------------------------------------------ */

/* The same process goes on as the binary.  Returns only if that cannot be started. */
static void leave_in_place(struct supervisor *s)
{
	int fds[2] = {-1, -1}, state = take_over_write(s), error;
	bool told = state >= 0 && channel_pair(fds) == 0 && succession_send(fds[0], SUCCESSION_STATE, state) == 0 &&
	            succession_send(fds[0], SUCCESSION_GO, -1) == 0;

	if (told) {
		take_over_survive(s, state, true);
		fcntl(fds[1], F_SETFD, 0);
		binary_exec(s, fds[1]);
	}
	error = errno;
	take_over_survive(s, state, false);
	for (size_t i = 0; i < 2; i++)
		if (fds[i] >= 0)
			close(fds[i]);
	if (state >= 0)
		close(state);
	refuse(s, textf("cannot be started: %s", strerror(error)));
}

static _Noreturn void successor_main(const struct supervisor *s, int state, int socket, pid_t parent)
{
	if (!parent_follow(parent))
		_exit(EXIT_FAILURE);
	take_over_survive(s, state, true);
	fcntl(socket, F_SETFD, 0);
	binary_exec(s, socket);
	_exit(EXIT_FAILURE);
}

/* Signals that came to this process meanwhile are the other one's. */
static void signals_forward(const struct supervisor *s, pid_t to)
{
	struct signalfd_siginfo info;

	while (read(s->signals.fd, &info, sizeof info) == (ssize_t)sizeof info)
		kill(to, (int)info.ssi_signo);
}

/* The child has everything: this process is not needed any more, as soon as the service manager knows. */
static void succeeded_by(const struct supervisor *s, pid_t pid, int socket)
{
	if (notify_send(textf("MAINPID=%d", (int)pid)) < 0)
		return;
	signals_forward(s, pid);
	succession_send(socket, SUCCESSION_GO, -1);
	log_write(LOG_L_NOTICE, "handed_over", kv_pid(pid));
	_exit(EXIT_SUCCESS);
}

/* It did not, and nothing has changed: nobody has read from the channels meanwhile. */
static void successor_failed(struct supervisor *s, pid_t pid, int answer)
{
	int status = 0;

	if (answer != 0)
		kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	if (answer == SUCCESSION_ADOPTED)
		refuse(s, "did not take over, for the service manager could not be told; it was killed");
	else if (answer == -ETIMEDOUT)
		refuse(s, "did not take over in time, and was killed");
	else
		refuse(s, textf("did not take over: %s", end_text(status).text));
}

/* Both exist for a moment, in which neither does anything. */
static void leave_to_child(struct supervisor *s)
{
	int fds[2], state = take_over_write(s), answer;
	pid_t parent = getpid(), pid;

	if (state < 0 || channel_pair(fds) < 0) {
		if (state >= 0)
			close(state);
		refuse(s, "was not started: no memory or descriptors to hand the state over");
		return;
	}
	succession_send(fds[0], SUCCESSION_STATE, state);
	pid = fork();
	if (pid == 0)
		successor_main(s, state, fds[1], parent);
	answer = -errno;
	close(state);
	close(fds[1]);
	if (pid > 0)
		answer = succession_recv(fds[0], LEAVE_LIMIT_MS, NULL);
	if (answer == SUCCESSION_ADOPTED)
		succeeded_by(s, pid, fds[0]);
	close(fds[0]);
	if (pid > 0)
		successor_failed(s, pid, answer);
	else
		refuse(s, textf("was not started: %s", strerror(-answer)));
}

/* Only a service manager that is told can follow to another process, and none can to another first one. */
static bool is_followed(void)
{
	const char *manager = getenv("NOTIFY_SOCKET");

	return manager && *manager && getpid() != 1;
}

/* One that is not ready yet ends with its parent (sys/parent.h). */
static bool is_starting_any(const struct supervisor *s)
{
	const struct child *c;

	PROCESS_TABLE_FOREACH (c, &s->processes)
		if (c->state == PROCESS_STARTING)
			return true;
	return false;
}

void upgrade_step(struct supervisor *s)
{
	bool followed = is_followed();

	if (!s->upgrade.leaving || (followed && is_starting_any(s)))
		return;
	s->upgrade.leaving = false;
	if (followed)
		leave_to_child(s);
	else
		leave_in_place(s);
}

/* ---- the way there -------------------------------------------------------------------------------- */

static void child_start(struct supervisor *s, const struct subprocess_start *start)
{
	s->upgrade.check = subprocess_start(s->loop, start);
	if (!s->upgrade.check)
		refuse(s, textf("was not started: %s", strerror(errno)));
}

static void on_tried(void *arg, const struct subprocess_end *end)
{
	struct supervisor *s = arg;
	char why[256];

	s->upgrade.check = NULL;
	if (!binary_starts(end, why, sizeof why)) {
		child_refused(s, why, end->bytes[1]);
		return;
	}
	s->upgrade.leaving = true;
	upgrade_step(s);
}

static void on_answer(void *arg, const struct subprocess_end *end)
{
	struct supervisor *s = arg;
	const struct subprocess_start trial = {.run = binary_try,
	                                       .on_end = on_tried,
	                                       .arg = s,
	                                       .timeout_us = TRIAL_LIMIT_US,
	                                       .max_bytes = CHECK_MAX_BYTES};
	char why[256];

	s->upgrade.check = NULL;
	if (binary_accepts(end, why, sizeof why)) {
		child_start(s, &trial);
		return;
	}
	if (WIFEXITED(end->status) && WEXITSTATUS(end->status) == EXIT_FAILURE)
		config_errors_log(end->bytes[1]);
	child_refused(s, why, end->bytes[1]);
}

static void upgrade_begin(struct supervisor *s, outcome_cb refused)
{
	const struct subprocess_start question = {.run = binary_ask,
	                                          .on_end = on_answer,
	                                          .arg = s,
	                                          .timeout_us = CHECK_LIMIT_US,
	                                          .max_bytes = CHECK_MAX_BYTES};

	s->upgrade.refused = refused;
	child_start(s, &question);
}

void upgrade_request(struct supervisor *s, outcome_cb refused)
{
	if (s->phase == PHASE_STOPPING)
		return;
	if (!reload_is_busy(s)) {
		upgrade_begin(s, refused);
		return;
	}
	s->upgrade.queued = true;
	log_write(LOG_L_NOTICE, "upgrade_queued", kv_detail("a reload or an upgrade is in progress"));
}

/* It reads the configuration, too: a reload that waits is done with it, or after it if the binary is refused. */
bool upgrade_next(struct supervisor *s, outcome_cb refused)
{
	if (!s->upgrade.queued || reload_is_busy(s))
		return false;
	s->upgrade.queued = false;
	upgrade_begin(s, refused);
	return true;
}

void upgrade_cancel(struct supervisor *s)
{
	s->upgrade.queued = s->upgrade.leaving = false;
	subprocess_cancel(s->upgrade.check);
	s->upgrade.check = NULL;
}
