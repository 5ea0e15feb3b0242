/* SPDX-License-Identifier: MIT */
/* Reads what one supervisor leaves for the next binary.  A missing key is a bug: it asserts.  Supervisor.
 */
#ifndef T3OPS_SUPERVISOR_STATE_JSON_H
#define T3OPS_SUPERVISOR_STATE_JSON_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

const char *state_string(const json_t *state, const char *key);
int64_t state_int(const json_t *state, const char *key);
bool state_bool(const json_t *state, const char *key);

#endif
