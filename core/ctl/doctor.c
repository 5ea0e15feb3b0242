/* SPDX-License-Identifier: MIT */
/* The command line of doctor, and the order of its checks. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/doctor.h"
#include "ctl/doctor_case.h"
#include "ctl/doctor_config.h"
#include "ctl/doctor_keys.h"
#include "ctl/doctor_machine.h"
#include "ctl/doctor_paths.h"
#include "ctl/doctor_users.h"

#define EXIT_USAGE    2
#define EXIT_WARNINGS 3

static const char usage[] =
    "usage: t3opsctl doctor [-j] [-c FILE] [-s SOCKET] [--prometheus URL] [--timeout SECONDS] [--daemon FILE]\n"
    "       checks the whole installation: one line a check, and what to do; changes nothing\n"
    "exit status: 0 all is well, 1 something is broken, 2 wrong command line, 3 nothing but warnings\n";

static int usage_error(const char *what, const char *word)
{
	fprintf(stderr, "t3opsctl: doctor: %s: %s\nTry: t3opsctl doctor --help\n", what, word);
	return EXIT_USAGE;
}

/* The value of an option that takes one: NAME VALUE or NAME=VALUE; NULL: the word is another one, or it has none. */
static const char *value_of(const char *name, char **words, int n, int *took)
{
	size_t len = strlen(name);

	if (strncmp(words[0], name, len) != 0)
		return NULL;
	*took = words[0][len] == '=' ? 1 : 2;
	return words[0][len] == '=' ? words[0] + len + 1 : words[0][len] == '\0' && n > 1 ? words[1] : NULL;
}

static bool seconds_take(struct doctor *d, const char *text)
{
	char *end;
	long n = strtol(text, &end, 10);

	d->timeout_ms = (unsigned)n * 1000;
	return *end == '\0' && n > 0 && n <= 600;
}

/* 0, or what to return, plus one. */
static int words_read(struct doctor *d, int argc, char **argv)
{
	for (int i = 0, took = 1; i < argc; i += took, took = 1) {
		const char *value;

		if (strcmp(argv[i], "-j") == 0 || strcmp(argv[i], "--json") == 0)
			d->findings.is_quiet = true;
		else if (strcmp(argv[i], "-h") == 0 || strcmp(argv[i], "--help") == 0)
			return fputs(usage, stdout) < 0 ? 2 : 1;
		else if ((value = value_of("-c", argv + i, argc - i, &took)) != NULL ||
		         (value = value_of("--config", argv + i, argc - i, &took)) != NULL)
			d->conf = value;
		else if ((value = value_of("-s", argv + i, argc - i, &took)) != NULL ||
		         (value = value_of("--socket", argv + i, argc - i, &took)) != NULL)
			d->socket = value;
		else if ((value = value_of("--prometheus", argv + i, argc - i, &took)) != NULL)
			d->prometheus = value;
		else if ((value = value_of("--daemon", argv + i, argc - i, &took)) != NULL)
			d->daemon = value;
		else if ((value = value_of("--timeout", argv + i, argc - i, &took)) != NULL) {
			if (!seconds_take(d, value))
				return 1 + usage_error("--timeout: expected 1 to 600 seconds", value);
		} else
			return 1 + usage_error("unexpected argument", argv[i]);
	}
	return 0;
}

static void all_check(struct doctor *d)
{
	doctor_config(d);
	doctor_clock(d);
	if (d->config == NULL) {
		finding_add(&d->findings, FINDING_SKIP, "others", "", "", "they need a configuration without errors");
		return;
	}
	doctor_trust(d);
	doctor_keys(d);
	doctor_permissions(d);
	doctor_units(d);
	doctor_daemon(d);
	doctor_users(d);
	doctor_paths(d);
	doctor_disk(d);
	doctor_alerts(d);
}

static int result_print(const struct doctor *d)
{
	unsigned fails = findings_count(&d->findings, FINDING_FAIL),
	         warns = findings_count(&d->findings, FINDING_WARN);

	if (d->findings.is_quiet)
		json_dumpf(d->findings.all, stdout, JSON_INDENT(2));
	else
		printf("%u broken, %u warning%s, %u well, %u skipped", fails, warns, warns == 1 ? "" : "s",
		       findings_count(&d->findings, FINDING_OK), findings_count(&d->findings, FINDING_SKIP));
	putchar('\n');
	return fails > 0 ? EXIT_FAILURE : warns > 0 ? EXIT_WARNINGS : EXIT_SUCCESS;
}

int doctor_run(int argc, char **argv)
{
	struct doctor d = {.conf = T3OPS_SYSCONFDIR "/t3ops/t3ops.conf",
	                   .daemon = T3OPS_SBINDIR "/t3ops",
	                   .prometheus = "",
	                   .socket = "",
	                   .timeout_ms = 10000,
	                   .findings = {.all = json_array()}};
	int r = words_read(&d, argc, argv);

	if (r == 0) {
		all_check(&d);
		r = 1 + result_print(&d);
	}
	json_decref(d.config);
	json_decref(d.findings.all);
	return r - 1;
}
