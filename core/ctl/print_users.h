/* SPDX-License-Identifier: MIT */
/* Users, and how things are now, as a person reads them.  Control bytes never reach the terminal. */
#ifndef T3OPS_CTL_PRINT_USERS_H
#define T3OPS_CTL_PRINT_USERS_H

#include <jansson.h>
#include <stdio.h>

/* Each takes the "result" of its command, the last one a line of news. */
void print_users(FILE *out, const json_t *users);
void print_watch(FILE *out, const json_t *answer);
void print_news(FILE *out, const json_t *news);

#endif
