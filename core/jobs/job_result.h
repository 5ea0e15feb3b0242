/* SPDX-License-Identifier: MIT */
/*
 * How a run of a job ended, from the words of its process and of the helper.  The process of a job
 * writes one JSON line to its stdout: {"result":0 or -errno,"facts":{KEY:TEXT,...},
 * "rows":[{KEY:TEXT,...},...]}, the last one of an action only; the fact "absent" says why there was nothing to do.
 * Pure.
 */
#ifndef T3OPS_JOBS_JOB_RESULT_H
#define T3OPS_JOBS_JOB_RESULT_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "ipc/message.h"

/* ok failed late crashed not_started overlap abandoned absent */
extern const char *const job_outcomes[];
extern const size_t n_job_outcomes;

struct job_result {
	const char *outcome; /* one of job_outcomes: a label of the metric */
	char text[320];      /* of a good run its facts as key=value; else why it failed */
	char note[200];      /* of a good run: its fact "note", for who asked; "": none */
	json_t *rows;        /* of an action: what it answered, objects; owned; NULL: nothing */
};

/* ran: the helper's answer; out: the len bytes behind it. */
void job_result_read(struct job_result *r, const struct msg_ran *ran, const char *out, size_t len,
                     uint64_t deadline_us);
/* Without rows. */
void job_result_set(struct job_result *r, const char *outcome, const char *fmt, ...) PRINTF_LIKE(3, 4);
void job_result_fini(struct job_result *r);

#endif
