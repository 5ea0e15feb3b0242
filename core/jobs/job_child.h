/* SPDX-License-Identifier: MIT */
/*
 * The process of one run of a job, for one user: `t3ops --run-job`, started by the helper as that user.
 *
 * One descriptor is its input (process/job_input.h), the other one a channel to the helper, which runs commands for
 * this user and for no other one.
 */
#ifndef T3OPS_JOBS_JOB_CHILD_H
#define T3OPS_JOBS_JOB_CHILD_H

/* Takes both descriptors.  Loads the plugins, calls their init and start, the job's run, and their stop; writes the
 * answer (job_result.h) to stdout; what plugins themselves write there goes to stderr.  Returns the exit code: 0 if
 * run returned 0. */
int job_child_main(int input_fd, int channel_fd);

#endif
