/* SPDX-License-Identifier: MIT */
/* The questions of init: one row each, in the order in which they are asked. */
#include <arpa/inet.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ctl/init_answers.h"
#include "ctl/init_found.h"
#include "ctl/init_users.h"

#define TEXT_SIZE 4096

struct question {
	const char *name;
	const char *text;                                       /* NULL: a flag only */
	const char *choices;                                    /* NULL: anything that has no fault */
	bool (*is_needed)(const struct init_answers *a);        /* NULL: always */
	void (*guess)(const struct init_answers *a, char *out); /* into TEXT_SIZE; NULL: there is none */
	const char *(*fault)(const struct init_answers *a, const char *text);
	bool may_be_empty;
};

const char *init_answer(const struct init_answers *a, const char *name)
{
	const char *text = json_string_value(json_object_get(a->values, name));

	return text != NULL ? text : "";
}

static bool is(const struct init_answers *a, const char *name, const char *value)
{
	return strcmp(init_answer(a, name), value) == 0;
}

enum sign_in_way init_sign_in_way(const char *proxy, const char *sign_in)
{
	bool asks = strcmp(proxy, "haproxy") != 0 && strcmp(proxy, "cloudflared") != 0;

	if (strcmp(sign_in, "cloudflare-access") == 0)
		return SIGN_IN_EDGE;
	if (strcmp(sign_in, "tailscale") == 0)
		return strcmp(proxy, "cloudflared") == 0 ? SIGN_IN_NOT : SIGN_IN_EDGE;
	if (asks)
		return SIGN_IN_ASKED;
	return strcmp(sign_in, "authelia") == 0 ? SIGN_IN_NOT : SIGN_IN_THROUGH;
}

bool init_names_by_mail(const char *sign_in)
{
	return strcmp(sign_in, "cloudflare-access") == 0 || strcmp(sign_in, "tailscale") == 0;
}

static enum sign_in_way way(const struct init_answers *a)
{
	return init_sign_in_way(init_answer(a, "proxy"), init_answer(a, "sign-in"));
}

/* ---- when something has to be known */

static bool needs_proxy_place(const struct init_answers *a)
{
	return !is(a, "proxy", "cloudflared");
}

static bool needs_sign_in_url(const struct init_answers *a)
{
	return way(a) == SIGN_IN_ASKED || way(a) == SIGN_IN_THROUGH;
}

/* Where the answer to a protected path leads elsewhere, so that nobody here knows where to. */
static bool needs_portal(const struct init_answers *a)
{
	bool own_path = way(a) == SIGN_IN_ASKED && (is(a, "sign-in", "authentik") ||
	                                            (is(a, "sign-in", "oauth2-proxy") && !is(a, "proxy", "traefik")));

	return needs_sign_in_url(a) && !own_path;
}

static bool needs_team(const struct init_answers *a)
{
	return is(a, "sign-in", "cloudflare-access");
}

static bool needs_front(const struct init_answers *a)
{
	return way(a) == SIGN_IN_EDGE && !is(a, "proxy", "cloudflared");
}

static bool needs_cloudflare(const struct init_answers *a)
{
	return needs_sign_in_url(a) && !is(a, "proxy", "cloudflared");
}

/* ---- faults */

static const char *host_fault(const struct init_answers *a, const char *text)
{
	(void)a;
	for (const char *c = text; *c != '\0'; c++)
		if (!isalnum((unsigned char)*c) && *c != '-' && *c != '.')
			return "expected a host name such as t3.example.com";
	return strchr(text, '.') == NULL ? "expected a whole host name such as t3.example.com" : NULL;
}

/* Of all texts: what would end a string or a line of the files. */
static const char *text_fault(const char *text)
{
	for (const char *c = text; *c != '\0'; c++)
		if ((unsigned char)*c < ' ' || *c == '"' || *c == '\\' || *c == '@')
			return "expected no quotes, backslashes, @ or control characters";
	return NULL;
}

static const char *address_fault(const struct init_answers *a, const char *text)
{
	unsigned char bytes[sizeof(struct in6_addr)];

	(void)a;
	return inet_pton(AF_INET, text, bytes) == 1 || inet_pton(AF_INET6, text, bytes) == 1
	           ? NULL
	           : "expected a numeric IPv4 or IPv6 address";
}

