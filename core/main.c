/* SPDX-License-Identifier: MIT */
/* The command line of the daemon; names every process once. */
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "conf/check.h"
#include "conf/conf_text.h"
#include "conf/explain.h"
#include "conf/plugin_lint.h"
#include "monitor/monitor.h"
#include "monitor/replay.h"
#include "monitor/separability.h"
#include "proxy/proxy.h"
#include "jobs/job_child.h"
#include "jobs/jobs.h"
#include "prober/prober.h"
#include "helper/helper.h"
#include "plugin_host/config_checks.h"
#include "process/config_report.h"
#include "supervisor/capabilities.h"
#include "supervisor/service_end.h"
#include "supervisor/supervisor.h"
#include "supervisor/take_over.h"

static const char usage[] =
    "usage: t3ops [-c FILE]                   run in the foreground\n"
    "       t3ops [-c FILE] -t [--json]       check the configuration and print a summary; or all of it\n"
    "       t3ops -t --plugin FILE            check the file of one plugin\n"
    "       t3ops [--plugin-dir DIR] --explain [PLUGIN[.OPTION]]\n"
    "       t3ops replay RECORDING [VERDICT]   compute the verdicts of a recording of t3opsctl again\n"
    "       t3ops --version | --help\n"
    "FILE is " T3OPS_SYSCONFDIR "/t3ops/t3ops.conf unless given.  See t3ops(8).\n";

enum mode {
	MODE_RUN,
	MODE_CHECK,
	MODE_LINT,
	MODE_EXPLAIN,
	MODE_JOB,
	MODE_REPLAY,
	MODE_END_SERVICE,
	MODE_HELP,
	MODE_VERSION,
	MODE_USAGE_ERROR
};

struct command_line {
	enum mode mode;
	const char *conf_path, *plugin_dir, *plugin, *topic, *recording, *verdict;
	int take_over_fd;
	bool json;
	long take_over_from; /* message version of the one that runs; -1: nobody asks */
};

/* Where the helper puts a job's input, and its channel. */
#define JOB_INPUT_FD   3
#define JOB_CHANNEL_FD 4

/* Long options without a letter. */
enum {
	OPT_EXPLAIN = 256,
	OPT_PLUGIN,
	OPT_PLUGIN_DIR,
	OPT_RUN_JOB,
	OPT_END_SERVICE,
	OPT_TAKE_OVER,
	OPT_TAKE_OVER_FROM,
	OPT_JSON,
	OPT_VERSION
};

static bool fd_parse(const char *text, int *out)
{
	char *end;
	long n = strtol(text, &end, 10);

	*out = (int)n;
	return end != text && *end == '\0' && n > 2 && n < INT_MAX;
}

/* replay FILE [VERDICT], or none; argv[argc] is NULL. */
static void arguments_read(struct command_line *line, int argc, char **argv)
{
	if (line->mode == MODE_RUN && argc > 0 && strcmp(argv[0], "replay") == 0) {
		line->mode = argc == 2 || argc == 3 ? MODE_REPLAY : MODE_USAGE_ERROR;
		if (line->mode == MODE_USAGE_ERROR)
			fputs("t3ops: replay takes FILE [VERDICT]\n", stderr);
		line->recording = argv[1];
		line->verdict = argc > 2 ? argv[2] : NULL;
	} else if (argc > 0) {
		fprintf(stderr, "t3ops: unexpected argument: %s\n", argv[0]);
		line->mode = MODE_USAGE_ERROR;
	}
}

/* --plugin FILE says of which file -t is. */
static void plugin_read(struct command_line *line)
{
	if (!line->plugin)
		return;
	if (line->mode == MODE_CHECK) {
		line->mode = MODE_LINT;
		return;
	}
	fputs("t3ops: --plugin FILE goes with -t\n", stderr);
	line->mode = MODE_USAGE_ERROR;
}

static const struct option options[] = {{"config", required_argument, NULL, 'c'},
                                        {"test", no_argument, NULL, 't'},
                                        {"json", no_argument, NULL, OPT_JSON},
                                        {"explain", no_argument, NULL, OPT_EXPLAIN},
                                        {"plugin", required_argument, NULL, OPT_PLUGIN},
                                        {"plugin-dir", required_argument, NULL, OPT_PLUGIN_DIR},
                                        {"run-job", no_argument, NULL, OPT_RUN_JOB},
                                        {"end-service", no_argument, NULL, OPT_END_SERVICE},
                                        {"take-over", required_argument, NULL, OPT_TAKE_OVER},
                                        {"version", no_argument, NULL, OPT_VERSION},
                                        {"help", no_argument, NULL, 'h'},
                                        {"take-over-from", required_argument, NULL, OPT_TAKE_OVER_FROM},
                                        {0}};

static struct command_line command_line_read(int argc, char **argv)
{
	struct command_line line = {.conf_path = T3OPS_SYSCONFDIR "/t3ops/t3ops.conf",
	                            .plugin_dir = T3OPS_PLUGIN_DIR,
	                            .take_over_fd = -1,
	                            .take_over_from = -1};
	int c;

