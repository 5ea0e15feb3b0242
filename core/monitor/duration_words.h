/* SPDX-License-Identifier: MIT */
/* How long something took, as a person says it.  Pure. */
#ifndef T3OPS_MONITOR_DURATION_WORDS_H
#define T3OPS_MONITOR_DURATION_WORDS_H

#define DURATION_WORDS_SIZE 32

/* "80 ms", "0.4 s", "1 min 24 s", "2 h 3 min", "3 d 4 h". */
void duration_words(double seconds, char out[DURATION_WORDS_SIZE]);

#endif
