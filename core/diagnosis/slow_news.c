/* SPDX-License-Identifier: MIT */
/* What is slow; see slow_news.h. */
#include "diagnosis/slow_news.h"

#include <errno.h>

int slow_news_look(struct diagnosis *d, uint64_t now_us)
{
	struct slow_report report;
	int r = slow_paths_look(&d->slow, &d->legs, d->topology, now_us, &report);

	if (r == 1)
		d->actions->slow(d->arg, &report);
	return r < 0 ? r : 0;
}

int slow_news_user(struct diagnosis *d, const char *user, bool slow, uint64_t now_us)
{
	const char *name = topology_name(d->topology, user);
	int r = name != NULL ? slow_paths_user(&d->slow, name, slow) : -ENOMEM;

	if (r < 0)
		return r;
	/* While nothing is slow, a user who is not either changes nothing: thousands may come at once. */
	return slow || d->slow.is ? slow_news_look(d, now_us) : 0;
}