	while ((c = getopt_long(argc, argv, "c:th", options, NULL)) != -1)
		switch (c) {
		case 'c':
			line.conf_path = optarg;
			break;
		case 't':
			line.mode = MODE_CHECK;
			break;
		case 'h':
			line.mode = MODE_HELP;
			break;
		case OPT_JSON:
			line.json = true;
			break;
		case OPT_EXPLAIN:
			line.mode = MODE_EXPLAIN;
			break;
		case OPT_PLUGIN:
			line.plugin = optarg;
			break;
		case OPT_PLUGIN_DIR:
			line.plugin_dir = optarg;
			break;
		case OPT_RUN_JOB:
			line.mode = MODE_JOB;
			break;
		case OPT_END_SERVICE:
			line.mode = MODE_END_SERVICE;
			break;
		case OPT_TAKE_OVER_FROM:
			line.take_over_from = strtol(optarg, NULL, 10);
			break;
		case OPT_VERSION:
			line.mode = MODE_VERSION;
			break;
		case OPT_TAKE_OVER:
			if (fd_parse(optarg, &line.take_over_fd))
				break;
			/* fall through */
		default:
			line.mode = MODE_USAGE_ERROR;
			return line;
		}
	if (line.mode == MODE_EXPLAIN && optind < argc)
		line.topic = argv[optind++];
	arguments_read(&line, argc - optind, argv + optind);
	plugin_read(&line);
	return line;
}

/* What each process does. */
static const struct process_ops *const ops[PROCESSES] = {[PROCESS_PROXY] = &proxy_ops,
                                                         [PROCESS_PROBER] = &prober_ops,
                                                         [PROCESS_JOBS] = &jobs_ops,
                                                         [PROCESS_MONITOR] = &monitor_ops,
                                                         [PROCESS_HELPER] = &helper_ops};

static void report_print(const struct resolved_config *c)
{
	json_t *report = config_report(c);

	json_dumpf(report, stdout, JSON_COMPACT);
	putchar('\n');
	json_decref(report);
}

static int check(const struct command_line *line)
{
	struct config_checks checks = config_checks_of(ops);
	bool is_asked = line->take_over_from >= 0;
	struct resolved_config *c;

	if (is_asked && (line->take_over_from != MSG_VERSION || !take_over_rehearse(STDIN_FILENO))) {
		puts(TAKE_OVER_MESSAGES);
		return EXIT_FAILURE;
	}
	capabilities_drop(PROCESS_SUPERVISOR); /* what the daemon may not do then is a fault already now */
	c = check_config(line->conf_path, &checks, line->json ? NULL : stdout, stderr);
	if (!c)
		return EXIT_FAILURE;
	if (line->json)
		report_print(c);
	else
		separability_print(c, stdout);
	resolved_config_free(c);
	if (is_asked)
		puts(TAKE_OVER_READY);
	return EXIT_SUCCESS;
}

/* NULL after one line. */
static char *path_resolve(const char *path)
{
	char *resolved = realpath(path, NULL);

	if (!resolved)
		fprintf(stderr, "t3ops: %s: %s\n", path, conf_text_error(-errno));
	return resolved;
}

/* Absolute paths: the working directory may be another one by the next reload or upgrade. */
static int run(const struct command_line *line)
{
	struct config_checks checks = config_checks_of(ops);
	struct supervisor_args args = {.checks = &checks, .take_over_fd = line->take_over_fd};
	char *conf_path = path_resolve(line->conf_path), *exe = path_resolve("/proc/self/exe");
	int r = EXIT_FAILURE;

	memcpy(args.ops, ops, sizeof ops);
	args.conf_path = conf_path;
	args.exe = exe;
	if (conf_path && exe)
		r = supervisor_run(&args);
	free(conf_path);
	free(exe);
	return r;
}

int main(int argc, char **argv)
{
	struct command_line line = command_line_read(argc, argv);

	switch (line.mode) {
	case MODE_RUN:
		return run(&line);
	case MODE_CHECK:
		return check(&line);
	case MODE_LINT:
		return plugin_lint(line.plugin, stdout);
	case MODE_JOB:
		return job_child_main(JOB_INPUT_FD, JOB_CHANNEL_FD);
	case MODE_END_SERVICE:
		return service_end();
	case MODE_REPLAY:
		return replay_main(line.recording, line.verdict, stdout, stderr);
	case MODE_EXPLAIN:
		return explain_print(stdout, line.plugin_dir, line.topic);
	case MODE_VERSION:
		puts(PACKAGE_STRING);
		return EXIT_SUCCESS;
	case MODE_HELP:
		fputs(usage, stdout);
		return EXIT_SUCCESS;
	default:
		fputs("Try: t3ops --help\n", stderr);
		return 2;
	}
}
