/* SPDX-License-Identifier: MIT */
/*
 * The process of a run; see job_child.h.  Its plugins get the services of every process.  Metrics and events of
 * a job come from the jobs process, so those calls do nothing here.  The loop turns only while `run` waits.
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

#include "jobs/own_command.h"
#include "jobs/rehearsal.h"
#include "process/job_input.h"
#include "process/upstream_dialer.h"
#include "plugin_host/host_actions.h"
#include "plugin_host/plugin_host.h"
#include "sys/utf8.h"

#define INPUT_MAX (1u << 20)

struct job_child {
	struct process process;
	struct job_input input;
	struct upstream_dialer *dialer;
	struct plugin_host *plugins;
	json_t *facts;
	json_t *rows;
	char *text;        /* of the input */
	json_t *rehearsed; /* facts of the last rehearsal */
	struct {
		uint64_t id; /* of the last request */
		bool is_answered;
		int error;
	} hold;
};

static struct job_child *child_of(struct t3ops_ctx *ctx)
{
	return plugin_host_process(ctx->instance->host)->state;
}

/* ---- services ----------------------------------------------------------------------------------------- */

/* Bytes that are no character, as where a text was cut, would make the whole answer no JSON. */
static void characters_keep(char *text)
{
	for (size_t len; *text != '\0'; text += len) {
		len = utf8_length(text);
		if (len == 0) {
			*text = '?';
			len = 1;
		}
	}
}

