/* SPDX-License-Identifier: MIT */
/* The key that two t3ops share, from its file. */
#ifndef T3OPS_PLUGINS_PROBE_VANTAGE_VANTAGE_KEY_H
#define T3OPS_PLUGINS_PROBE_VANTAGE_VANTAGE_KEY_H

#include "probe_vantage/testimony.h"

/* NULL, or what is wrong with the file.  The first line counts, as for vantage_key_file of the other one. */
const char *vantage_key_read(const char *path, unsigned char out[TESTIMONY_KEY_BYTES]);

#endif