static const char *port_fault(const struct init_answers *a, const char *text)
{
	char *end;
	unsigned long n = strtoul(text, &end, 10);

	(void)a;
	return *end == '\0' && n > 0 && n <= UINT16_MAX ? NULL : "expected a port from 1 to 65535";
}

static const char *listen_fault(const struct init_answers *a, const char *text)
{
	const char *colon = strrchr(text, ':');
	char address[64];

	if (colon == NULL || port_fault(a, colon + 1) != NULL)
		return "expected ADDRESS:PORT";
	snprintf(address, sizeof address, "%.*s", (int)(colon - text), text);
	if (address[0] == '[' && address[strlen(address) - 1] == ']') {
		address[strlen(address) - 1] = '\0';
		memmove(address, address + 1, strlen(address));
	}
	return address_fault(a, address) == NULL ? NULL : "expected ADDRESS:PORT with a numeric address";
}

static const char *url_fault(const struct init_answers *a, const char *text)
{
	const char *rest = strncmp(text, "http://", 7) == 0    ? text + 7
	                   : strncmp(text, "https://", 8) == 0 ? text + 8
	                                                       : "";

	(void)a;
	return rest[0] != '\0' && strpbrk(rest, "/ ") == NULL ? NULL : "expected http://HOST:PORT or https://HOST";
}

static const char *path_fault(const struct init_answers *a, const char *text)
{
	(void)a;
	return text[0] == '/' ? NULL : "expected an absolute path";
}

static const char *word_fault(const struct init_answers *a, const char *text)
{
	(void)a;
	return strpbrk(text, " /,:{}#") == NULL ? NULL : "expected one word";
}

static const char *sign_in_fault(const struct init_answers *a, const char *text)
{
	const char *proxy = init_answer(a, "proxy");

	if (init_sign_in_way(proxy, text) != SIGN_IN_NOT)
		return NULL;
	return strcmp(text, "tailscale") == 0
	           ? "users of a tailnet do not come by Cloudflare: take another proxy"
	           : "this proxy cannot ask Authelia: put nginx, Caddy or Traefik in between";
}

/* ---- what is found */

static void proxy_guess(const struct init_answers *a, char *out)
{
	static const char *const programs[] = {"traefik", "caddy", "nginx", "haproxy", "cloudflared"};
	char path[256];

	snprintf(out, TEXT_SIZE, "traefik");
	for (size_t i = 0; i < sizeof programs / sizeof programs[0]; i++)
		if (found_program(a->root, programs[i], path, sizeof path)) {
			snprintf(out, TEXT_SIZE, "%s", programs[i]);
			return;
		}
}

static void sign_in_guess(const struct init_answers *a, char *out)
{
	static const struct {
		const char *program, *sign_in;
	} programs[] = {{"authelia", "authelia"}, {"oauth2-proxy", "oauth2-proxy"}, {"tailscaled", "tailscale"}};
	char path[256];

	snprintf(out, TEXT_SIZE, "authentik");
	for (size_t i = 0; i < sizeof programs / sizeof programs[0]; i++)
		if (found_program(a->root, programs[i].program, path, sizeof path) &&
		    sign_in_fault(a, programs[i].sign_in) == NULL) {
			snprintf(out, TEXT_SIZE, "%s", programs[i].sign_in);
			return;
		}
}

static void proxy_address_guess(const struct init_answers *a, char *out)
{
	(void)a;
	snprintf(out, TEXT_SIZE, "127.0.0.1");
}

static void proxy_port_guess(const struct init_answers *a, char *out)
{
	snprintf(out, TEXT_SIZE, "%s", is(a, "sign-in", "tailscale") ? "8780" : "443");
}

static void sign_in_url_guess(const struct init_answers *a, char *out)
{
	snprintf(out, TEXT_SIZE, "%s",
	         is(a, "sign-in", "authentik")  ? "http://127.0.0.1:9000"
	         : is(a, "sign-in", "authelia") ? "http://127.0.0.1:9091"
	                                        : "http://127.0.0.1:4180");
}

static void portal_guess(const struct init_answers *a, char *out)
{
	snprintf(out, TEXT_SIZE, "https://auth.%s", strchr(init_answer(a, "host"), '.') + 1);
}

static void front_guess(const struct init_answers *a, char *out)
{
	(void)a;
	snprintf(out, TEXT_SIZE, "127.0.0.1");
}

static void yes_guess(const struct init_answers *a, char *out)
{
	(void)a;
	snprintf(out, TEXT_SIZE, "yes");
}

