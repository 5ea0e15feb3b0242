/* SPDX-License-Identifier: MIT */
/*
 * What is known of a user's t3 server since it was moved: its leg, the verdicts that name it, the drops of the user's
 * tunnels.  Only what began after the move counts: the move itself is a drop.  Pure.
 */
#ifndef T3OPS_PLUGINS_UPGRADE_EVIDENCE_H
#define T3OPS_PLUGINS_UPGRADE_EVIDENCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "plugin.h"

struct evidence {
	const char *leg, *segment; /* of every user's t3 server: the section, and what it crosses */
	int64_t drops_max;         /* by the server's side; one more convicts */
	char user[T3OPS_USER_NAME_SIZE];
	uint64_t moved_us; /* since 1970; 0: the move is in progress */
	bool leg_is_down;
	unsigned drops, server_drops; /* of the user's tunnels; those that the server's side ended */
	char convicted[160];          /* "": nothing speaks against it */
};

/* The user is about to be moved. */
void evidence_begin(struct evidence *e, const char *user);
/* The user is there, and paired. */
void evidence_moved(struct evidence *e, uint64_t now_us);
void evidence_event(struct evidence *e, const struct t3ops_event *event);
/* At the end of the time: why it is not well; NULL: it is. */
const char *evidence_judge(const struct evidence *e);

#endif