static void T3OPS_PRINTF(3, 4) report(struct t3ops_ctx *ctx, const char *key, const char *fmt, ...)
{
	char value[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(value, sizeof value, fmt, ap); /* a fact too long is cut */
	va_end(ap);
	characters_keep(value);
	json_object_set_new(child_of(ctx)->facts, key, json_string(value));
}

static void on_limit(struct ev_loop *loop, struct ev_timer *w, int revents)
{
	(void)loop, (void)revents;
	*(bool *)w->data = true;
}

static int wait_for(struct t3ops_ctx *ctx, const bool *done, uint64_t timeout_us)
{
	struct ev_loop *loop = child_of(ctx)->process.loop;
	bool over = false;
	struct ev_timer limit;

	ev_now_update(loop); /* it stood still while run worked */
	ev_timer_init(&limit, on_limit, (double)timeout_us / 1e6, 0.);
	limit.data = &over;
	ev_timer_start(loop, &limit);
	while (!*done && !over)
		ev_run(loop, EVRUN_ONCE);
	ev_timer_stop(loop, &limit);
	return *done ? 0 : -ETIMEDOUT;
}

static bool run_requested(struct t3ops_ctx *ctx)
{
	return child_of(ctx)->input.requested;
}

/* A text of the run's input; NULL: it is not there. */
static const char *argument(struct t3ops_ctx *ctx, const char *name)
{
	return json_string_value(json_object_get(child_of(ctx)->input.arguments, name));
}

static void report_row(struct t3ops_ctx *ctx)
{
	struct job_child *c = child_of(ctx);

	json_array_append_new(c->rows, json_deep_copy(c->facts));
	json_object_clear(c->facts);
}

static int rehearse(struct t3ops_ctx *ctx, const struct t3ops_rehearsal *what)
{
	struct job_child *c = child_of(ctx);
	char *text = job_input_rehearsal(c->text, what->name);
	const struct rehearsal r = {.input = text, .host = c->input.user.host, .what = what};
	int result;

	json_decref(c->rehearsed);
	c->rehearsed = NULL;
	result = text ? rehearsal_run(c->process.loop, &r, &c->rehearsed) : -ENOMEM;
	free(text);
	return result;
}

static const char *rehearsed(struct t3ops_ctx *ctx, const char *key)
{
	return json_string_value(json_object_get(child_of(ctx)->rehearsed, key));
}

static const char *const *command_argv(struct t3ops_ctx *ctx, const char *name)
{
	const struct process_command *command = process_command_find(&child_of(ctx)->input.config, name);

	return command && command->options.argv.n > 0 ? (const char *const *)command->options.argv.items : NULL;
}

static uint64_t command_here(struct t3ops_ctx *ctx, const char *name, const char *user, t3ops_ran_cb cb, void *arg)
{
	(void)user; /* this process's own */
	return own_command(&child_of(ctx)->process, ctx, name, cb, arg);
}

/* ---- commands of others ------------------------------------------------------------------------------- */

static int commands_hold(struct t3ops_ctx *ctx, uint64_t timeout_us)
{
	struct job_child *c = child_of(ctx);

	c->hold.id++;
	c->hold.is_answered = false;
	if (channel_send(c->process.channel, MSG_COMMANDS_HOLD, PROCESS_HELPER, c->hold.id, NULL, 0) < 0)
		return -EHOSTDOWN;
	return wait_for(ctx, &c->hold.is_answered, timeout_us) < 0 ? -ETIMEDOUT : c->hold.error;
}

static void commands_release(struct t3ops_ctx *ctx)
{
	struct job_child *c = child_of(ctx);

	channel_send(c->process.channel, MSG_COMMANDS_RELEASE, PROCESS_HELPER, 0, NULL, 0);
}

/* An answer to a request that was given up is late. */
static void on_held(struct job_child *c, const struct msg_head *head, const void *payload)
{
	struct msg_reply reply;

	if (head->id != c->hold.id || head->len < sizeof reply)
		return;
	memcpy(&reply, payload, sizeof reply);
	c->hold.error = reply.error;
	c->hold.is_answered = true;
}

/* ---- services of a run --------------------------------------------------------------------------------- */

/* A rehearsal meets nobody. */
static int commands_hold_here(struct t3ops_ctx *ctx, uint64_t timeout_us)
{
	(void)ctx, (void)timeout_us;
	return 0;
}

static void commands_release_here(struct t3ops_ctx *ctx)
{
	(void)ctx;
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

static void services_change(struct t3ops_host *s, bool rehearsal)
{
	if (rehearsal)
		s->command = command_here;
	s->commands_hold = rehearsal ? commands_hold_here : commands_hold;
	s->commands_release = rehearsal ? commands_release_here : commands_release;
	s->count = count;
	s->gauge = measure;
	s->observe = measure;
	s->emit = emit;
	s->report = report;
	s->wait = wait_for;
	s->run_requested = run_requested;
	s->argument = argument;
	s->report_row = report_row;
	s->rehearse = rehearse;
	s->rehearsed = rehearsed;
	s->command_argv = command_argv;
}

/* ---- the process --------------------------------------------------------------------------------------- */

static void on_message(void *arg, const struct msg_head *head, const void *payload)
{
	struct job_child *c = arg;

	if (head->type == MSG_COMMANDS_HELD)
		on_held(c, head, payload);
	else if (c->plugins)
		plugin_host_message(c->plugins, head, payload);
}

/* Commands that were asked for end at their own limit; the helper that starts next kills what it finds. */
static void on_helper_gone(void *arg)
{
	(void)arg;
}

static bool input_take(struct job_child *c, int fd)
{
	size_t len = 0;
	ssize_t n = 0;

	c->text = calloc(1, INPUT_MAX + 1);
	while (c->text && len < INPUT_MAX && (n = read(fd, c->text + len, INPUT_MAX - len)) > 0)
		len += (size_t)n;
	close(fd);
	return c->text && n == 0 && job_input_read(&c->input, c->text, len);
}

static bool child_init(struct job_child *c, int input_fd, int channel_fd)
{
	struct process *p = &c->process;

	if (!input_take(c, input_fd) || fcntl(channel_fd, F_SETFD, FD_CLOEXEC) < 0)
		return false;
	c->facts = json_object();
	c->rows = json_array();
	p->id = PROCESS_JOBS;
	p->config = &c->input.config;
	p->state = c;
	p->loop = ev_loop_new(EVFLAG_NOSIGMASK);
	p->channel = p->loop ? channel_new(p->loop, channel_fd, on_message, on_helper_gone, c) : NULL;
	return c->facts && c->rows && p->channel;
}

static void child_fini(struct job_child *c)
{
	plugin_host_free(c->plugins);
	upstream_dialer_free(c->dialer);
	channel_free(c->process.channel);
	if (c->process.loop)
		ev_loop_destroy(c->process.loop);
	json_decref(c->facts);
	json_decref(c->rows);
	json_decref(c->rehearsed);
	free(c->text);
	job_input_fini(&c->input);
}

/* ---- actions -------------------------------------------------------------------------------------------- */

static int act(struct job_child *c, struct t3ops_instance *i, const struct t3ops_user *user)
{
	char why[320];
	int r = host_action_check(&i->plugin, c->input.action, c->input.arguments, c->input.for_all, why, sizeof why);

	if (r < 0) {
		json_object_set_new(c->facts, "error", json_string(why));
		return r;
	}
	plugin_enter(i, "act");
	r = i->plugin.act(&i->ctx, user, c->input.action);
	plugin_leave(i);
	return r;
}

static int run_plainly(struct t3ops_instance *i, const struct t3ops_user *user)
{
	int r;

	plugin_enter(i, "run");
	r = i->plugin.run(&i->ctx, user);
	plugin_leave(i);
	return r;
}

static int rehearsal_play(struct job_child *c, struct t3ops_instance *i, const struct t3ops_user *user)
{
	int r;

	plugin_enter(i, "rehearse");
	r = i->plugin.rehearse ? i->plugin.rehearse(&i->ctx, user, c->input.rehearsal) : -ENOSYS;
	plugin_leave(i);
	return r;
}

static int job_do(struct job_child *c, struct t3ops_instance *i, const struct t3ops_user *user)
{
	if (c->input.rehearsal[0] != '\0')
		return rehearsal_play(c, i, user);
	return c->input.action[0] != '\0' ? act(c, i, user) : run_plainly(i, user);
}

static int run(struct job_child *c)
{
	struct t3ops_instance *i;
	struct t3ops_user user;
	int r;

	c->dialer = upstream_dialer_new(&c->process, &c->input.trusted);
	c->plugins = c->dialer ? plugin_host_new(&c->process, NULL, c->dialer) : NULL;
	if (!c->plugins) {
		json_object_set_new(c->facts, "error",
		                    json_string("a plugin of the job cannot be loaded; the log says why"));
		return -ENOEXEC;
	}
	plugin_host_set_user(c->plugins, &c->input.user);
	services_change(plugin_host_services(c->plugins), c->input.rehearsal[0] != '\0');
	r = plugin_host_start(c->plugins);
	if (r < 0)
		return r;
	i = plugin_host_at(c->plugins, c->input.job);
	plugin_user(&c->input.user, &user);
	r = job_do(c, i, &user);
	plugin_host_stop(c->plugins);
	return r <= 0 ? r : -EINVAL;
}

/* Our answer's way out; whatever a plugin prints must not mix with it. */
static int stdout_take(void)
{
	int out = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);

	if (out >= 0)
		dup2(STDERR_FILENO, STDOUT_FILENO);
	return out;
}

static int answer_write(int out, int result, const struct job_child *c)
{
	json_t *answer = json_pack("{s:i, s:O, s:O}", "result", result, "facts", c->facts, "rows", c->rows);
	char *text = answer ? json_dumps(answer, JSON_COMPACT) : NULL;
	int n = text ? dprintf(out, "%s\n", text) : -1;

	free(text);
	json_decref(answer);
	return n < 0 ? -EIO : 0;
}

int job_child_main(int input_fd, int channel_fd)
{
	struct job_child c = {.process = {.id = PROCESS_JOBS}};
	int out = stdout_take(), r;

	log_open("job", LOG_L_INFO);
	signal(SIGXFSZ, SIG_IGN); /* a full quota shall be an error of write(2) */
	signal(SIGPIPE, SIG_IGN);
	if (out < 0 || !child_init(&c, input_fd, channel_fd)) {
		log_write(LOG_L_ERROR, "job_input_missing",
		          kv_error(textf("descriptors %d and %d are not a job's input and channel; only the helper "
		                         "starts jobs",
		                         input_fd, channel_fd)));
		child_fini(&c);
		return EXIT_FAILURE;
	}
	r = run(&c);
	if (answer_write(out, r, &c) < 0)
		r = -EIO;
	close(out);
	child_fini(&c);
	return r == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
