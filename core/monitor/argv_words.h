/* SPDX-License-Identifier: MIT */
/*
 * The arguments of somebody's program as words that may be shown to others: options by their names, paths and short
 * plain words.  What may be a secret, or what a user wrote, is three dots: what follows an option that names a
 * secret, or one of a single letter, which may name anything, what is written behind that letter or "=", addresses
 * with more than a host, words that are long, or mixed as keys are, and all that has a blank in it.  Pure.
 */
#ifndef T3OPS_MONITOR_ARGV_WORDS_H
#define T3OPS_MONITOR_ARGV_WORDS_H

#include <stddef.h>

/* argv: n bytes, each argument with a NUL behind it, as /proc/PID/cmdline has them. */
void argv_words(const char *argv, size_t n, char *out, size_t size);

#endif
