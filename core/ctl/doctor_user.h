/* SPDX-License-Identifier: MIT */
/* A user of the report of `t3ops -t --json`, as the daemon's own code fills one into command lines and paths. */
#ifndef T3OPS_CTL_DOCTOR_USER_H
#define T3OPS_CTL_DOCTOR_USER_H

#include <jansson.h>

#include "users/users.h"

struct user user_of(const json_t *row);

#endif