/* Where it listens already; else the address by which the proxy reaches it, and a port that nobody has. */
static void listen_guess(const struct init_answers *a, char *out)
{
	char address[64] = "127.0.0.1", conf[512];
	uint16_t port = 3780;

	snprintf(conf, sizeof conf, "%s" T3OPS_SYSCONFDIR "/t3ops/t3ops.conf", a->root);
	found_option(conf, "listen", out, TEXT_SIZE);
	if (listen_fault(a, out) == NULL)
		return;

	if (needs_proxy_place(a) && !found_is_local(init_answer(a, "proxy-address")))
		found_source(init_answer(a, "proxy-address"), address, sizeof address);
	while (!found_is_free(address, port) && port < 3800)
		port++;
	snprintf(out, TEXT_SIZE, strchr(address, ':') != NULL ? "[%s]:%u" : "%s:%u", address, (unsigned)port);
}

static void status_listen_guess(const struct init_answers *a, char *out)
{
	(void)a;
	snprintf(out, TEXT_SIZE, "127.0.0.1:9108");
}

static void resolver_guess(const struct init_answers *a, char *out)
{
	(void)a;
	snprintf(out, TEXT_SIZE, "https://1.1.1.1/dns-query");
}

static void account_guess(const struct init_answers *a, char *out)
{
	(void)a;
	snprintf(out, TEXT_SIZE, "t3ops");
}

static void proxy_account_guess(const struct init_answers *a, char *out)
{
	snprintf(out, TEXT_SIZE, "%s", is(a, "proxy", "nginx") ? "www-data" : init_answer(a, "proxy"));
	if (!found_account(out))
		snprintf(out, TEXT_SIZE, "root");
}

static void t3_guess(const struct init_answers *a, char *out)
{
	if (!found_program(a->root, "t3", out, TEXT_SIZE))
		snprintf(out, TEXT_SIZE, "/usr/bin/t3");
}

static void certificate_guess(const struct init_answers *a, char *out)
{
	if (is(a, "proxy", "nginx"))
		snprintf(out, TEXT_SIZE, "/etc/letsencrypt/live/%s/fullchain.pem", init_answer(a, "host"));
	if (is(a, "proxy", "haproxy"))
		snprintf(out, TEXT_SIZE, "/etc/haproxy/certs/%s.pem", init_answer(a, "host"));
}

static void key_guess(const struct init_answers *a, char *out)
{
	if (is(a, "proxy", "nginx"))
		snprintf(out, TEXT_SIZE, "/etc/letsencrypt/live/%s/privkey.pem", init_answer(a, "host"));
}

static void entry_point_guess(const struct init_answers *a, char *out)
{
	(void)a;
	snprintf(out, TEXT_SIZE, "websecure");
}

static void users_file_guess(const struct init_answers *a, char *out)
{
	char path[512];

	snprintf(path, sizeof path, "%s/etc/ttyd-user-map", a->root);
	snprintf(out, TEXT_SIZE, "%s",
	         access(path, F_OK) == 0 ? "/etc/ttyd-user-map" : T3OPS_SYSCONFDIR "/t3ops/users");
}

/* Where the sign-in names them by e-mail address, nobody here knows which. */
static void users_guess(const struct init_answers *a, char *out)
{
	char path[512];

	snprintf(path, sizeof path, "%s%s", a->root, init_answer(a, "users-file"));
	if (access(path, F_OK) == 0 && !a->force)
		snprintf(out, TEXT_SIZE, "keep");
	else if (!init_names_by_mail(init_answer(a, "sign-in")))
		init_users_guess(a->root, out, TEXT_SIZE);
}

static const char *users_fault(const struct init_answers *a, const char *text)
{
	return init_users_fault(text, init_names_by_mail(init_answer(a, "sign-in")));
}

static void data_guess(const struct init_answers *a, char *out)
{
	(void)a;
	snprintf(out, TEXT_SIZE, "%s", T3OPS_DATA_DIR "/init");
}

static void daemon_guess(const struct init_answers *a, char *out)
{
	(void)a;
	snprintf(out, TEXT_SIZE, "%s", T3OPS_SBINDIR "/t3ops");
}

#define PROXIES  "traefik caddy nginx haproxy cloudflared"
#define SIGN_INS "authentik authelia oauth2-proxy cloudflare-access tailscale"

