/* SPDX-License-Identifier: MIT */
/*
 * A function in a throwaway process: a group of its own, two pipes to write into, a deadline; it does not outlive
 * whoever started it.  Meanwhile the loop
 * goes on; what was written is gathered and handed over with how the process ended.  Any process with a loop.
 */
#ifndef T3OPS_SYS_SUBPROCESS_H
#define T3OPS_SYS_SUBPROCESS_H

#include <ev.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SUBPROCESS_PIPES 2

struct subprocess;

struct subprocess_end {
	bool timed_out; /* the deadline passed, and it was killed */
	int status;     /* as waitpid(2) gives it */
	const char
	    *bytes[SUBPROCESS_PIPES]; /* what it wrote, and a NUL behind it; borrowed until the callback returns */
	size_t len[SUBPROCESS_PIPES];
};

struct subprocess_start {
	/* In the new process, which has no descriptors but 0..2 and the two pipes, and default signals.  Its exit
	 * status. */
	int (*run)(void *arg, const int pipes[SUBPROCESS_PIPES]);
	/* In this one, from the loop, never from inside subprocess_start.  The process and what it left in its group
	 * are gone; the subprocess is freed after it. */
	void (*on_end)(void *arg, const struct subprocess_end *end);
	void *arg;
	uint64_t timeout_us;
	size_t max_bytes; /* of each pipe; more of it is SIGPIPE for the writer */
};

/* NULL with errno. */
struct subprocess *subprocess_start(struct ev_loop *loop, const struct subprocess_start *start);
/* Kills it; no callback follows.  NULL is fine. */
void subprocess_cancel(struct subprocess *p);

#endif
