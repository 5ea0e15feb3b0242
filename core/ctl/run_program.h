/* SPDX-License-Identifier: MIT */
/* Runs a program to its end, with a deadline, and keeps what it says.  Blocks. */
#ifndef T3OPS_CTL_RUN_PROGRAM_H
#define T3OPS_CTL_RUN_PROGRAM_H

#include <pwd.h>

#define RUN_OUTPUT_MAX 65536

struct run_result {
	int status; /* exit status; 128 + signal; -1: it could not be started, or took too long */
	int error;  /* of -1: errno, ETIMEDOUT for the deadline */
	char out[RUN_OUTPUT_MAX], err[RUN_OUTPUT_MAX]; /* cut to that */
};

/* as: whom the program becomes if the caller is root; NULL: nobody else. */
void run_program(char *const argv[], const struct passwd *as, unsigned timeout_ms, struct run_result *r);

#endif
