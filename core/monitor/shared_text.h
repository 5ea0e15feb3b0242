/* SPDX-License-Identifier: MIT */
/* A long text that several connections send, each at its own pace; nobody copies it.  Monitor process. */
#ifndef T3OPS_MONITOR_SHARED_TEXT_H
#define T3OPS_MONITOR_SHARED_TEXT_H

#include "sys/buf.h"

struct shared_text {
	struct buf bytes; /* does not change any more */
	unsigned holders;
};

/* Takes the bytes, also without memory for the rest, and then returns NULL.  The caller holds it. */
struct shared_text *shared_text_new(struct buf *bytes);
struct shared_text *shared_text_hold(struct shared_text *t);
/* The last one to do so frees it; NULL is fine. */
void shared_text_release(struct shared_text *t);

#endif