static const struct question questions[] = {
    {"host", "Public host name of t3", NULL, NULL, NULL, host_fault, false},
    {"proxy", "Proxy in front of t3ops", PROXIES, NULL, proxy_guess, NULL, false},
    {"sign-in", "Sign-in", SIGN_INS, NULL, sign_in_guess, sign_in_fault, false},
    {"proxy-address", "Address of the proxy, as this machine reaches it", NULL, needs_proxy_place,
     proxy_address_guess, address_fault, false},
    {"sign-in-url", "Where the sign-in listens, as the proxy reaches it", NULL, needs_sign_in_url, sign_in_url_guess,
     url_fault, false},
    {"portal", "Public URL of the page that signs users in", NULL, needs_portal, portal_guess, url_fault, false},
    {"team", "Team name of Cloudflare Access, as in NAME.cloudflareaccess.com", NULL, needs_team, NULL, word_fault,
     false},
    {"cloudflare", "Do users come over Cloudflare and a tunnel", "yes no", needs_cloudflare, yes_guess, NULL, false},
    {"users-file", NULL, NULL, NULL, users_file_guess, path_fault, false},
    {"users", "Users, as NAME=OS_USER:PORT with commas between; keep: the user table that is there", NULL, NULL,
     users_guess, users_fault, false},
    {"listen", NULL, NULL, NULL, listen_guess, listen_fault, false},
    {"proxy-port", NULL, NULL, needs_proxy_place, proxy_port_guess, port_fault, false},
    {"proxy-account", NULL, NULL, NULL, proxy_account_guess, word_fault, false},
    {"front-address", NULL, NULL, needs_front, front_guess, address_fault, false},
    {"certificate", NULL, NULL, NULL, certificate_guess, path_fault, true},
    {"key", NULL, NULL, NULL, key_guess, path_fault, true},
    {"ca-file", NULL, NULL, NULL, NULL, path_fault, true},
    {"entry-point", NULL, NULL, NULL, entry_point_guess, word_fault, false},
    {"resolver", NULL, NULL, NULL, resolver_guess, NULL, false},
    {"status-listen", NULL, NULL, NULL, status_listen_guess, listen_fault, false},
    {"account", NULL, NULL, NULL, account_guess, word_fault, false},
    {"t3", NULL, NULL, NULL, t3_guess, path_fault, false},
    {"plugin-dir", NULL, NULL, NULL, NULL, path_fault, true},
    {"templates", NULL, NULL, NULL, data_guess, path_fault, false},
    {"daemon", NULL, NULL, NULL, daemon_guess, path_fault, false},
};

static const char usage[] =
    "usage: t3opsctl init [--yes] [--force] [--dry-run] [--root DIR] [--NAME VALUE]...\n"
    "       asks for what no flag says, and writes t3ops.conf, user table, env files and snippets\n"
    "       --host HOST        public host name of t3\n"
    "       --proxy NAME       " PROXIES "\n"
    "       --sign-in NAME     " SIGN_INS "\n"
    "       --users LIST       NAME=OS_USER:PORT with commas between; keep: the user table that is there\n"
    "       --yes              take what is found here instead of asking\n"
    "       --force            write over files that are there\n"
    "       --dry-run          print the files instead of writing them\n"
    "The other flags are in t3opsctl(8).\n";

static const struct question *question_find(const char *name)
{
	for (size_t i = 0; i < sizeof questions / sizeof questions[0]; i++)
		if (strcmp(questions[i].name, name) == 0)
			return &questions[i];
	return NULL;
}

static bool is_choice(const char *choices, const char *text)
{
	size_t n = strlen(text);

	for (const char *at = strstr(choices, text); n > 0 && at != NULL; at = strstr(at + 1, text))
		if ((at == choices || at[-1] == ' ') && (at[n] == '\0' || at[n] == ' '))
			return true;
	return false;
}

/* NULL: nothing is wrong with it. */
static const char *fault_of(const struct init_answers *a, const struct question *q, const char *text)
{
	const char *fault = strcmp(q->name, "users") == 0 ? NULL : text_fault(text);

	if (text[0] == '\0')
		return q->may_be_empty ? NULL : "needs a value, for none was found here";
	if (fault == NULL && q->choices != NULL && !is_choice(q->choices, text))
		return q->choices; /* "expected one of" is said with it */
	return fault != NULL || q->fault == NULL ? fault : q->fault(a, text);
}

static void fault_print(const struct question *q, const char *text, const char *fault)
{
	fprintf(stderr, "t3opsctl: init: --%s%s%s: %s%s\n", q->name, text[0] != '\0' ? " " : "", text,
	        fault == q->choices ? "expected one of " : "", fault);
}

