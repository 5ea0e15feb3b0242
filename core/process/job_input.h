/* SPDX-License-Identifier: MIT */
/*
 * What the process of a job's run is given (t3ops --run-job), as typed structs: the helper writes it, the process
 * reads it.  The text is one JSON object:
 *
 *   {"job":NAME,"sections":[the job's, and those that provide what it needs],
 *    "commands":[{"name","timeout_us","argv":[filled in for the
 * user]}],"requested":BOOL,"for_all":BOOL,"action":NAME,"arguments":{NAME:TEXT},"trusted":[networks of
 * trusted_upstreams], "user":{"name","os_user","uid","home","host","port","socket"}}
 */
#ifndef T3OPS_PROCESS_JOB_INPUT_H
#define T3OPS_PROCESS_JOB_INPUT_H

#include <jansson.h>

#include "conf/process_config.h"
#include "users/users.h"

/* What is to be done: a run, or an action. */
struct job_asked {
	bool requested;        /* somebody asked for it; else its time had come */
	bool for_all;          /* for every user, not for this one by name */
	const char *action;    /* "": a run */
	const char *arguments; /* of the action: a JSON object of texts; "": none */
};

struct job_input {
	struct process_config config; /* plugins and commands of this run; borrowed from the members below */
	size_t job;                   /* which of config.plugins */
	bool requested, for_all;      /* as job_asked */
	char action[32];
	json_t *arguments;
	char rehearsal[32]; /* what is rehearsed here (t3ops_host.rehearse); "": nothing */
	struct user user;
	struct text_list trusted; /* of trusted_upstreams */
	struct plugin_section *sections;
};

/* The text for a run of section `job` of a helper's config, NUL-terminated; trusted: trusted_upstreams.  NULL without
 * memory. */
char *job_input_make(const struct process_config *config, const struct plugin_section *job,
                     const struct job_asked *asked, const struct text_list *trusted, const struct user *user);
/* The same text for a rehearsal.  NULL without memory. */
char *job_input_rehearsal(const char *text, const char *name);
/* False: it is not exactly such a text, and *in is empty. */
bool job_input_read(struct job_input *in, const char *text, size_t len);
void job_input_fini(struct job_input *in);

#endif
