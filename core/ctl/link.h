/* SPDX-License-Identifier: MIT */
/* t3opsctl's end of the control socket: one JSON object a line each way.  Blocks. */
#ifndef T3OPS_CTL_LINK_H
#define T3OPS_CTL_LINK_H

#include <jansson.h>
#include <stdio.h>

struct link {
	FILE *in;
	int fd;
};

/* Connects to the daemon's socket.  timeout_s: how long an answer may take, 0: any time.
 * 0 or -errno; -EAGAIN: it accepts nobody. */
int link_open(struct link *l, const char *path, unsigned timeout_s);
void link_close(struct link *l);

/* 0 or -errno. */
int link_send(struct link *l, const json_t *request);
/* The next line (new reference); NULL at the end, errno says why: 0 if the daemon closed. */
json_t *link_receive(struct link *l);

/* What link_open returned, in words for the operator. */
const char *link_refusal(int error);

#endif
