/* SPDX-License-Identifier: MIT */
/* wslay's context while it is needed; see framing.h. */
#include "proxy/framing.h"

#define MASK_SIZE 4u

bool framing_open(struct framing *f, const struct framing_kind *kind)
{
	if (f->context)
		return true;
	if (wslay_event_context_server_init(&f->context, kind->callbacks, kind->arg) != 0) {
		f->context = NULL;
		return false;
	}
	wslay_event_config_set_max_recv_msg_length(f->context, kind->max_message);
	return true;
}

void framing_fini(struct framing *f)
{
	if (f->context)
		wslay_event_context_free(f->context);
	f->context = NULL;
}

static bool is_in_progress(const struct framing *f)
{
	return f->unread != 0 || f->fragmented || framing_wants_write(f);
}

static bool is_closing(wslay_event_context_ptr c)
{
	return wslay_event_get_close_received(c) || wslay_event_get_close_sent(c) ||
	       !wslay_event_get_read_enabled(c) || !wslay_event_get_write_enabled(c);
}

void framing_rest(struct framing *f)
{
	if (f->context && !is_in_progress(f) && !is_closing(f->context))
		framing_fini(f);
}

/* Of a frame that a client sent: its head is as short as it can be, else wslay refuses it. */
static int64_t frame_size(uint64_t payload)
{
	unsigned length = payload < 126 ? 0 : payload < 65536 ? 2 : 8;

	return (int64_t)(2 + length + MASK_SIZE + payload);
}

void framing_frame_begun(struct framing *f, const struct wslay_event_on_frame_recv_start_arg *frame)
{
	f->unread -= frame_size(frame->payload_length);
	if (!wslay_is_ctrl_frame(frame->opcode))
		f->fragmented = !frame->fin;
}

bool framing_wants_write(const struct framing *f)
{
	return f->context && wslay_event_want_write(f->context);
}

size_t framing_queued(const struct framing *f, size_t *messages)
{
	*messages = f->context ? wslay_event_get_queued_msg_count(f->context) : 0;
	return f->context ? wslay_event_get_queued_msg_length(f->context) : 0;
}
