/* SPDX-License-Identifier: MIT */
/* t3opsctl top; see top.h. */
#include "ctl/top.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "ctl/link.h"
#include "ctl/local_time.h"
#include "ctl/text.h"
#include "ctl/top_screen.h"
#include "ctl/top_table.h"

#define EXIT_USAGE   2
#define TIMEOUT_S    30
#define INTERVAL_MAX 3600

static const char usage[] = "usage: t3opsctl [-s SOCKET] top [--once] [-j] [--sort rate|tunnels|heartbeat|user] "
                            "[--interval SECONDS] [--utc]\n"
                            "       keys: q ends it; r, t, h, u sort by rate, tunnels, heartbeat, user\n";

struct top {
	const char *socket;
	bool json, once;
	enum top_order order;
	int interval_ms;
};

/* ---- the command line --------------------------------------------------------------------------- */

static int usage_error(const char *what, const char *word)
{
	fprintf(stderr, "t3opsctl: top: %s%s\nTry: t3opsctl top --help\n", what, word);
	return EXIT_USAGE;
}

static bool interval_read(struct top *t, const char *text)
{
	char *end;
	double seconds = strtod(text, &end);

	if (end == text || *end != '\0' || !(seconds >= 0.1 && seconds <= INTERVAL_MAX))
		return false;
	t->interval_ms = (int)(seconds * 1000);
	return true;
}

/* 0, or what to return, plus one. */
static int words_read(struct top *t, int argc, char **argv)
{
	static const struct option options[] = {
	    {"once", no_argument, NULL, '1'},       {"json", no_argument, NULL, 'j'},
	    {"sort", required_argument, NULL, 'o'}, {"interval", required_argument, NULL, 'i'},
	    {"utc", no_argument, NULL, 'Z'},        {"socket", required_argument, NULL, 's'},
	    {"help", no_argument, NULL, 'h'},       {0}};
	int c;

	optind = 0;
	while ((c = getopt_long(argc, argv, "js:h", options, NULL)) != -1) {
		switch (c) {
		case '1':
			t->once = true;
			break;
		case 'j':
			t->json = true;
			break;
		case 's':
			t->socket = optarg;
			break;
		case 'Z':
			local_time_utc();
			break;
		case 'o':
			if (!top_order_parse(optarg, &t->order))
				return 1 + usage_error("--sort takes rate, tunnels, heartbeat or user, not ", optarg);
			break;
		case 'i':
			if (!interval_read(t, optarg))
				return 1 + usage_error("--interval takes 0.1 to 3600 seconds, not ", optarg);
			break;
		case 'h':
			fputs(usage, stdout);
			return 1;
		default:
			fputs("Try: t3opsctl top --help\n", stderr);
			return 1 + EXIT_USAGE;
		}
	}
	return optind < argc ? 1 + usage_error("unexpected argument: ", argv[optind]) : 0;
}

/* ---- asking ------------------------------------------------------------------------------------- */

/* The result, or NULL with the reason in why. */
static json_t *ask(const struct top *t, char *why, size_t size)
{
	struct link l = {.fd = -1};
	int r = link_open(&l, t->socket, TIMEOUT_S);
	json_t *request, *answer, *result;

	if (r < 0) {
		snprintf(why, size, "%s: %s", t->socket, link_refusal(r));
		return NULL;
	}
	request = json_pack("{s:s}", "command", "top");
	answer = link_send(&l, request) == 0 ? link_receive(&l) : NULL;
	snprintf(why, size, "%s: %s", t->socket, answer != NULL ? text_get(answer, "error") : "no answer");
	link_close(&l);
	json_decref(request);
	result = json_is_true(json_object_get(answer, "ok")) ? json_incref(json_object_get(answer, "result")) : NULL;
	json_decref(answer);
	return result;
}

static int failed(const char *why)
{
	fputs("t3opsctl: ", stderr);
	text_put(stderr, why, 0);
	fputc('\n', stderr);
	return EXIT_FAILURE;
}

static void print(const struct top *t, const json_t *result, int width, int lines)
{
	if (t->json) {
		json_dumpf(result, stdout, JSON_COMPACT | JSON_REAL_PRECISION(12));
		fputc('\n', stdout);
	} else {
		top_print(stdout, result, t->order, width, lines);
	}
}

static void interval_wait(const struct top *t)
{
	const struct timespec pause = {.tv_sec = t->interval_ms / 1000,
	                               .tv_nsec = (long)(t->interval_ms % 1000) * 1000000};

	nanosleep(&pause, NULL);
}

/* ---- the ways to show it --------------------------------------------------------------------------- */

/* The first question has the daemon look closely, so that the second one gets the rates of that time. */
static int once(const struct top *t)
{
	char why[256];
	json_t *result = ask(t, why, sizeof why);

	if (result != NULL) {
		json_decref(result);
		interval_wait(t);
		result = ask(t, why, sizeof why);
	}
	if (result == NULL)
		return failed(why);
	print(t, result, text_terminal_width(stdout), 0);
	json_decref(result);
	return fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* A line of JSON a time, until nobody reads them. */
static int lines_print(const struct top *t)
{
	char why[256];
	json_t *result;

	while ((result = ask(t, why, sizeof why)) != NULL) {
		print(t, result, 0, 0);
		json_decref(result);
		if (fflush(stdout) != 0)
			return EXIT_FAILURE;
		interval_wait(t);
	}
	return failed(why);
}

/* The last picture stays while there is no answer, as in a reload. */
static void picture(const struct top *t, json_t **last)
{
	char why[256];
	json_t *result = ask(t, why, sizeof why);

	if (result != NULL) {
		json_decref(*last);
		*last = result;
	}
	screen_picture_begin(stdout);
	if (*last != NULL)
		print(t, *last, text_terminal_width(stdout), screen_lines());
	if (result == NULL)
		text_put(stdout, why, 0);
	screen_picture_end(stdout);
}

static void key_obey(struct top *t, int key)
{
	static const char keys[] = "rthu"; /* in the order of enum top_order */
	const char *found = key > 0 ? strchr(keys, key) : NULL;

	if (found != NULL)
		t->order = (enum top_order)(found - keys);
}

static int live(struct top *t)
{
	struct screen screen;
	json_t *last = NULL;
	int key = 0, r = screen_open(&screen);

	if (r < 0)
		return failed(strerror(-r));
	while (key != 'q' && key >= 0) {
		picture(t, &last);
		key = screen_key(&screen, t->interval_ms);
		key_obey(t, key);
	}
	screen_close(&screen);
	json_decref(last);
	return EXIT_SUCCESS;
}

int top_run(int argc, char **argv, const char *socket, bool json)
{
	struct top t = {.socket = socket, .json = json, .interval_ms = 2000};
	int r = words_read(&t, argc, argv);

	if (r > 0)
		return r - 1;
	if (t.json && !t.once)
		return lines_print(&t);
	return !t.once && isatty(STDIN_FILENO) && isatty(STDOUT_FILENO) ? live(&t) : once(&t);
}
