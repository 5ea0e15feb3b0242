/* SPDX-License-Identifier: MIT */
/* What a receiver's answer means for the batch it was sent.  Pure; the answer may say anything. */
#ifndef T3OPS_EXPORT_OTLP_ANSWER_H
#define T3OPS_EXPORT_OTLP_ANSWER_H

#include <stddef.h>
#include <stdint.h>

enum answer_fate {
	ANSWER_TAKEN,   /* all of it, or what `rejected` leaves */
	ANSWER_RETRY,   /* the same again, later */
	ANSWER_SMALLER, /* the same in smaller parts */
	ANSWER_REFUSED, /* never again */
};

/* status: of the response; 0 if there is none, then error is why.  As OTLP/HTTP has it: 429, 502, 503 and 504 are
 * worth another try, and so is no response; other statuses are not. */
enum answer_fate answer_judge(int error, int status);

/* Retry-After: seconds, or a date, relative to now_us since 1970.  In us, at most limit_us; 0: none that can be
 * read.  text may be NULL. */
uint64_t answer_retry_after_us(const char *text, uint64_t now_us, uint64_t limit_us);

/* How many records of n a receiver that took the others rejected, by its body; and what it says of them, one line
 * of printable text. */
size_t answer_rejected(const char *body, size_t len, size_t n, char *why, size_t size);

#endif
