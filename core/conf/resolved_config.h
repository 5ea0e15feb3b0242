/* SPDX-License-Identifier: MIT */
/*
 * The plan: what t3ops.conf means, checked and typed, as JSON.  It is made once, in a throwaway
 * child, and cut into configs; a process reads nothing else, and a process whose config did not change
 * is left alone by a reload.
 *
 * The child writes two lines.  The first is made before any plugin code runs, so nothing that a
 * plugin does can change what the helper may start:
 *
 *   {"version":1,"core":{OPTION:VALUE,...},"commands":{NAME:{"argv":[...],"timeout":us,"max_output":n}}}
 *   {"plugins":[{"name":"second_isp","module":"probe_cloudflare","roles":2,"provides":"","needs":"",
 *                "version":"0.1.0",
 *                "file":{"path":"/usr/lib/t3ops/probe_cloudflare.so","ino":1,"mtime_ns":1,"size":1},
 *                "options":{OPTION:VALUE,...},"per_user":bool (legs),"user_dirs":[PATH,...] (jobs)}]}
 *
 * options holds the core's leg or job options beside the plugin's own.  A config is
 *
 *   {"core":{the options of that process},"commands":{...},"plugins":[those of that process],
 *    "legs":[{"name","segments":[],"edge","resolver_segments":[],"per_user":bool}],   monitor only
 *    "sections":[{"name","module","roles","version"}]}                                  monitor only
 *
 * A section is part of the config of every process that one of its roles belongs to, and of those where a
 * section that is there already needs a service that it provides.
 *
 * commands: whole for the helper; for proxy, prober and jobs with "timeout" only.  The helper's config
 * lists the job plugins, and its core has what the child of a job needs (the options of jobs);
 * user_dirs are the values of options of type T3OPS_OPT_USER_DIR.  Which processes run: proxy, legs
 * and jobs if a plugin of theirs is configured; monitor always; helper with a command or a job.
 */
#ifndef T3OPS_CONF_RESOLVED_CONFIG_H
#define T3OPS_CONF_RESOLVED_CONFIG_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ipc/message.h"

/* Text of a config file, read once; stays the truth for every restart until the next reload. */
struct conf_text {
	char *path;
	char *bytes; /* NUL-terminated */
	size_t len;
};
int conf_text_read(struct conf_text *t, const char *path); /* 0 or -errno */
void conf_text_fini(struct conf_text *t);

/* One config_error: complete, "t3ops.conf:12: plugin probe_internal: ...", without newline. */
typedef void (*config_error_cb)(void *arg, const char *line);

/* Checks the text and loads its plugins (in this process: use a throwaway one).  become_user:
 * drop to core option `user` before the first plugin is loaded (only when root).  Returns 0 with
 * both documents (new references), or -EINVAL after every config_error that could be found. */
int resolve(const struct conf_text *text, bool become_user, config_error_cb on_error, void *arg, json_t **core,
            json_t **plugins);

/* resolve in a child, with a deadline; config_errors and documents come back through pipes. */
int resolve_in_child(const struct conf_text *text, config_error_cb on_error, void *arg, json_t **core,
                     json_t **plugins);

/* Whether section `index` of the second document is loaded by that process (by the child of a job: PROCESS_JOBS),
 * for a role of its own or for a service that it provides. */
bool process_config_has(const json_t *plugins, size_t index, enum process_id process);

/* New reference; NULL if the process has nothing to do.  For the supervisor: its core options. */
json_t *process_config_make(const json_t *core, const json_t *plugins, enum process_id process);

/* The two stages of resolve, for the child that must write the first document before the second
 * stage runs.  Each tells its config_errors when it ends.  on_plugin hears of every plugin about to
 * be loaded; may be NULL. */
struct resolve;
struct resolve *resolve_begin(const struct conf_text *text, config_error_cb on_error, void *arg);
json_t *resolve_core(struct resolve *w);
json_t *resolve_plugins(struct resolve *w, const json_t *core, bool become_user,
                        void (*on_plugin)(void *arg, const char *what));
size_t resolve_errors(const struct resolve *w);
void resolve_end(struct resolve *w);

/* Whether a section (a row of "plugins") has the role. */
bool section_has_role(const json_t *section, enum t3ops_role role);

/* Typed readers of config["core"] and of options objects.  A missing key is our own mistake: assert. */
const char *config_string(const json_t *options, const char *key);
int64_t config_int(const json_t *options, const char *key);
bool config_bool(const json_t *options, const char *key);
size_t config_count(const json_t *options, const char *key);
const char *config_item(const json_t *options, const char *key, size_t i);

#endif
