/* SPDX-License-Identifier: MIT */
/* The line and the counter; see tunnel_full.h. */
#include "ipc/tunnel_full.h"

#include "obs/log.h"

static const struct {
	const char *label, *error, *hint;
} limits[] = {
    [TUNNEL_LIMIT_SLOTS] = {"slots", "the table of tunnels of this worker has no free slot", "raise workers"},
    [TUNNEL_LIMIT_DESCRIPTORS] = {"descriptors", "the supervisor has no descriptors left for their copies",
                                  "raise LimitNOFILE"},
};

void tunnel_full_init(struct tunnel_full *f, struct metrics *m, enum tunnel_limit limit)
{
	static const struct t3ops_metric family = {
	    .name = "t3ops_tunnels_not_stored_total",
	    .type = T3OPS_COUNTER,
	    .labels = {"limit"},
	    .help = "WebSockets that would not survive a crash of the proxy, for there was no room to store them."};

	*f = (struct tunnel_full){.limit = limit};
	f->series = metrics_series(m, &family, NULL, NULL, (const char *[]){limits[limit].label});
}

void tunnel_full_report(struct tunnel_full *f)
{
	series_add(f->series, 1);
	if (!f->reported)
		log_write(LOG_L_WARNING, "fd_store_full", kv_error(limits[f->limit].error),
		          kv_effect("further WebSockets do not survive a crash of the proxy"),
		          kv_hint(textf("%s; t3ops_tunnels_not_stored_total counts them", limits[f->limit].hint)));
	f->reported = true;
}
