/* SPDX-License-Identifier: MIT */
/* How long a certificate is good for; see leg_certificate.h. */
#include "prober/leg_certificate.h"

#include "prober/leg_report.h"

#define DAY_US UINT64_C(86400000000)

enum certificate_state certificate_classify(uint64_t until_us, uint64_t now_us, uint64_t days)
{
	if (until_us <= now_us)
		return CERTIFICATE_EXPIRED;
	return until_us - now_us < days * DAY_US ? CERTIFICATE_EXPIRING : CERTIFICATE_GOOD;
}

static bool is_news(const struct leg_certificate *c, enum certificate_state state, uint64_t now_us)
{
	if (state == CERTIFICATE_GOOD)
		return c->state == CERTIFICATE_EXPIRING || c->state == CERTIFICATE_EXPIRED;
	return state != c->state || now_us >= c->reported_us + DAY_US;
}

void leg_certificate_see(struct t3ops_leg *leg, uint64_t until_us)
{
	struct leg_certificate *c = &leg->certificate;
	uint64_t now_us = clock_wall_us();
	enum certificate_state state = certificate_classify(until_us, now_us, leg->timing.certificate_days);
	bool news = is_news(c, state, now_us);

	if (until_us == 0)
		return;
	c->state = state;
	leg_metrics_certificate(&leg->metrics, ((double)until_us - (double)now_us) / (double)DAY_US);
	if (!news)
		return;
	c->reported_us = now_us;
	leg_report_certificate(leg, state, until_us);
}
