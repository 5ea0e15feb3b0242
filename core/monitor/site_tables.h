/* SPDX-License-Identifier: MIT */
/* The page's tables of users, legs and processes.  Pure but for the processes' memory, which it reads of /proc. */
#ifndef T3OPS_MONITOR_SITE_TABLES_H
#define T3OPS_MONITOR_SITE_TABLES_H

#include <stdio.h>

#include "monitor/site_data.h"

void site_users_put(FILE *out, const struct site_data *s);
void site_legs_put(FILE *out, const struct site_data *s);
void site_processes_put(FILE *out, const struct site_data *s);

#endif
