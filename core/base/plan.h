/* SPDX-License-Identifier: MIT */
/*
 * The plan: what t3ops.conf means, checked and typed, as JSON.  It is made once, in a throwaway
 * child, and cut into slices; a room reads nothing else, and a room whose slice did not change
 * is left alone by a reload.
 *
 * The child writes two lines.  The first is made before any plugin code runs, so nothing that a
 * plugin does can change what the runner may start:
 *
 *   {"version":1,"core":{OPTION:VALUE,...},"commands":{NAME:{"argv":[...],"timeout":us,"max_output":n}}}
 *   {"plugins":[{"name":"second_isp","module":"probe_cloudflare","room":2,"version":"0.1.0",
 *                "file":{"path":"/usr/lib/t3ops/probe_cloudflare.so","ino":1,"mtime_ns":1,"size":1},
 *                "options":{OPTION:VALUE,...},"per_user":bool (legs),"user_dirs":[PATH,...] (jobs)}]}
 *
 * options holds the core's leg or job options beside the plugin's own.  A slice is
 *
 *   {"core":{the options of that room},"commands":{...},"plugins":[those of that room],
 *    "legs":[{"name","segments":[],"edge","resolver_segments":[],"per_user":bool}],   desk only
 *    "sections":[{"name","module","room","version"}]}                                desk only
 *
 * commands: whole for the runner; for front and jobs with "timeout" only.  The runner's slice
 * lists the job plugins, and its core has what the child of a job needs (the options of jobs);
 * user_dirs are the values of options of type T3OPS_OPT_USER_DIR.  Which rooms run: front, legs
 * and jobs if a plugin of theirs is configured; desk always; runner with a command or a job.
 */
#ifndef T3OPS_BASE_PLAN_H
#define T3OPS_BASE_PLAN_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/message.h"

/* Text of a config file, read once; stays the truth for every restart until the next reload. */
struct conf_text {
	char *path;
	char *bytes; /* NUL-terminated */
	size_t len;
};
int conf_text_read(struct conf_text *t, const char *path); /* 0 or -errno */
void conf_text_fini(struct conf_text *t);

/* One complaint: complete, "t3ops.conf:12: plugin probe_internal: ...", without newline. */
typedef void (*plan_complain)(void *arg, const char *line);

/* Checks the text and loads its plugins (in this process: use a throwaway one).  become_user:
 * drop to core option `user` before the first plugin is loaded (only when root).  Returns 0 with
 * both documents (new references), or -EINVAL after every complaint that could be found. */
int plan_make(const struct conf_text *text, bool become_user, plan_complain complain, void *arg, json_t **core,
              json_t **plugins);

/* plan_make in a child, with a deadline; complaints and documents come back through pipes. */
int plan_make_in_child(const struct conf_text *text, plan_complain complain, void *arg, json_t **core,
                       json_t **plugins);

/* New reference; NULL if the room has nothing to do.  For the supervisor: its core options. */
json_t *plan_slice(const json_t *core, const json_t *plugins, enum room_id room);

/* The two stages of plan_make, for the child that must write the first document before the second
 * stage runs.  Each tells its complaints when it ends.  on_plugin hears of every plugin about to
 * be loaded; may be NULL. */
struct plan_work;
struct plan_work *plan_work_new(const struct conf_text *text, plan_complain complain, void *arg);
json_t *plan_work_core(struct plan_work *w);
json_t *plan_work_plugins(struct plan_work *w, const json_t *core, bool become_user,
                          void (*on_plugin)(void *arg, const char *what));
size_t plan_work_complaints(const struct plan_work *w);
void plan_work_free(struct plan_work *w);

/* Typed readers of slice["core"] and of options objects.  A missing key is our own mistake: assert. */
const char *plan_string(const json_t *options, const char *key);
int64_t plan_int(const json_t *options, const char *key);
bool plan_bool(const json_t *options, const char *key);
size_t plan_count(const json_t *options, const char *key);
const char *plan_item(const json_t *options, const char *key, size_t i);

#endif
