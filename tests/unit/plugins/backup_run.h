/* SPDX-License-Identifier: MIT */
/* Runs of the backup plugin as the process of jobs starts them: each in a child, with its answer in JSON. */
#ifndef TESTS_PLUGINS_BACKUP_RUN_H
#define TESTS_PLUGINS_BACKUP_RUN_H

#include <jansson.h>
#include <sys/types.h>

#include "backup_fixture.h"

/* Its stdout can be read from *out. */
pid_t run_start(const struct fixture *f, int *out);
/* A whole run; the answer is the caller's. */
json_t *run_answer(const struct fixture *f);
/* A fact of an answer; "": it is not there. */
const char *run_fact(const json_t *answer, const char *key);

/* It makes a backup, whose path goes to path, and leaves nothing half made. */
void run_ok(const struct fixture *f, char path[512]);
/* It fails in that way and leaves things as they were. */
void run_fails(const struct fixture *f, int error, const char *why);
/* A run of an action; returns what it failed with, and why. */
int run_action(struct fixture *f, const char *action, const char *arguments, char why[512]);

#endif
