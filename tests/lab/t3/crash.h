/* SPDX-License-Identifier: MIT */
/*
 * How a real server ends by clients that leave refused upgrades: nobody listens for errors of such a
 * socket, so that one that comes at the wrong moment is uncaught.  The stand-in counts instead of
 * racing: 7 resets (5 to 9 were measured), or 50 clients that had closed before they were answered
 * (30 to 84).  A connection that is read to the server's own end does no harm.
 */
#ifndef T3STUB_CRASH_H
#define T3STUB_CRASH_H

#include "lab/t3/conn.h"

enum crash_cause { CRASH_RESET, CRASH_CLOSED };

/* The client of a refused upgrade left; call: what fails in Node, "read" or "write".  Once for each
 * connection.  May end the process, as an uncaught exception does: status 1, nothing tidied up. */
void crash_count(struct conn *c, enum crash_cause cause, const char *call);

#endif
