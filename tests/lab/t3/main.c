/* SPDX-License-Identifier: MIT */
/*
 * t3stub: a stand-in for t3 in tests, in the version that T3STUB_VERSION or --t3-version names
 * (profile.c).  Never for real users: its tokens protect nothing.
 *
 * At run time: SIGSTOP stalls it, SIGUSR1 makes it refuse (listener closed, connections reset)
 * until SIGUSR2, SIGKILL is a crash.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lab/t3/server.h"

struct arguments {
	const char *words[4]; /* not flags: auth pairing create, or serve */
	size_t n_words;
	const char *base_dir, *ttl, *host, *port, *version;
	bool json, print_version;
};

static const char help[] =
    "t3stub --version\n"
    "t3stub auth pairing create --base-dir DIR --ttl 5m --json\n"
    "t3stub serve --base-dir DIR --host HOST --port PORT\n"
    "environment: T3STUB_VERSION (or --t3-version) 0.0.24, 0.0.28, 0.0.32, 0.0.33, 0.0.33-renamed-cookie,\n"
    "  0.0.33-without-cookie, 0.0.34, 0.0.34-renamed-endpoint, -loses-rows, -crashes, -cannot-pair, -hangs\n"
    "  T3STUB_TIME=1 (factor of the measured times; those that are given are not multiplied)\n"
    "  T3STUB_DEAD_MS=150 T3STUB_START_MS=0 T3STUB_GRACE_MS (as measured) T3STUB_IDLE_MS=5000 T3STUB_MINT_MS=0\n"
    "  T3STUB_EGRESS=fails|dropped T3STUB_DEFLATE_MIN=1024 T3STUB_PAGE=FILE T3STUB_SOCKET=PATH T3STUB_LOG=0\n";

static int usage(const char *message, const char *what)
{
	fputs(help, stdout);
	fprintf(stderr, "ERROR: %s%s\n", message, what);
	return 1;
}

static long env_number(const char *name, long fallback)
{
	const char *value = getenv(name);

	return value && *value ? strtol(value, NULL, 10) : fallback;
}

static const char *env_text(const char *name)
{
	const char *value = getenv(name);

	return value && *value ? value : NULL;
}

/* NULL, or the word that is not understood. */
static const char *arguments_read(struct arguments *a, int argc, char **argv)
{
	const struct {
		const char *name;
		const char **value;
	} flags[] = {{"--base-dir", &a->base_dir},
	             {"--ttl", &a->ttl},
	             {"--host", &a->host},
	             {"--port", &a->port},
	             {"--t3-version", &a->version}};
	const size_t n_flags = sizeof flags / sizeof flags[0];

	for (int i = 1; i < argc; i++) {
		size_t f = 0;

		while (f < n_flags && strcmp(argv[i], flags[f].name) != 0)
			f++;
		if (f < n_flags && i + 1 < argc)
			*flags[f].value = argv[++i];
		else if (strcmp(argv[i], "--json") == 0)
			a->json = true;
		else if (strcmp(argv[i], "--version") == 0)
			a->print_version = true;
		else if (argv[i][0] != '-' && a->n_words < 4)
			a->words[a->n_words++] = argv[i];
		else
			return argv[i];
	}
	return NULL;
}

/* Seconds of "5m"; negative if it is none. */
static long ttl_parse(const char *text)
{
	char *unit;
	long n = strtol(text, &unit, 10);

	if (unit == text || n <= 0 || (*unit && unit[1]))
		return -1;
	switch (*unit) {
	case 's':
		return n;
	case 'm':
		return n * 60;
	case 'h':
		return n * 3600;
	case 'd':
		return n * 86400;
	default:
		return -1;
	}
}

static int runtime_error(const char *what, const char *why)
{
	char now[TIME_SIZE];

	store_time(0, now);
	printf("[%s] ERROR (#1): %s\n  %s\n    at Database.run (t3stub)\n", now, what, why);
	return 1;
}

