/* SPDX-License-Identifier: MIT */
/* SIGTERM and SIGINT: the end that is asked for, in the time each version takes for it. */
#ifndef T3STUB_STOP_H
#define T3STUB_STOP_H

#include "lab/t3/server.h"

#define EXIT_STOPPED 130 /* t3's exit code after both signals */

/* Prepares the timers. */
void stop_init(struct server *s);
/* Begins to stop; once. */
void stop_begin(struct server *s);
/* A connection ended: nothing may be left to wait for. */
void stop_if_quiet(struct server *s);

#endif
