/* SPDX-License-Identifier: MIT */
/* A run that steps back: low priorities, and pauses while the machine is under pressure. */
#ifndef T3OPS_PLUGINS_COMMON_GENTLE_H
#define T3OPS_PLUGINS_COMMON_GENTLE_H

#include <stdint.h>

/* While memory stalls some task for a fifth of the last 10 s, or disks stall all of them for half of it, a run
 * pauses; until half of its time is over, and only while the database's -wal file has not grown by GENTLE_WAL_MAX:
 * the snapshot that is being copied keeps t3 from starting its -wal file over. */
#define GENTLE_MEMORY_SOME 20.0
#define GENTLE_IO_FULL     50.0
#define GENTLE_WAL_MAX     (64LL << 20)

struct gentle {
	const char *pressure_dir; /* "/proc/pressure" */
	const char *wal;          /* path of the -wal file */
	uint64_t until_us;        /* no pause after it (CLOCK_MONOTONIC) */
	long long wal_before;     /* its size at the beginning */
	uint64_t looked_us;       /* when the pressure was read last */
	uint64_t paused_us;       /* in all */
};

/* Lowers this process's priorities for the CPU and for disks; what the kernel refuses stays. */
void gentle_priorities(void);

void gentle_begin(struct gentle *g, const char *wal, uint64_t until_us);
/* Called often: pauses for as long as it has to. */
void gentle_pause(struct gentle *g);
/* By how many bytes the -wal file has grown. */
long long gentle_wal_grown(const struct gentle *g);

/* avg10 of a line ("some" or "full") of a pressure file's text; 0 if it is not there.  Pure. */
double gentle_avg10(const char *text, const char *line);

#endif
