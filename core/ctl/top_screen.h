/* SPDX-License-Identifier: MIT */
/* A terminal that shows one picture after another, and is put back as it was. */
#ifndef T3OPS_CTL_TOP_SCREEN_H
#define T3OPS_CTL_TOP_SCREEN_H

#include <stdbool.h>
#include <stdio.h>
#include <termios.h>

struct screen {
	struct termios before;
	int signals; /* those that would end or stop the program come here */
	bool shown;
};

/* 0 or -errno; nothing has changed then. */
int screen_open(struct screen *s);
void screen_close(struct screen *s);
/* What to print goes to *out between the two. */
void screen_picture_begin(FILE *out);
void screen_picture_end(FILE *out);
int screen_lines(void);
/* Waits that long for a key: that, 0: time is up or the size is another one, -1: the end.  A signal that ends
 * programs ends this one, once the terminal is as it was; one that stops it stops it so. */
int screen_key(struct screen *s, int timeout_ms);

#endif
