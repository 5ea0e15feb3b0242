/* SPDX-License-Identifier: MIT */
/* What every fuzz target is: one function over any bytes, which aborts when a promise is broken. */
#ifndef TESTS_FUZZ_H
#define TESTS_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

/* libFuzzer's entry; returns 0. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Also without NDEBUG's mercy. */
#define PROMISE(c)                                                                                                   \
	do {                                                                                                         \
		if (!(c)) {                                                                                          \
			fprintf(stderr, "%s:%d: broken: %s\n", __FILE__, __LINE__, #c);                              \
			abort();                                                                                     \
		}                                                                                                    \
	} while (0)

#endif
