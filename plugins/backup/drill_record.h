/* SPDX-License-Identifier: MIT */
/* What became of a user's restore drills, in TO/USER/drill.json: backups go, and this stays. */
#ifndef T3OPS_PLUGINS_BACKUP_DRILL_RECORD_H
#define T3OPS_PLUGINS_BACKUP_DRILL_RECORD_H

#include <stdbool.h>

struct drill_record {
	long long succeeded_s, failed_s; /* since 1970: when one last did; 0: never */
	char error[300];                 /* of the last one that failed */
};

/* One that cannot be read is empty. */
void drill_record_read(int dir_fd, struct drill_record *record);
/* Atomically.  0 or -errno. */
int drill_record_write(int dir_fd, const struct drill_record *record);

/* Whether a drill is due every_us after the last one, whatever that became.  Pure. */
bool drill_record_is_due(const struct drill_record *record, long long every_us, long long now_s);

#endif
