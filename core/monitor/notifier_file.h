/* SPDX-License-Identifier: MIT */
/* What notify sections still have to tell, in a file of state_dir that is replaced as a whole.  Monitor process, on
 * the loop: so it is not synced, and a loss of power may lose what waits. */
#ifndef T3OPS_MONITOR_NOTIFIER_FILE_H
#define T3OPS_MONITOR_NOTIFIER_FILE_H

#include <jansson.h>

/* 0 or -errno. */
int notifier_file_write(const char *state_dir, const json_t *sections);
/* New reference; NULL: there is none, or none that can be read, which is logged. */
json_t *notifier_file_read(const char *state_dir);

#endif
