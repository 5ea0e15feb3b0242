/* SPDX-License-Identifier: MIT */
/* Reporting faults; see config_faults.h. */
#include "conf/config_faults.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "obs/log.h"

__attribute__((format(printf, 3, 0))) static void report(const struct config_faults *f, struct config_fault fault,
                                                         const char *fmt, va_list ap)
{
	char *text;

	if (vasprintf(&text, fmt, ap) < 0)
		abort(); /* at a start, or in a checking child */
	fault.text = text;
	f->report(f->arg, &fault);
	free(text);
}

void config_fault_error(const struct config_faults *f, enum conf_kind kind, const char *section, const char *option,
                        const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	report(f, (struct config_fault){CONFIG_ERROR, kind, section, option, NULL}, fmt, ap);
	va_end(ap);
}

void config_fault_warn(const struct config_faults *f, enum conf_kind kind, const char *section, const char *option,
                       const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	report(f, (struct config_fault){CONFIG_WARNING, kind, section, option, NULL}, fmt, ap);
	va_end(ap);
}

void config_fault_note(const struct config_faults *f, enum conf_kind kind, const char *section, const char *option,
                       const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	report(f, (struct config_fault){CONFIG_NOTE, kind, section, option, NULL}, fmt, ap);
	va_end(ap);
}

static void log_report(void *arg, const struct config_fault *fault)
{
	(void)arg;
	if (fault->severity == CONFIG_ERROR)
		log_write(LOG_L_ERROR, "start_failed", kv_plugin(fault->kind == CONF_PLUGIN ? fault->section : ""),
		          kv_option(fault->option ? fault->option : ""), kv_error(fault->text));
}

const struct config_faults config_faults_log = {.report = log_report};
