/* SPDX-License-Identifier: MIT */
/*
 * The process of a run; see job_child.h.  It has a table of services like a process, with what a job
 * needs: options, clocks, log, its own user, report.  Metrics and events of a job come from the jobs
 * process, so those calls do nothing here; members for work on a loop are NULL, for there is no loop.
 */
#include "jobs/job_child.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "plugin_host/host_services.h"
#include "loader/loader.h"
#include "obs/log.h"

#define INPUT_MAX (64u << 10)

struct job_child {
	struct t3ops_instance instance; /* first: ctx->instance leads here */
	struct t3ops_host services;
	struct t3ops_user user;
	struct plugin_section section;
	json_t *input, *facts;
};

static struct job_child *child_of(struct t3ops_ctx *ctx)
{
	return (struct job_child *)ctx->instance;
}

/* ---- services -------------------------------------------------------------------------------- */

static void T3OPS_PRINTF(3, 4) report(struct t3ops_ctx *ctx, const char *key, const char *fmt, ...)
{
	char value[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(value, sizeof value, fmt, ap); /* a fact too long is cut */
	va_end(ap);
	json_object_set_new(child_of(ctx)->facts, key, json_stringn_nocheck(value, strlen(value)));
}

static bool user_find(struct t3ops_ctx *ctx, const char *name, struct t3ops_user *out)
{
	const struct job_child *c = child_of(ctx);

	if (strcmp(c->user.name, name) != 0)
		return false;
	*out = c->user;
	return true;
}

static void count(struct t3ops_ctx *ctx, unsigned metric, const char *const *labels, uint64_t add)
{
	(void)ctx, (void)metric, (void)labels, (void)add;
}

static void measure(struct t3ops_ctx *ctx, unsigned metric, const char *const *labels, double value)
{
	(void)ctx, (void)metric, (void)labels, (void)value;
}

static void emit(struct t3ops_ctx *ctx, const char *kind, const char *user, int code, const char *text)
{
	(void)ctx, (void)kind, (void)user, (void)code, (void)text;
}

static void services_fill(struct t3ops_host *s)
{
	host_services_fill(s);
	s->count = count;
	s->gauge = measure;
	s->observe = measure;
	s->emit = emit;
	s->user_find = user_find;
	s->report = report;
	s->timer_start = NULL;
	s->timer_stop = NULL;
	s->fetch = NULL;
	s->fetch_cancel = NULL;
	s->command = NULL;
	s->provide = NULL;
	s->service = NULL;
}

/* ---- from the input to the instance ------------------------------------------------------------ */

static json_t *input_read(int fd)
{
	char *text = malloc(INPUT_MAX);
	json_t *input = NULL;
	size_t len = 0;
	ssize_t n = 0;

	while (text && len < INPUT_MAX && (n = read(fd, text + len, INPUT_MAX - len)) > 0)
		len += (size_t)n;
	if (text && n == 0)
		input = json_loadb(text, len, 0, NULL);
	free(text);
	close(fd);
	return input;
}

static const char *text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "";
}

static void user_read(struct t3ops_user *u, const json_t *user)
{
	*u = (struct t3ops_user){.struct_size = sizeof *u,
	                         .name = text_of(user, "name"),
	                         .os_user = text_of(user, "os_user"),
	                         .home = text_of(user, "home"),
	                         .host = text_of(user, "host"),
	                         .port = (uint16_t)json_integer_value(json_object_get(user, "port"))};
}

/* 0, or -errno with the reason among the facts. */
static int child_load(struct job_child *c)
{
	const struct plugin_section *section = &c->section;
	struct t3ops_instance *i = &c->instance;
	char why[1024];
	int r;

	services_fill(&c->services);
	i->ctx = (struct t3ops_ctx){.host = &c->services, .instance = i, .name = section->name};
	i->section = section;
	r = loader_open_file(section->file.path, section->module, &i->plugin, why, sizeof why);
	if (r == 0 && !i->plugin.run) {
		snprintf(why, sizeof why, "%s is no job", i->plugin.name);
		r = -EINVAL;
	}
	if (r < 0)
		report(&i->ctx, "error", "%s", why);
	return r;
}

static bool input_take(struct job_child *c, int fd)
{
	c->input = input_read(fd);
	if (!c->input || !plugin_section_read(&c->section, json_object_get(c->input, "section")))
		return false;
	user_read(&c->user, json_object_get(c->input, "user"));
	return true;
}

static int child_run(struct job_child *c)
{
	const struct t3ops_plugin *p = &c->instance.plugin;
	struct t3ops_ctx *ctx = &c->instance.ctx;
	int r = p->init ? p->init(ctx) : 0;

	if (r != 0)
		return r < 0 ? r : -EINVAL;
	r = p->start ? p->start(ctx) : 0;
	if (r == 0)
		r = p->run(ctx, &c->user);
	if (p->stop)
		p->stop(ctx);
	return r <= 0 ? r : -EINVAL;
}

/* Our answer's way out; whatever the plugin prints must not mix with it. */
static int stdout_take(void)
{
	int out = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);

	if (out >= 0)
		dup2(STDERR_FILENO, STDOUT_FILENO);
	return out;
}

static int answer_write(int out, int result, json_t *facts)
{
	json_t *answer = json_pack("{s:i, s:O}", "result", result, "facts", facts);
	char *text = answer ? json_dumps(answer, JSON_COMPACT) : NULL;
	int n = text ? dprintf(out, "%s\n", text) : -1;

	free(text);
	json_decref(answer);
	return n < 0 ? -EIO : 0;
}

int job_child_main(int fd)
{
	struct job_child c = {.facts = json_object()};
	int out = stdout_take(), r;

	log_open("job", LOG_L_INFO);
	signal(SIGXFSZ, SIG_IGN); /* a full quota shall be an error of write(2) */
	signal(SIGPIPE, SIG_IGN);
	if (!input_take(&c, fd) || out < 0 || !c.facts) {
		log_write(LOG_L_ERROR, "job_input_missing",
		          kv_error(textf("descriptor %d holds no input; only the helper starts jobs", fd)));
		json_decref(c.input);
		json_decref(c.facts);
		return EXIT_FAILURE;
	}
	r = child_load(&c);
	if (r == 0)
		r = child_run(&c);
	if (answer_write(out, r, c.facts) < 0)
		r = -EIO;
	close(out);
	plugin_section_fini(&c.section);
	json_decref(c.input);
	json_decref(c.facts);
	return r == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
