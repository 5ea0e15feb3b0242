/* SPDX-License-Identifier: MIT */
/*
 * One program in progress: its own process group, a deadline, a limit on its output, the account of
 * its user.  Helper only; on the loop, nothing waits.
 */
#ifndef T3OPS_HELPER_PROGRAM_H
#define T3OPS_HELPER_PROGRAM_H

#include <ev.h>
#include <stdbool.h>
#include <stdint.h>

#include "users/users.h"

struct program;

struct program_start {
	char *const *argv; /* argv[0] is an absolute path */
	const struct user *user;
	uint64_t timeout_us;
	size_t max_output;
	int stdin_fd;        /* becomes standard input; 0: there is none.  It stays the caller's. */
	bool discard_output; /* standard output goes nowhere; max_output is not needed then */
	/* Become descriptors 3 and 4 of a job; both -1 for a command.  They stay the caller's. */
	int input_fd, channel_fd;
};

struct program_end {
	int error;     /* as t3ops_ran.error */
	int exit_code; /* 0..255; 128 + signal */
	uint64_t took_us;
	const char *why; /* it failed: why it was killed, what it wrote to stderr; "": nothing is known */
	const char *out;
	size_t out_len;
};

/* The program and every descendant in its group are gone; it is freed after it. */
typedef void (*program_ended_cb)(void *arg, const struct program_end *end);

/* Started as root the program becomes the user's OS account; uid 0 and unknown accounts are refused.
 * NULL with errno (no callback then). */
struct program *program_start(struct ev_loop *loop, const struct program_start *start, program_ended_cb cb,
                              void *arg);
/* Kills it; no callback follows. */
void program_kill(struct program *p);

#endif