static int pairing_create(const struct arguments *a, const struct profile *p)
{
	struct store store;
	struct pairing_link link;
	char why[600];
	long ttl_s = ttl_parse(a->ttl ? a->ttl : "5m");
	int r;

	if (ttl_s < 0)
		return usage("Invalid duration: ", a->ttl);
	usleep((useconds_t)(env_number("T3STUB_MINT_MS", 0) * 1000));
	if (store_open(&store, p, a->base_dir, why, sizeof why) != 0)
		return runtime_error("Failed to open the database", why);
	r = store_link_create(&store, "client", ttl_s, &link);
	if (r != 0)
		r = runtime_error("Failed to create pairing link", store_error(&store));
	else
		printf("{\n  \"id\": \"%s\",\n  \"credential\": \"%s\",\n  %s,\n  \"expiresAt\": \"%s\"\n}\n",
		       link.id, link.credential,
		       p->roles ? "\"role\": \"client\""
		                : "\"scopes\": [\n    \"orchestration:read\",\n    \"orchestration:operate\",\n"
		                  "    \"terminal:operate\",\n    \"review:write\",\n    \"relay:read\"\n  ]",
		       link.expires_at);
	store_close(&store);
	return r;
}

static struct switches switches_read(void)
{
	const char *egress = env_text("T3STUB_EGRESS"), *time = env_text("T3STUB_TIME");
	struct switches s = {.time = time ? strtod(time, NULL) : 1};

	s.dead_ms = env_number("T3STUB_DEAD_MS", (long)(150 * s.time));
	s.start_ms = env_number("T3STUB_START_MS", 0);
	s.grace_ms = env_number("T3STUB_GRACE_MS", -1);
	s.idle_ms = env_number("T3STUB_IDLE_MS", (long)(5000 * s.time));
	s.deflate_min = env_number("T3STUB_DEFLATE_MIN", 1024);
	s.egress_drops = egress && strcmp(egress, "dropped") == 0;
	s.log = env_number("T3STUB_LOG", 0) != 0;
	s.page = env_text("T3STUB_PAGE");
	s.socket = env_text("T3STUB_SOCKET");
	return s;
}

static int serve(const struct arguments *a, const struct profile *p)
{
	struct store store;
	struct server server = {.profile = p, .store = &store, .switches = switches_read()};
	char why[600];
	int r;

	if (store_open(&store, p, a->base_dir, why, sizeof why) != 0)
		return runtime_error("Failed to start", why);
	printf("Migrations ran successfully, migrations: [");
	for (int id = store.migrated_from + 1; id <= p->migration; id++)
		printf("%s%d", id > store.migrated_from + 1 ? ", " : "", id);
	printf("]\n");
	if (p->crashes) {
		store_close(&store);
		return runtime_error("Failed to start", "TypeError: undefined is not a function");
	}
	r = server_run(&server, a->host ? a->host : "127.0.0.1",
	               (uint16_t)strtoul(a->port ? a->port : "3773", NULL, 10));
	store_close(&store);
	return r;
}

int main(int argc, char **argv)
{
	struct arguments a = {0};
	const char *wrong = arguments_read(&a, argc, argv);
	const char *version = a.version ? a.version : getenv("T3STUB_VERSION");
	const struct profile *p = profile_find(version && *version ? version : "0.0.28");
	char default_dir[400];

	if (!p)
		return usage("no such version: ", version);
	if (wrong)
		return usage("unknown argument: ", wrong);
	if (a.print_version) {
		printf("t3 v%s\n", p->version);
		return 0;
	}
	snprintf(default_dir, sizeof default_dir, "%s/.t3", getenv("HOME") ? getenv("HOME") : ".");
	if (!a.base_dir)
		a.base_dir = default_dir;
	if (a.n_words == 1 && strcmp(a.words[0], "serve") == 0)
		return serve(&a, p);
	if (a.n_words == 3 && strcmp(a.words[0], "auth") == 0 && strcmp(a.words[1], "pairing") == 0 &&
	    strcmp(a.words[2], "create") == 0)
		return pairing_create(&a, p);
	return usage("unknown command", "");
}
