/* SPDX-License-Identifier: MIT */
/* What the monitor's own files share. */
#ifndef T3OPS_MONITOR_MONITOR_STATE_H
#define T3OPS_MONITOR_MONITOR_STATE_H

#include <ev.h>

#include "obs/throttle.h"
#include "diagnosis/clock_gap.h"
#include "diagnosis/diagnosis.h"
#include "monitor/journal.h"
#include "monitor/leg_details.h"
#include "monitor/local_server.h"
#include "monitor/pressure_history.h"
#include "monitor/pressure_watch.h"
#include "monitor/process_list.h"
#include "monitor/recorder.h"
#include "monitor/site_live.h"
#include "monitor/standing.h"
#include "monitor/uplink_watch.h"
#include "monitor/verdict_board.h"
#include "monitor/verdict_memory.h"
#include "monitor/verdict_ring.h"
#include "plugin_host/plugin_host.h"
#include "process/process.h"

struct control;
struct listings;
struct metrics_page;
struct testimonies;
struct notifier;
struct plugin_actions;
struct plugin_list;
struct readings;
struct roster;
struct server_look;

struct monitor {
	struct process *process;
	struct journal *journal;   /* NULL only while starting */
	struct readings *readings; /* long looks into it */
	struct diagnosis *diagnosis;
	struct recorder *recorder; /* of what the diagnosis is told */
	struct server_look *server_look;
	struct leg_details leg_details;
	uint64_t tick_wall_us;        /* since 1970: of its latest tick */
	struct verdict_ring verdicts; /* the last ones */
	struct verdict_board board;   /* those that stand */
	struct standing standing;     /* the same as metrics */
	struct verdict_memory memory; /* of them, for the next monitor */
	struct roster *roster;        /* who is connected */
	bool is_current;              /* a message came: the monitor before this one gives no more verdicts */
	struct plugin_host *plugins;  /* NULL: there are no watch plugins */
	struct notifier *notifier;
	struct plugin_list *plugin_list; /* of all processes */
	struct plugin_actions *actions;  /* of theirs; NULL with them */
	struct local_server *pages;      /* NULL: no such listener */
	struct testimonies *testimonies;
	struct metrics_page *metrics; /* that is being made for those who ask */
	struct listings *listings;    /* the same */
	unsigned user_pages;          /* that are being made */
	struct site_live live;        /* pages that are open */
	struct control *control;      /* NULL: no such listener */
	struct ev_timer due, sample;
	struct ev_prepare turn_end;
	struct process_list processes;
	struct msg_log_levels log_levels; /* that the operator chose */
	uint32_t prober_serial;      /* of the current prober, 0: not known yet; events of older ones are history */
	uint64_t started_us;         /* CLOCK_MONOTONIC */
	uint64_t gathering_us;       /* since 1970: since when evidence is gathered, if it is */
	bool is_due;                 /* something happened in this turn of the loop that nothing followed from yet */
	uint64_t due_us;             /* when `due` was to fire, 0: it is not set */
	struct clock_reading clocks; /* as they were looked at last */
	int64_t clock_jumped_us;     /* by the last look */
	struct uplink_watch uplink;  /* whether this machine has a network of its own */
	struct pressure_history pressure;
	struct pressure_watch pressure_watch;
	bool is_quiet;       /* nothing happens: the host is looked at now and then only */
	uint64_t stirred_us; /* CLOCK_MONOTONIC: when something happened last */
	struct series *network_gauge, *open_gauge, *lost_total, *capped_total;
	struct series *sign_in_refused_total;                     /* page_sign_in.c */
	struct series *host_refused_total, *status_evicted_total; /* pages.c, with what follows */
	struct throttle throttle;
	char host_name[256];
	uint64_t lost_counted, capped_counted;
	uint64_t life_told_us; /* CLOCK_MONOTONIC: the prober last heard of a sign of life */
};

#endif
