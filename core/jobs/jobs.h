/* SPDX-License-Identifier: MIT */
/*
 * The jobs process: knows when every job is due, and for whom.  Each run is a process of its own that
 * the helper starts; a few at a time, and never two of one job for one user.  Loads no plugin itself.
 */
#ifndef T3OPS_JOBS_JOBS_H
#define T3OPS_JOBS_JOBS_H

#include "process/process.h"

extern const struct process_ops jobs_ops;

#endif
