/* SPDX-License-Identifier: MIT */
/* What happened to users' tunnels and pages. */
#ifndef T3OPS_DIAGNOSIS_USER_NEWS_H
#define T3OPS_DIAGNOSIS_USER_NEWS_H

#include "diagnosis/diagnosis_state.h"
#include "diagnosis/tunnel_end.h"

/* A user's tunnel was opened. */
struct open_report {
	const char *user, *address, *colo;
	uint64_t opened_us; /* CLOCK_MONOTONIC: it may be heard of later */
};

/* A user's tunnel carries data. */
struct live_report {
	const char *user, *colo;
	uint64_t steady_us;           /* CLOCK_MONOTONIC: since when it is heard without a gap; 0: not said */
	uint64_t client_us, serve_us; /* CLOCK_MONOTONIC: when each side last sent something; 0: not said */
};

/* Each takes one report: 0, or -ENOMEM: it is lost as evidence. */
int user_news_tunnel_end(struct diagnosis *d, const struct end_report *r, uint64_t now_us);
int user_news_tunnel_open(struct diagnosis *d, const struct open_report *r, uint64_t now_us);
int user_news_tunnel_live(struct diagnosis *d, const struct live_report *r, uint64_t now_us);
/* A user's tunnel is open, and its page's heartbeat changed: late, silent, or on time again. */
int user_news_page(struct diagnosis *d, const char *user, const char *colo, const struct page_facts *facts,
                   uint64_t wall_us, uint64_t now_us);
/* The user's browser loaded a document; http2: over HTTP/2 or later. */
int user_news_navigation(struct diagnosis *d, const char *user, bool http2, uint64_t now_us);

#endif
