/* SPDX-License-Identifier: MIT */
/* What the page is drawn with: its style, its script, its icon.  Constants. */
#ifndef T3OPS_MONITOR_SITE_ASSETS_H
#define T3OPS_MONITOR_SITE_ASSETS_H

struct site_asset {
	const char *path, *type, *text;
};

/* NULL: there is none at that path. */
const struct site_asset *site_asset_find(const char *path);

#endif
