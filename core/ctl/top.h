/* SPDX-License-Identifier: MIT */
/*
 * t3opsctl top: who is connected, how much passes and how long heartbeats take, again and again.  A terminal is put
 * back as it was, whatever ends it but SIGKILL.
 */
#ifndef T3OPS_CTL_TOP_H
#define T3OPS_CTL_TOP_H

#include <stdbool.h>

/* The words behind "top"; socket, json: as given before it.  Returns the exit status. */
int top_run(int argc, char **argv, const char *socket, bool json);

#endif
