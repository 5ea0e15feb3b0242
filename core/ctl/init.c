/* SPDX-License-Identifier: MIT */
/* Answers, files, check, in this order; the rest is in the files beside. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/init.h"
#include "ctl/init_answers.h"
#include "ctl/init_check.h"
#include "ctl/init_files.h"
#include "ctl/init_found.h"
#include "ctl/init_values.h"

/* What the answers do not show of this machine. */
static void found_print(const struct init_answers *a)
{
	char resolver[64], source[64];

	found_resolver(a->root, resolver, sizeof resolver);
	if (resolver[0] != '\0')
		printf("found resolver %s; legs over Cloudflare ask %s\n", resolver, init_answer(a, "resolver"));
	if (init_answer(a, "proxy-address")[0] != '\0' && !found_is_local(init_answer(a, "proxy-address")) &&
	    found_source(init_answer(a, "proxy-address"), source, sizeof source))
		printf("found address %s, by which this machine reaches %s\n", source, init_answer(a, "proxy"));
	if (!found_account(init_answer(a, "account")))
		printf("found no account %s: systemd-sysusers makes it\n", init_answer(a, "account"));
}

static void files_print(const struct init_files *files)
{
	for (size_t i = 0; i < files->n; i++)
		printf("==> %s <==\n%s\n", files->all[i].path, files->all[i].text);
}

static bool files_place(const struct init_answers *a, const struct init_files *files, json_t *values)
{
	char *next = init_template(init_answer(a, "templates"), "next", values);
	bool ok = next != NULL && (a->force || init_files_are_new(files, a->root)) && init_check(a) &&
	          init_files_write(files, a->root, true);

	if (ok)
		fputs(next, stdout);
	else
		fputs("t3opsctl: init: nothing more was written\n", stderr);
	free(next);
	return ok;
}

static bool answers_use(const struct init_answers *a)
{
	json_t *values = init_values_make(a, "");
	struct init_files files;
	bool ok = init_files_make(&files, init_answer(a, "templates"), values);

	if (ok) {
		found_print(a);
		if (a->dry)
			files_print(&files);
		else
			ok = files_place(a, &files, values);
	}
	init_files_fini(&files);
	json_decref(values);
	return ok;
}

int init_run(int argc, char **argv)
{
	struct init_answers a;
	int r = init_answers_read(&a, argc, argv);

	r = r > 0 ? r - 1 : answers_use(&a) ? EXIT_SUCCESS : EXIT_FAILURE;
	init_answers_fini(&a);
	return r;
}
