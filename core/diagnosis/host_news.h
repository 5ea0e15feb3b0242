/* SPDX-License-Identifier: MIT */
/* What happened to the host, or to processes of ours, and what it explains. */
#ifndef T3OPS_DIAGNOSIS_HOST_NEWS_H
#define T3OPS_DIAGNOSIS_HOST_NEWS_H

#include "diagnosis/diagnosis_state.h"

/* A process was frozen, or a clock has a gap.  This and the next: 0, or -ENOMEM: it is lost as evidence. */
int host_news_take(struct diagnosis *d, const struct host_event *e, uint64_t now_us);
int host_news_pressure(struct diagnosis *d, const struct pressure *sample);
/* A proxy of ours died at mono_us; hung: it was killed, for it did not answer. */
int host_news_proxy_gone(struct diagnosis *d, bool hung, uint64_t mono_us, uint64_t now_us);
/* Whether the host explains a round trip of a leg, or a wait of a page, which then says nothing of the path. */
bool host_news_explains(const struct diagnosis *d, bool of_leg, uint64_t waited_us, uint64_t at_us);

#endif
