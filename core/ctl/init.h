/* SPDX-License-Identifier: MIT */
/*
 * t3opsctl init: from a few answers to a configuration, the user table, env files and snippets for the proxy and the
 * sign-in.  Writes nothing that `t3ops -t` does not accept, and over no file unless told.
 */
#ifndef T3OPS_CTL_INIT_H
#define T3OPS_CTL_INIT_H

/* The words behind "init".  What the program returns. */
int init_run(int argc, char **argv);

#endif
