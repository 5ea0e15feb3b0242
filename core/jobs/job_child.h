/* SPDX-License-Identifier: MIT */
/* The process of one run of a job, for one user: `t3ops --run-job`, started by the helper. */
#ifndef T3OPS_JOBS_JOB_CHILD_H
#define T3OPS_JOBS_JOB_CHILD_H

/* Reads {"section":...,"user":...} from fd (taken), loads the section's plugin, calls its init,
 * start, run and stop, and writes the answer (job_result.h) to stdout; what the plugin itself writes
 * there goes to stderr.  Returns the exit code: 0 if run returned 0. */
int job_child_main(int fd);

#endif
