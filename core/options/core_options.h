/* SPDX-License-Identifier: MIT */
/* The daemon's own option tables: what stands outside plugin sections in t3ops.conf. */
#ifndef T3OPS_OPTIONS_CORE_OPTIONS_H
#define T3OPS_OPTIONS_CORE_OPTIONS_H

#include "ipc/message.h"
#include "plugin.h"

/* An option of the daemon and the processes whose config of the plan holds it (1 << process_id). */
struct core_option {
	struct t3ops_option option;
	uint32_t processes;
};

extern const struct core_option core_options[];
extern const size_t n_core_options;

/* Of a command "NAME" { ... } section. */
extern const struct t3ops_option command_options[];
extern const size_t n_command_options;

/* Of every plugin section, whatever the plugin: module. */
extern const struct t3ops_option section_options[];
extern const size_t n_section_options;

/* Of every leg: segments, edge, heartbeat, watchdog, back-off.  The fallbacks of segments and
 * edge are replaced by the plugin's own (struct t3ops_plugin). */
extern const struct t3ops_option leg_options[];
extern const size_t n_leg_options;

/* Of every job: at, every, timeout. */
extern const struct t3ops_option job_options[];
extern const size_t n_job_options;

/* Not an option: what the check of proxy_secret_file leaves beside them, for the proxy. */
#define PROXY_SECRET_DIGEST "proxy_secret_digest"

#endif
