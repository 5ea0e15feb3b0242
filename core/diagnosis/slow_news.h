/* SPDX-License-Identifier: MIT */
/* What became slow, or is no more: said where it is, as far as legs and pages can tell (slow_paths.h). */
#ifndef T3OPS_DIAGNOSIS_SLOW_NEWS_H
#define T3OPS_DIAGNOSIS_SLOW_NEWS_H

#include "diagnosis/diagnosis_state.h"

/* A leg became slow, or is no more.  0 or -ENOMEM. */
int slow_news_look(struct diagnosis *d, uint64_t now_us);
/* The page of a user did. */
int slow_news_user(struct diagnosis *d, const char *user, bool slow, uint64_t now_us);

#endif
