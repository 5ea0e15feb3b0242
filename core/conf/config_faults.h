/* SPDX-License-Identifier: MIT */
/*
 * Where a configuration step reports what is wrong or doubtful with which option: the step of a process and that of a
 * plugin run in a check, whose reports get the line of the option, and at the start, whose errors are logged.
 */
#ifndef T3OPS_CONF_CONFIG_FAULTS_H
#define T3OPS_CONF_CONFIG_FAULTS_H

#include "conf/conf_scan.h"
#include "obs/config_errors.h"

struct config_fault {
	enum config_severity severity;
	enum conf_kind kind;
	const char *section; /* its title; NULL for CONF_CORE */
	const char *option;  /* NULL: the section as a whole */
	const char *text;
};

struct config_faults {
	void (*report)(void *arg, const struct config_fault *fault);
	void *arg;
};

/* All report what fmt makes; it quotes the value if that helps. */
void config_fault_error(const struct config_faults *f, enum conf_kind kind, const char *section, const char *option,
                        const char *fmt, ...) PRINTF_LIKE(5, 6);
void config_fault_warn(const struct config_faults *f, enum conf_kind kind, const char *section, const char *option,
                       const char *fmt, ...) PRINTF_LIKE(5, 6);
void config_fault_note(const struct config_faults *f, enum conf_kind kind, const char *section, const char *option,
                       const char *fmt, ...) PRINTF_LIKE(5, 6);

/* For the start of a process: logs errors, for nobody asks about warnings there. */
extern const struct config_faults config_faults_log;

#endif
