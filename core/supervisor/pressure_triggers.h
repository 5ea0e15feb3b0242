/* SPDX-License-Identifier: MIT */
/*
 * Opens the kernel's triggers of pressure (PSI), by which the monitor notices that this machine comes under pressure
 * without looking each second.  Before Linux 6.5 only CAP_SYS_RESOURCE allows that, which the supervisor has for this
 * moment only.  It never reads them.  Supervisor only.
 */
#ifndef T3OPS_SUPERVISOR_PRESSURE_TRIGGERS_H
#define T3OPS_SUPERVISOR_PRESSURE_TRIGGERS_H

#include <jansson.h>

#include "process/process.h"

/* All of them, or none after one log line. */
void pressure_triggers_open(struct pressure_triggers *t);
void pressure_triggers_close(struct pressure_triggers *t);

/* For the next binary: their descriptors; whether those survive an exec. */
json_t *pressure_triggers_json(const struct pressure_triggers *t);
void pressure_triggers_survive(const struct pressure_triggers *t, bool yes);
/* Those of the earlier one; it had none: they are opened. */
void pressure_triggers_adopt(struct pressure_triggers *t, const json_t *state);

#endif
