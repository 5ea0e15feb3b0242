/* SPDX-License-Identifier: MIT */
/*
 * t3opsctl: asks a running t3ops over its control socket and prints the answer.  A program of its
 * own; knows the socket and nothing of the daemon's inside.
 */
#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ctl/doctor.h"
#include "ctl/init.h"
#include "ctl/link.h"
#include "ctl/local_time.h"
#include "ctl/print.h"
#include "ctl/print_plugins.h"
#include "ctl/text.h"
#include "ctl/print_story.h"
#include "ctl/print_users.h"
#include "ctl/top.h"
#include "sys/clock.h"

#define AGAIN_FOR_US UINT64_C(10000000) /* a reload has put the next monitor in place by then */
#define TIMEOUT_S    30

static const char usage[] =
    "usage: t3opsctl [-s SOCKET] [-j] [--utc] COMMAND\n"
    "       init [--help]              write a first configuration, and snippets for the proxy and the sign-in\n"
    "       doctor [--help]            check the whole installation, and say what to do\n"
    "       why [USER] [--at TIME | --last]  whose fault it was: the story of one drop, of the last one unless told\n"
    "       show ID                    the same of that verdict\n"
    "       incident export ID         the recording of that incident, for a file: t3ops replay FILE reads it\n"
    "       verdicts --since TIME [--user USER] [--segment SEGMENT]  one line a verdict, with durations\n"
    "       users                      who is connected since when, when each of them last dropped\n"
    "       top [--once]               the same live: tunnels, bytes a second, heartbeats\n"
    "       watch                      how things are now, then news in words as they come\n"
    "       status                     processes, legs, the last verdict\n"
    "       legs                       the permanent probes and their state\n"
    "       plugins                    what is configured, where it runs, which callbacks took too long\n"
    "       verdicts [-n N] [-f]       which segment broke, oldest first; -f: wait for more\n"
    "       verdicts --standing        those that have not ended, or ended a few minutes ago\n"
    "       events [-n N] [-k KIND] [-f]  the journal, oldest first\n"
    "       metrics                    as Prometheus reads them\n"
    "       log-level [LEVEL] [--process NAME]  what is logged; LEVEL lasts until the next reload\n"
    "       run JOB [USER]             run a job section now, for all users or one\n"
    "       PLUGIN now [USER]          the same for every section of that plugin\n"
    "       PLUGIN ACTION [USER] [--NAME[=VALUE]]...  what else that plugin can do: its manual page lists it\n"
    "       reload                     check the configuration, then apply it\n"
    "TIME is local: 14:03, \"2026-11-27 14:03\"; or UTC with a Z behind; or so long ago: 90m, 24h, 7d\n"
    "Times are printed in local time, with --utc in UTC; the zone is named.  JSON has UTC.\n"
    "SOCKET is " T3OPS_RUNSTATEDIR "/t3ops/control.sock unless given; -j prints JSON.  See t3opsctl(8).\n";

struct asked {
	const char *socket, *kind, *user, *segment, *process;
	const char *since, *at;   /* as typed */
	uint64_t since_us, at_us; /* 0: not given */
	long limit;
	bool json, follow, standing;
	char given[16]; /* letters of the options that only some commands take, see only_long */
};

/* Options without a letter on the command line, by the letter that stands for them in `given`. */
static const struct {
	char letter;
	const char *name;
} only_long[] = {{'S', "standing"}, {'T', "since"}, {'U', "user"},   {'G', "segment"},
                 {'A', "at"},       {'L', "last"},  {'P', "process"}};

/* A command: how its request is made and its answer printed. */
struct command {
	const char *name;
	void (*print)(FILE *out, const json_t *result);
	unsigned timeout_s; /* 0: as long as it takes */
	const char *takes;  /* as asked.given */
	const char *news;   /* what -f waits for: the member that holds it */
	void (*print_news)(FILE *out, const json_t *one);
};

static const struct command commands[] = {
    {"status", print_status, TIMEOUT_S, "", NULL, NULL},
    {"legs", print_legs, TIMEOUT_S, "", NULL, NULL},
    {"plugins", print_plugins, TIMEOUT_S, "", NULL, NULL},
    {"why", print_story, TIMEOUT_S, "AL", NULL, NULL},
    {"show", print_story, TIMEOUT_S, "", NULL, NULL},
    {"incident", print_recording, TIMEOUT_S, "", NULL, NULL},
    {"users", print_users, TIMEOUT_S, "", NULL, NULL},
    {"watch", print_watch, TIMEOUT_S, "", "news", print_news},
    {"verdicts", print_verdicts, TIMEOUT_S, "nfSTUG", "verdict", print_verdict},
    {"events", print_events, TIMEOUT_S, "nkf", "event", print_event},
    {"metrics", print_text, TIMEOUT_S, "", NULL, NULL},
    {"log-level", print_log_levels, TIMEOUT_S, "P", NULL, NULL},
    {"run", print_text, 0, "", NULL, NULL},
    {"reload", print_text, 0, "", NULL, NULL},
};