/* What somebody types, or the default if that is nothing; false: nobody is there. */
static bool line_ask(const struct question *q, const char *standard, char *out)
{
	printf("%s%s%s%s%s%s%s: ", q->text, q->choices != NULL ? " (" : "", q->choices != NULL ? q->choices : "",
	       q->choices != NULL ? ")" : "", standard[0] != '\0' ? " [" : "", standard,
	       standard[0] != '\0' ? "]" : "");
	fflush(stdout);
	if (fgets(out, TEXT_SIZE, stdin) == NULL) {
		putchar('\n');
		return false;
	}
	out[strcspn(out, "\n")] = '\0';
	if (out[0] == '\0')
		snprintf(out, TEXT_SIZE, "%s", standard);
	return true;
}

/* 0, or an error that has been printed. */
static int answer_get(struct init_answers *a, const struct question *q)
{
	char standard[TEXT_SIZE] = "", text[TEXT_SIZE] = "";
	const char *given = json_string_value(json_object_get(a->values, q->name)), *fault;
	bool asks = given == NULL && q->text != NULL && !a->yes;

	if (q->is_needed != NULL && !q->is_needed(a)) {
		if (given != NULL && given[0] != '\0')
			printf("--%s is not used with %s and %s\n", q->name, init_answer(a, "proxy"),
			       init_answer(a, "sign-in"));
		return json_object_set_new(a->values, q->name, json_string(""));
	}
	if (given == NULL && q->guess != NULL)
		q->guess(a, standard);
	do {
		bool is_typed = asks && line_ask(q, standard, text);

		if (!is_typed)
			snprintf(text, sizeof text, "%s", given != NULL ? given : standard);
		asks = is_typed;
		fault = fault_of(a, q, text);
		if (fault != NULL)
			fault_print(q, text, fault);
	} while (fault != NULL && asks);
	return fault != NULL ? -1 : json_object_set_new(a->values, q->name, json_string(text));
}

static int usage_error(const char *what, const char *word)
{
	fprintf(stderr, "t3opsctl: init: %s: %s\nTry: t3opsctl init --help\n", what, word);
	return 1 + 2;
}

/* --NAME=VALUE or --NAME VALUE.  0, or as init_answers_read. */
static int flag_read(struct init_answers *a, char **words, int n, int *took)
{
	const char *equals = strchr(words[0], '='), *value = equals != NULL ? equals + 1 : n > 1 ? words[1] : NULL;
	char name[32];

	snprintf(name, sizeof name, "%.*s", (int)strcspn(words[0], "="), words[0]);
	*took = equals != NULL ? 1 : 2;
	if (strncmp(name, "--", 2) != 0 || (question_find(name + 2) == NULL && strcmp(name, "--root") != 0))
		return usage_error("unexpected argument", words[0]);
	if (value == NULL)
		return usage_error("a value is missing behind", words[0]);
	if (strcmp(name, "--root") != 0)
		json_object_set_new(a->values, name + 2, json_string(value));
	else if (value[0] == '/') {
		free(a->root);
		a->root = strdup(strcmp(value, "/") == 0 ? "" : value);
	} else
		return usage_error("expected an absolute path", value);
	return 0;
}

static int flags_read(struct init_answers *a, int argc, char **argv)
{
	for (int i = 0, took, r; i < argc; i += took) {
		took = 1;
		if (strcmp(argv[i], "--yes") == 0)
			a->yes = true;
		else if (strcmp(argv[i], "--force") == 0)
			a->force = true;
		else if (strcmp(argv[i], "--dry-run") == 0)
			a->dry = true;
		else if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
			fputs(usage, stdout);
			return 1;
		} else if ((r = flag_read(a, argv + i, argc - i, &took)) != 0)
			return r;
	}
	return 0;
}

int init_answers_read(struct init_answers *a, int argc, char **argv)
{
	int r;

	*a = (struct init_answers){.values = json_object(), .root = strdup("")};
	r = flags_read(a, argc, argv);
	for (size_t i = 0; r == 0 && i < sizeof questions / sizeof questions[0]; i++)
		r = answer_get(a, &questions[i]) != 0 ? 1 + 2 : 0;
	return r;
}

void init_answers_fini(struct init_answers *a)
{
	json_decref(a->values);
	free(a->root);
}
