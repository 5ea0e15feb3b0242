/* SPDX-License-Identifier: MIT */
/* Frames followed whole and byte by byte: the same count, the same close. */
#include "net/ws_frames.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ws_frames whole = {0}, bytes = {0};

	ws_frames_read(&whole, data, size, NULL, NULL);
	for (size_t i = 0; i < size; i++)
		ws_frames_read(&bytes, data + i, 1, NULL, NULL);
	PROMISE(whole.messages == bytes.messages && whole.closed == bytes.closed);
	PROMISE(whole.garbage == bytes.garbage && whole.close_code == bytes.close_code);
	PROMISE(whole.messages <= size);
	PROMISE(whole.head_len <= WS_HEAD_MAX);
	if (!whole.garbage)
		PROMISE(ws_frames_at_boundary(&whole) == ws_frames_at_boundary(&bytes));
	return 0;
}
