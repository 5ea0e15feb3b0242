/* SPDX-License-Identifier: MIT */
/* A program that a job runs as itself, with arguments that only the job knows; it waits for it. */
#ifndef T3OPS_PLUGINS_UPGRADE_PROGRAM_H
#define T3OPS_PLUGINS_UPGRADE_PROGRAM_H

#include <stddef.h>
#include <stdint.h>

/* Found in PATH.  Ends at until_us (CLOCK_MONOTONIC); what it leaves in our process group ends with the job.  What it
 * prints comes to out, whole or cut at size, with a NUL.  0, or -errno with one line in why: -ETIMEDOUT, -EIO (its
 * exit code, and the last line of its stderr). */
int program_run(const char *const *argv, uint64_t until_us, char *out, size_t out_size, char *why, size_t size);

#endif
