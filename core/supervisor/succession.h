/* SPDX-License-Identifier: MIT */
/*
 * What passes between a supervisor and the next binary, over a SEQPACKET socket whose number that one is started
 * with (--take-over):
 *
 *   TRIAL        it is only tried: says on stdout that it started, and exits
 *   STATE fd     takes over what is in fd (take_over.h), and answers ADOPTED; it does nothing yet
 *   GO           the earlier one does nothing any more.  The end of the socket means the same.
 */
#ifndef T3OPS_SUPERVISOR_SUCCESSION_H
#define T3OPS_SUPERVISOR_SUCCESSION_H

enum succession { SUCCESSION_TRIAL = 1, SUCCESSION_STATE, SUCCESSION_ADOPTED, SUCCESSION_GO };

/* fd: a number that both processes know, for STATE.  0 or -errno; never blocks. */
int succession_send(int socket, enum succession type, int fd);
/* Waits for the next message, at most limit_ms; -1: for ever.  Its type, 0: the other end is gone, or -errno:
 * ETIMEDOUT, EPROTO.  fd may be NULL. */
int succession_recv(int socket, int limit_ms, int *fd);

#endif
