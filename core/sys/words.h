/* SPDX-License-Identifier: MIT */
/* Words in a text, with spaces between, as in a plugin's descriptor: "pairing sessions".  Pure. */
#ifndef T3OPS_SYS_WORDS_H
#define T3OPS_SYS_WORDS_H

#include <stdbool.h>
#include <stddef.h>

/* The next word at or after *at, which moves behind it, cut to size; false: there is none. */
bool word_next(const char **at, char *out, size_t size);
/* Whether the word is one of them; words may be NULL. */
bool words_have(const char *words, const char *word);

#endif
