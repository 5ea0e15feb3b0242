/* SPDX-License-Identifier: MIT */
/*
 * The story of the recorder: what happened in the last STORY_US, a line each, STORY_BYTES of text at most.  Thousands
 * of users may come at once, and their lines are much alike: of each is kept what the one before does not have.
 * Monitor process.
 */
#ifndef T3OPS_MONITOR_RECORDER_STORY_H
#define T3OPS_MONITOR_RECORDER_STORY_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/queue.h>

#include "sys/buf.h"

#define RECORDER_STORY_US    UINT64_C(120000000)
#define RECORDER_STORY_BYTES (2u << 20)

/* Zeroed and then initialized. */
struct recorder_story {
	TAILQ_HEAD(story_blocks, story_block) blocks; /* the oldest first; one goes when all of it is too old */
	size_t bytes;                                 /* of the lines, as they are written */
	struct buf last;                              /* the line that was added last */
	uint64_t left_out_us; /* up to when there was no room for lines; 0: none was left out */
};

void recorder_story_init(struct recorder_story *s);
void recorder_story_fini(struct recorder_story *s);

/* A line with its newline; at_us: CLOCK_MONOTONIC. */
void recorder_story_add(struct recorder_story *s, uint64_t at_us, const char *line, size_t len);
/* What is no older than STORY_US at zero_us, each line with how far from then it was.  False without memory. */
bool recorder_story_write(const struct recorder_story *s, uint64_t zero_us, FILE *out);

#endif
