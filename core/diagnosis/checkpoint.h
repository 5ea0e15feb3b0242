/* SPDX-License-Identifier: MIT */
/*
 * All that a diagnosis knows as lines of text, and back into a new one of the same config: what is reported to both
 * from then on makes both say the same, word for word and at the same time.  A line is the name of a table and one of
 * its rows (fields.h).  The names here are those of the structs, so that whoever reads a checkpoint finds them
 * explained there.  Pure.
 */
#ifndef T3OPS_DIAGNOSIS_CHECKPOINT_H
#define T3OPS_DIAGNOSIS_CHECKPOINT_H

#include <stdio.h>

#include "diagnosis/diagnosis.h"

/* How many lines it would take, for those who have not much time. */
size_t checkpoint_lines(const struct diagnosis *d);
/* Each line ends with a newline; prefix is put before each. */
void checkpoint_write(const struct diagnosis *d, const char *prefix, FILE *out);
/* Puts one line, without prefix and newline, into a diagnosis that has just been made; changes the line.  Its lines
 * have to come in the order in which they were written.  0, -EINVAL: it is none; -ENOMEM. */
int checkpoint_read(struct diagnosis *d, char *line);

#endif
