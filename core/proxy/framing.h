/* SPDX-License-Identifier: MIT */
/*
 * wslay's context of a WebSocket that ends here.  It takes more than 4 KiB, so it is there only while something of a
 * message is in progress: an idle WebSocket has none.  Proxy.
 */
#ifndef T3OPS_PROXY_FRAMING_H
#define T3OPS_PROXY_FRAMING_H

#include <stdbool.h>
#include <stdint.h>
#include <wslay/wslay.h>

struct framing {
	wslay_event_context_ptr context; /* NULL: nothing is in progress */
	int64_t unread;  /* bytes that came and belong to no frame whose head is known; negative: of that frame they
	                    miss */
	bool fragmented; /* the rest of a message is to come */
};

/* How the context is made. */
struct framing_kind {
	const struct wslay_event_callbacks *callbacks; /* one of them calls framing_frame_begun */
	void *arg;                                     /* of these */
	size_t max_message;
};

/* Makes the context if there is none; false without memory. */
bool framing_open(struct framing *f, const struct framing_kind *kind);
/* It goes if nothing is in progress and neither side has closed. */
void framing_rest(struct framing *f);
void framing_fini(struct framing *f);

/* So many bytes came. */
static inline void framing_received(struct framing *f, size_t n)
{
	f->unread += (int64_t)n;
}
/* wslay's on_frame_recv_start: its whole head was read. */
void framing_frame_begun(struct framing *f, const struct wslay_event_on_frame_recv_start_arg *frame);

bool framing_wants_write(const struct framing *f);
/* Bytes of the messages that wait, and their number. */
size_t framing_queued(const struct framing *f, size_t *messages);

#endif
