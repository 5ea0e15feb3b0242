/* SPDX-License-Identifier: MIT */
/*
 * What one section alone cannot show: services that nobody provides, paths that nobody answers, names that fit
 * nowhere, lists that trust everyone or no one.  Runs after everything else was read without an error, in the child
 * that checks; knows plugins by what they declare only.
 */
#ifndef T3OPS_CONF_RELATIONS_H
#define T3OPS_CONF_RELATIONS_H

#include "conf/conf_scan.h"
#include "conf/config_faults.h"
#include "conf/resolved_config.h"
#include "plugin.h"

struct relations {
	const struct conf_scan *scan;
	const struct resolved_config *config;
	const struct t3ops_plugin *plugins; /* the descriptors of config->plugins */
	const struct config_faults *faults;
};

void relations_check(const struct relations *r);

#endif