/* After the line that says what is wrong, which may be getopt's. */
static int usage_print(void)
{
	fputs("Try: t3opsctl --help\n", stderr);
	return 2;
}

__attribute__((format(printf, 1, 2))) static int usage_error(const char *fmt, ...)
{
	va_list ap;

	fputs("t3opsctl: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	return usage_print();
}

static int failed(const char *what, const char *why)
{
	fprintf(stderr, "t3opsctl: %s: ", what);
	text_put(stderr, why, 0); /* perhaps a user's own words */
	fputc('\n', stderr);
	return EXIT_FAILURE;
}

static void json_print(const json_t *o)
{
	json_dumpf(o, stdout, JSON_INDENT(2) | JSON_ENCODE_ANY | JSON_REAL_PRECISION(12));
	fputc('\n', stdout);
}

/* The lines after the answer, until the daemon ends. */
static int follow(struct link *l, const struct command *c, bool json)
{
	json_t *line;

	while (fflush(stdout) == 0 && (line = link_receive(l)) != NULL) {
		if (json)
			json_print(json_object_get(line, c->news));
		else
			c->print_news(stdout, json_object_get(line, c->news));
		json_decref(line);
	}
	return failed(c->name, errno != 0 ? strerror(errno) : "t3ops closed the connection");
}

static void result_print(const struct command *c, const struct asked *a, const json_t *result)
{
	if (a->json)
		json_print(result);
	else
		c->print(stdout, result);
}

/* The rows of an action are more than its text. */
static bool is_said_by(const json_t *result, const char *error)
{
	const json_t *text = json_is_object(result) ? json_object_get(result, "text") : result;

	return error != NULL && json_array_size(json_object_get(result, "rows")) == 0 && json_is_string(text) &&
	       strcmp(json_string_value(text), error) == 0;
}

/* A refusal may have a result, too: what an action did before it failed. */
static int answer_print(const struct command *c, const struct asked *a, const json_t *answer)
{
	const json_t *result = json_object_get(answer, "result");
	const char *error = json_string_value(json_object_get(answer, "error"));
	bool ok = json_is_true(json_object_get(answer, "ok"));

	if (ok || (result != NULL && (a->json || !is_said_by(result, error))))
		result_print(c, a, result);
	if (fflush(stdout) != 0)
		return EXIT_FAILURE;
	return ok ? EXIT_SUCCESS : failed(c->name, error != NULL ? error : "refused without a reason");
}

/* Long answers come in parts before their result, which is to have them, then. */
static json_t *answer_receive(struct link *l)
{
	char *text = NULL;
	size_t len = 0;
	FILE *parts = open_memstream(&text, &len);
	json_t *answer;

	while (parts != NULL && (answer = link_receive(l)) != NULL && json_object_get(answer, "part") != NULL) {
		fputs(text_get(answer, "part"), parts);
		json_decref(answer);
	}
	if (parts == NULL || fclose(parts) != 0) {
		errno = ENOMEM;
		return NULL;
	}
	if (answer != NULL && len > 0)
		json_object_set_new(json_object_get(answer, "result"), "text", json_stringn(text, len));
	free(text);
	return answer;
}

/* A monitor that leaves did nothing, and the next one is about to listen. */
#define ASK_AGAIN (-1)

/* An exit code; ASK_AGAIN if it may be asked again and that helps. */
static int talk(struct link *l, const struct command *c, const struct asked *a, const json_t *request, bool may_again)
{
	int r = link_send(l, request);
	json_t *answer = r == 0 ? answer_receive(l) : NULL;

	if (r < 0)
		return failed(a->socket, strerror(-r));
	if (answer == NULL)
		return failed(a->socket, errno == EAGAIN ? "no answer in time"
		                         : errno != 0    ? strerror(errno)
		                                         : "t3ops closed the connection without an answer");
	if (may_again && json_is_true(json_object_get(answer, "again")))
		r = ASK_AGAIN;
	else
		r = answer_print(c, a, answer);
	json_decref(answer);
	return r == EXIT_SUCCESS && a->follow ? follow(l, c, a->json) : r;
}

static int ask_once(const struct command *c, const struct asked *a, const json_t *request, bool may_again)
{
	struct link l = {.fd = -1};
	int r = link_open(&l, a->socket, a->follow ? 0 : c->timeout_s);

	if (r < 0)
		return failed(a->socket, link_refusal(r));
	r = talk(&l, c, a, request, may_again);
	link_close(&l);
	return r;
}

/* Asks those that follow, for AGAIN_FOR_US at most, so that no script needs a loop of its own. */
static int ask(const struct command *c, const struct asked *a, json_t *request)
{
	static const struct timespec pause = {.tv_nsec = 100000000};
	uint64_t until_us = clock_mono_us() + AGAIN_FOR_US;
	int r;

	while ((r = ask_once(c, a, request, clock_mono_us() < until_us)) == ASK_AGAIN)
		nanosleep(&pause, NULL);
	json_decref(request);
	return r;
}

/* key: job, a section; or plugin, all sections of it. */
static json_t *run_request(const char *key, const char *name, const char *user)
{
	return json_pack("{s:s, s:s, s:s}", "command", "run", key, name, "user", user);
}

static json_t *list_request(const struct command *c, const struct asked *a)
{
	return json_pack("{s:s, s:s, s:I, s:b, s:b}", "command", c->name, "kind", a->kind, "limit",
	                 (json_int_t)a->limit, "follow", a->follow, "standing", a->standing);
}

static bool limit_parse(const char *text, long *out)
{
	char *end;

	*out = strtol(text, &end, 10);
	return end != text && *end == '\0' && *out > 0;
}

static void given_add(struct asked *a, char letter)
{
	if (strchr(a->given, letter) == NULL)
		a->given[strlen(a->given)] = letter;
}

static bool time_read(const char *text, uint64_t *wall_us)
{
	return text == NULL || local_time_read(text, wall_us);
}

/* Once it is known of which zone they are.  0, or what to return, plus one. */
static int times_read(struct asked *a)
{
	static const char expected[] = "%s: expected a time: 14:03, \"2026-11-27 14:03\", 24h";

	if (!time_read(a->since, &a->since_us))
		return 1 + usage_error(expected, a->since);
	if (!time_read(a->at, &a->at_us))
		return 1 + usage_error(expected, a->at);
	return 0;
}

/* The options at the beginning of argv, "+" in front of how: those before the first word; else all of them, the words
 * behind them.  0: go on; else what to return, plus one. */
static int options_read(int argc, char **argv, const char *how, struct asked *a)
{
	static const struct option options[] = {
	    {"socket", required_argument, NULL, 's'},  {"json", no_argument, NULL, 'j'},
	    {"follow", no_argument, NULL, 'f'},        {"kind", required_argument, NULL, 'k'},
	    {"limit", required_argument, NULL, 'n'},   {"version", no_argument, NULL, 'V'},
	    {"help", no_argument, NULL, 'h'},          {"standing", no_argument, NULL, 'S'},
	    {"since", required_argument, NULL, 'T'},   {"user", required_argument, NULL, 'U'},
	    {"segment", required_argument, NULL, 'G'}, {"at", required_argument, NULL, 'A'},
	    {"last", no_argument, NULL, 'L'},          {"process", required_argument, NULL, 'P'},
	    {"utc", no_argument, NULL, 'Z'},           {0}};
	int c;

	while ((c = getopt_long(argc, argv, how, options, NULL)) != -1) {
		switch (c) {
		case 's':
			a->socket = optarg;
			break;
		case 'j':
			a->json = true;
			break;
		case 'f':
			a->follow = true;
			break;
		case 'S':
			a->standing = true;
			break;
		case 'k':
			a->kind = optarg;
			break;
		case 'n':
			if (!limit_parse(optarg, &a->limit))
				return 1 + usage_error("-n %s: expected a number above 0", optarg);
			break;
		case 'T':
			a->since = optarg;
			break;
		case 'A':
			a->at = optarg;
			break;
		case 'Z':
			local_time_utc();
			break;
		case 'U':
			a->user = optarg;
			break;
		case 'G':
			a->segment = optarg;
			break;
		case 'P':
			a->process = optarg;
			break;
		case 'L':
			break; /* it is what is meant without --at */
		case 'V':
			puts("t3opsctl " PACKAGE_VERSION);
			return 1;
		case 'h':
			fputs(usage, stdout);
			return 1;
		default:
			return 1 + usage_print();
		}
		if (strchr("fknSTUGALP", c) != NULL)
			given_add(a, (char)c);
	}
	return times_read(a);
}

static const char *long_name(char letter)
{
	for (size_t i = 0; i < sizeof only_long / sizeof only_long[0]; i++)
		if (only_long[i].letter == letter)
			return only_long[i].name;
	return NULL;
}

/* 0, or what to return, after the usage error. */
static int options_check(const char *name, const char *takes, const struct asked *a)
{
	for (const char *given = a->given; *given != '\0'; given++) {
		const char *of_letter = long_name(*given);

		if (strchr(takes, *given) == NULL)
			return of_letter != NULL ? usage_error("%s takes no --%s", name, of_letter)
			                         : usage_error("%s takes no -%c", name, *given);
	}
	return 0;
}

/* --NAME=VALUE, --NAME VALUE or --NAME: into arguments.  How many words that took; 0: it is none of them. */
static int argument_read(char **words, int n, json_t *arguments)
{
	const char *name = words[0] + 2, *equals = strchr(name, '=');
	bool next = equals == NULL && n > 1 && words[1][0] != '-';
	char key[64];

	snprintf(key, sizeof key, "%.*s", (int)strcspn(name, "="), name);
	if (strncmp(words[0], "--", 2) != 0 || key[0] == '\0')
		return 0;
	json_object_set_new(arguments, key, json_string(equals != NULL ? equals + 1 : next ? words[1] : ""));
	return next ? 2 : 1;
}

/* PLUGIN ACTION [USER] [--NAME[=VALUE]]... */
static int action_ask(struct asked *a, char **words, int n)
{
	const struct command action = {words[1], print_rows, 0, "", NULL, NULL};
	bool has_user = n > 2 && words[2][0] != '-';
	json_t *arguments = json_object(), *request = run_request("plugin", words[0], has_user ? words[2] : "");

	for (int i = has_user ? 3 : 2, took; i < n; i += took) {
		if (strcmp(words[i], "-j") == 0 || strcmp(words[i], "--json") == 0) {
			a->json = true;
			took = 1;
			continue;
		}
		took = argument_read(words + i, n - i, arguments);
		if (took == 0) {
			json_decref(arguments);
			json_decref(request);
			return usage_error("unexpected argument: %s", words[i]);
		}
	}
	json_object_set_new(request, "action", json_string(words[1]));
	json_object_set_new(request, "arguments", arguments);
	return ask(&action, a, request);
}

/* What is no command: PLUGIN now [USER], or another action. */
static int plugin_ask(struct asked *a, char **words, int n)
{
	const struct command run = {words[0], print_text, 0, "", NULL, NULL};
	int r;

	if (n == 0)
		return usage_error("a command is missing");
	if (n == 1)
		return usage_error("no such command: %s; of a plugin, say an action, too: %s now", words[0],
		                   words[0]);
	r = options_check(words[1], "", a);
	if (r != 0)
		return r;
	if (strcmp(words[1], "now") != 0)
		return action_ask(a, words, n);
	if (n > 2 && words[2][0] == '-')
		return usage_error("now takes no %s", words[2]);
	if (n > 3)
		return usage_error("unexpected argument: %s", words[3]);
	return ask(&run, a, run_request("plugin", words[0], n == 3 ? words[2] : ""));
}

/* why [USER], of the last drop or of one at a moment */
static int why(const struct command *c, const struct asked *a, char **words, int n)
{
	if (n > 1)
		return usage_error("unexpected argument: %s", words[1]);
	if (a->at_us != 0 && strchr(a->given, 'L') != NULL)
		return usage_error("--at and --last: one of them");
	return ask(c, a,
	           json_pack("{s:s, s:s, s:I}", "command", "why", "user", n == 1 ? words[0] : "", "at",
	                     (json_int_t)a->at_us));
}

/* show ID */
static int show(const struct command *c, const struct asked *a, char **words, int n)
{
	long id;

	if (n == 0)
		return usage_error("show needs the number of a verdict");
	if (n > 1)
		return usage_error("unexpected argument: %s", words[1]);
	if (!limit_parse(words[0], &id))
		return usage_error("%s: expected the number of a verdict", words[0]);
	return ask(c, a, json_pack("{s:s, s:I}", "command", "why", "id", (json_int_t)id));
}

/* verdicts --since, or --user, or --segment: of a week then. */
static int verdicts_since(struct command c, const struct asked *a)
{
	uint64_t since_us = a->since_us;

	if (a->follow || a->standing)
		return usage_error("--since, --user and --segment go with neither -f nor --standing");
	if (since_us == 0 && !local_time_read("7d", &since_us))
		return failed("clock", "it is not set");
	c.print = print_verdict_rows;
	return ask(&c, a,
	           json_pack("{s:s, s:I, s:s, s:s, s:I}", "command", "verdicts", "since", (json_int_t)since_us,
	                     "user", a->user, "segment", a->segment, "limit", (json_int_t)a->limit));
}

/* incident export ID */
static int incident(const struct command *c, const struct asked *a, char **words, int n)
{
	long id;

	if (n != 2 || strcmp(words[0], "export") != 0)
		return usage_error("incident takes: export ID");
	if (!limit_parse(words[1], &id))
		return usage_error("%s: expected the number of an incident", words[1]);
	return ask(c, a, json_pack("{s:s, s:I}", "command", "incident", "id", (json_int_t)id));
}

/* Until somebody ends it. */
static int watch(const struct command *c, struct asked a)
{
	a.follow = true;
	return ask(c, &a, list_request(c, &a));
}

/* log-level [LEVEL] [--process NAME] */
static int log_level(const struct command *c, const struct asked *a, char **words, int n)
{
	if (n > 1)
		return usage_error("unexpected argument: %s", words[1]);
	if (n == 0 && a->process[0] != '\0')
		return usage_error("--process goes with a level");
	return ask(c, a,
	           json_pack("{s:s, s:s, s:s}", "command", "log-level", "level", n == 1 ? words[0] : "", "process",
	                     a->process));
}

/* run JOB [USER] */
static int run_job(const struct command *c, const struct asked *a, char **words, int n)
{
	if (n == 0)
		return usage_error("run needs a job");
	if (n > 2)
		return usage_error("unexpected argument: %s", words[2]);
	return ask(c, a, run_request("job", words[0], n == 2 ? words[1] : ""));
}

static int command_run(struct command c, const struct asked *a, char **words, int n)
{
	int r = options_check(c.name, c.takes, a);

	if (r != 0)
		return r;
	if (strcmp(c.name, "run") == 0)
		return run_job(&c, a, words, n);
	if (strcmp(c.name, "log-level") == 0)
		return log_level(&c, a, words, n);
	if (strcmp(c.name, "why") == 0)
		return why(&c, a, words, n);
	if (strcmp(c.name, "show") == 0)
		return show(&c, a, words, n);
	if (strcmp(c.name, "incident") == 0)
		return incident(&c, a, words, n);
	if (n > 0)
		return usage_error("%s takes no argument: %s", c.name, words[0]);
	if (a->since_us != 0 || a->user[0] != '\0' || a->segment[0] != '\0')
		return verdicts_since(c, a);
	if (strcmp(c.name, "watch") == 0)
		return watch(&c, *a);
	if (a->standing)
		c.print = print_standing;
	return ask(&c, a, list_request(&c, a));
}

static const struct command *command_find(const char *name)
{
	for (size_t i = 0; name != NULL && i < sizeof commands / sizeof commands[0]; i++)
		if (strcmp(commands[i].name, name) == 0)
			return &commands[i];
	return NULL;
}

int main(int argc, char **argv)
{
	struct asked a = {
	    .socket = T3OPS_RUNSTATEDIR "/t3ops/control.sock", .kind = "", .user = "", .segment = "", .process = ""};
	int r = options_read(argc, argv, "+s:jfk:n:Vh", &a);
	const struct command *c = r == 0 ? command_find(argv[optind]) : NULL;

	if (r > 0)
		return r - 1;
	argc -= optind;
	argv += optind;
	if (argc > 0 && strcmp(argv[0], "init") == 0)
		return init_run(argc - 1, argv + 1);
	if (argc > 0 && strcmp(argv[0], "top") == 0)
		return top_run(argc, argv, a.socket, a.json);
	if (argc > 0 && strcmp(argv[0], "doctor") == 0)
		return doctor_run(argc - 1, argv + 1);
	if (c == NULL)
		return plugin_ask(&a, argv, argc);
	optind = 0; /* from the start again, behind the command */
	r = options_read(argc, argv, "s:jfk:n:Vh", &a);
	return r > 0 ? r - 1 : command_run(*c, &a, argv + optind, argc - optind);
}
