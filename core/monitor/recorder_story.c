/* SPDX-License-Identifier: MIT */
/* The last two minutes, line by line; see recorder_story.h. */
#include "monitor/recorder_story.h"

#include <stdlib.h>
#include <string.h>

#include "monitor/recording_text.h"

#define BLOCK_BYTES (16u << 10) /* more only for a longer line */
#define BLOCK_TEXT  (64u << 10) /* of the lines in a block, as they are written: what goes at once */

/* Lines, of which each can be read when the ones before it in the block were. */
struct story_block {
	TAILQ_ENTRY(story_block) link;
	uint64_t first_us, last_us;
	size_t text, used, size;
	char bytes[];
};

struct line_head {
	uint32_t after_us; /* behind the block's first_us */
	uint32_t shared;   /* so many bytes at its beginning are those of the line before */
	uint32_t rest;     /* and so many follow here */
};

void recorder_story_init(struct recorder_story *s)
{
	TAILQ_INIT(&s->blocks);
}

static void oldest_forget(struct recorder_story *s)
{
	struct story_block *b = TAILQ_FIRST(&s->blocks);

	TAILQ_REMOVE(&s->blocks, b, link);
	s->bytes -= b->text;
	free(b);
}

void recorder_story_fini(struct recorder_story *s)
{
	while (!TAILQ_EMPTY(&s->blocks))
		oldest_forget(s);
	buf_fini(&s->last);
}

/* ---- adding -------------------------------------------------------------------------------------------- */

static size_t shared_bytes(const struct buf *last, const char *line, size_t len)
{
	const char *before = buf_at(last);
	size_t n = 0, max = buf_len(last) < len ? buf_len(last) : len;

	while (n < max && before[n] == line[n])
		n++;
	return n;
}

static bool fits(const struct story_block *b, uint64_t at_us, size_t need)
{
	return b && at_us >= b->first_us && at_us - b->first_us <= UINT32_MAX && need <= b->size - b->used &&
	       b->text < BLOCK_TEXT;
}

static struct story_block *block_new(struct recorder_story *s, uint64_t at_us, size_t need)
{
	size_t size = need < BLOCK_BYTES ? BLOCK_BYTES : need;
	struct story_block *b = malloc(sizeof *b + size);

	if (!b)
		return NULL;
	*b = (struct story_block){.first_us = at_us, .size = size};
	TAILQ_INSERT_TAIL(&s->blocks, b, link);
	return b;
}

static bool line_keep(struct recorder_story *s, uint64_t at_us, const char *line, size_t len)
{
	struct story_block *b = TAILQ_LAST(&s->blocks, story_blocks);
	struct line_head h = {.shared = (uint32_t)shared_bytes(&s->last, line, len)};

	buf_clear(&s->last);
	if (len > UINT32_MAX || !buf_add(&s->last, line, len))
		return false;
	if (!fits(b, at_us, sizeof h + len - h.shared)) {
		h.shared = 0;
		b = block_new(s, at_us, sizeof h + len);
	}
	if (!b)
		return false;
	h.after_us = (uint32_t)(at_us - b->first_us);
	h.rest = (uint32_t)len - h.shared;
	memcpy(b->bytes + b->used, &h, sizeof h);
	memcpy(b->bytes + b->used + sizeof h, line + h.shared, h.rest);
	b->used += sizeof h + h.rest;
	b->last_us = at_us;
	b->text += len;
	s->bytes += len;
	return true;
}

static bool is_old(const struct story_block *b, uint64_t now_us)
{
	return b->last_us + RECORDER_STORY_US < now_us;
}

void recorder_story_add(struct recorder_story *s, uint64_t at_us, const char *line, size_t len)
{
	while (!TAILQ_EMPTY(&s->blocks) && is_old(TAILQ_FIRST(&s->blocks), at_us))
		oldest_forget(s);
	if (!line_keep(s, at_us, line, len)) {
		s->left_out_us = at_us;
		buf_clear(&s->last); /* nothing is shared with what is not there */
		return;
	}
	while (s->bytes > RECORDER_STORY_BYTES) {
		s->left_out_us = TAILQ_FIRST(&s->blocks)->last_us;
		oldest_forget(s);
	}
}

/* ---- writing ------------------------------------------------------------------------------------------- */

/* line: it is made in; left as it was without memory. */
static bool block_write(const struct story_block *b, uint64_t zero_us, struct buf *line, FILE *out)
{
	struct line_head h;

	for (size_t at = 0; at < b->used; at += sizeof h + h.rest) {
		memcpy(&h, b->bytes + at, sizeof h);
		buf_cut(line, buf_len(line) - h.shared);
		if (!buf_add(line, b->bytes + at + sizeof h, h.rest))
			return false;
		if (b->first_us + h.after_us + RECORDER_STORY_US < zero_us)
			continue;
		fputs_unlocked("story", out);
		recording_offset_write(zero_us, b->first_us + h.after_us, out);
		putc_unlocked(' ', out);
		fwrite_unlocked(buf_at(line), 1, buf_len(line), out);
	}
	return true;
}

bool recorder_story_write(const struct recorder_story *s, uint64_t zero_us, FILE *out)
{
	const struct story_block *b;
	struct buf line = {0};
	bool whole = true;

	if (s->left_out_us + RECORDER_STORY_US >= zero_us && s->left_out_us > 0) {
		fputs("# story: more than 2 MiB in these 120 s: what is older than this is left out", out);
		recording_offset_write(zero_us, s->left_out_us, out);
		fputs("\n", out);
	}
	TAILQ_FOREACH (b, &s->blocks, link)
		whole = whole && block_write(b, zero_us, &line, out);
	buf_fini(&line);
	return whole;
}
