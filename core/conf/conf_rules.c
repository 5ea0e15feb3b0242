/* SPDX-License-Identifier: MIT */
/* The rules, one function each.  An option that had a config_error already is missing and passes. */
#include "conf/conf_rules.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <grp.h>
#include <netinet/in.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/un.h>
#include <unistd.h>

#include "net/field_name.h"
#include "options/core_options.h"
#include "options/option.h"
#include "options/parse.h"
#include "sys/secret_file.h"
#include "sys/words.h"

#define SECOND_US INT64_C(1000000)

/* A section and its values, for config_errors that carry its label and the option's line. */
struct part {
	const struct conf_scan *s;
	size_t section;
	const struct option_set *values;
	struct config_errors *c;
	char label[96];
};

static struct part part_of(const struct conf_scan *s, size_t section, const struct option_set *values,
                           struct config_errors *c)
{
	struct part p = {s, section, values, c, ""};

	conf_label(s, section, p.label, sizeof p.label);
	return p;
}

#define EXPECT_ERROR(p, option, fmt, ...)                                                                            \
	config_errors_add((p)->c, conf_line((p)->s, (p)->section, option), "%s%s" fmt, (p)->label, option,           \
	                  __VA_ARGS__)

static const char *text_of(const struct part *p, const char *option)
{
	return option_set_text(p->values, option);
}

/* -1 if the option is missing. */
static int64_t number_of(const struct part *p, const char *option)
{
	const struct option_value *v = option_set_get(p->values, option);

	return v && option_kind(v->type) == OPTION_NUMBER ? v->number : -1;
}

static const struct text_list *list_of(const struct part *p, const char *option)
{
	return option_set_list(p->values, option);
}

/* ---- core --------------------------------------------------------------------------------- */

static void check_segments(const struct part *p, const char *option)
{
	const struct text_list *list = list_of(p, option);

	for (size_t i = 0; i < list->n; i++) {
		const char *name = list->items[i];

		for (size_t k = 0; k < i; k++)
			if (strcmp(list->items[k], name) == 0)
				EXPECT_ERROR(p, option, ": duplicate segment \"%.60s\"", name);
	}
}

static void check_user_path(const struct part *p)
{
	const struct text_list *path = list_of(p, "user_path"), *own = list_of(p, "per_user");
	bool given = option_set_get(p->values, "user_path") != NULL;

	check_segments(p, "user_path");
	check_segments(p, "per_user");
	if (given && path->n == 0)
		EXPECT_ERROR(p, "user_path", "%s", ": expected at least one segment, the t3 server");
	for (size_t i = 0; i < own->n && path->n > 0; i++)
		if (!text_list_has(path, own->items[i])) {
			EXPECT_ERROR(p, conf_has(p->s, p->section, "per_user") ? "per_user" : "user_path",
			             ": segment \"%.60s\", of per_user, is not in user_path: add it, or set per_user",
			             own->items[i]);
			return;
		}
}

static void check_accounts(const struct part *p)
{
	static const char *const options[] = {"user", "user_proxy", "user_prober", "user_monitor", "user_jobs"};

	for (size_t i = 0; i < sizeof options / sizeof options[0]; i++) {
		const char *account = text_of(p, options[i]);

		if (account && account[0] != '\0' && !getpwnam(account))
			EXPECT_ERROR(p, options[i],
			             " = \"%.60s\": no such account on this machine; create it, or name another",
			             account);
	}
}

static void check_vantage(const struct part *p)
{
	const char *name = text_of(p, "vantage");

	if (name && name[0] != '\0' && !name_valid(name, NAME_MAX_BYTES))
		EXPECT_ERROR(p, "vantage", " = \"%.60s\": expected a name of at most %d letters, digits, - and _",
		             name, NAME_MAX_BYTES);
}

static void check_listen_access(const struct part *p)
{
	const char *mode = text_of(p, "listen_mode"), *group = text_of(p, "listen_group");
	char *end = NULL;
	unsigned long bits = mode ? strtoul(mode, &end, 8) : 0;

	if (mode && (end == mode || *end != '\0' || bits > 0777))
		EXPECT_ERROR(p, "listen_mode", " = \"%.60s\": expected an octal number such as 0660", mode);
	if (group && group[0] != '\0' && !getgrnam(group))
		EXPECT_ERROR(p, "listen_group",
		             " = \"%.60s\": no such group on this machine; create it, or name another", group);
}

static void check_proxy_protocol(const struct part *p)
{
	const struct text_list *listen = list_of(p, "listen"), *some = list_of(p, "proxy_protocol");

	for (size_t i = 0; i < some->n; i++)
		if (!text_list_has(listen, some->items[i]))
			EXPECT_ERROR(p, "proxy_protocol",
			             ": \"%.120s\": expected an address of listen, written as there", some->items[i]);
}

static void check_listen(const struct part *p)
{
	const struct text_list *listen = list_of(p, "listen");
	const char *status = text_of(p, "status_listen");

	if (status && strncmp(status, "unix:", 5) == 0)
		EXPECT_ERROR(p, "status_listen", " = \"%.120s\": expected ADDRESS:PORT with a numeric address",
		             status);
	check_listen_access(p);
	check_proxy_protocol(p);

	if (option_set_get(p->values, "listen") && listen->n == 0)
		EXPECT_ERROR(p, "listen", "%s", ": expected at least one address");
	if (listen->n > LISTEN_ADDRESSES_MAX)
		EXPECT_ERROR(p, "listen", ": %zu addresses, expected at most %d", listen->n, LISTEN_ADDRESSES_MAX);
}

/* An address as IPv6 has it, IPv4 mapped, however it is written; false: without a port that could be taken. */
static bool endpoint_read(const char *text, struct in6_addr *host, int *port)
{
	char name[64];
	struct in_addr v4;

	if (!address_parse(text, name, sizeof name, port) || *port <= 0)
		return false;
	if (inet_pton(AF_INET, name, &v4) != 1)
		return inet_pton(AF_INET6, name, host) == 1;
	*host = (struct in6_addr){.s6_addr = {[10] = 0xff, [11] = 0xff}};
	memcpy(host->s6_addr + 12, &v4, sizeof v4);
	return true;
}

/* 0.0.0.0, also as ::ffff:0.0.0.0 */
static bool is_any_v4(const struct in6_addr *a)
{
	return IN6_IS_ADDR_V4MAPPED(a) && a->s6_addr32[3] == 0;
}

/* Whether one alone can be bound: [::] takes IPv4, too. */
static bool addresses_exclude(const char *a, const char *b)
{
	struct in6_addr host_a, host_b;
	int port_a, port_b;

	if (strncmp(a, "unix:", 5) == 0)
		return strcmp(a, b) == 0;
	if (!endpoint_read(a, &host_a, &port_a) || !endpoint_read(b, &host_b, &port_b) || port_a != port_b)
		return false;
	if (IN6_ARE_ADDR_EQUAL(&host_a, &host_b) || IN6_IS_ADDR_UNSPECIFIED(&host_a) ||
	    IN6_IS_ADDR_UNSPECIFIED(&host_b))
		return true;
	return (is_any_v4(&host_a) && IN6_IS_ADDR_V4MAPPED(&host_b)) ||
	       (is_any_v4(&host_b) && IN6_IS_ADDR_V4MAPPED(&host_a));
}

static void check_address_pairs(const struct part *p)
{
	const struct text_list *listen = list_of(p, "listen");
	const char *status = text_of(p, "status_listen");

	for (size_t i = 0; i < listen->n; i++) {
		for (size_t k = 0; k < i; k++)
			if (addresses_exclude(listen->items[k], listen->items[i]))
				EXPECT_ERROR(p, "listen", ": \"%s\" and \"%s\" cannot both be bound: remove one",
				             listen->items[k], listen->items[i]);
		if (status && addresses_exclude(status, listen->items[i]))
			EXPECT_ERROR(p, "status_listen",
			             " = \"%s\": conflicts with \"%s\" of listen: expected another port", status,
			             listen->items[i]);
	}
}

/* The proxy drops both from what it forwards, and everything that could be taken for them. */
static void check_header(const struct part *p, const char *option)
{
	const char *name = text_of(p, option);

	if (name && field_name_is_taken(span_of(name)))
		EXPECT_ERROR(p, option,
		             " = \"%.80s\": it has a meaning of its own in HTTP, and would be removed from requests; "
		             "expected a header that only your proxy sets",
		             name);
}

static void check_headers(const struct part *p)
{
	const char *identity = text_of(p, "identity_header"), *secret = text_of(p, "proxy_secret_header");

	check_header(p, "identity_header");
	check_header(p, "proxy_secret_header");
	if (identity && secret && strlen(identity) == strlen(secret) &&
	    field_name_is_alias(span_of(secret), span_of(identity)))
		EXPECT_ERROR(p, "proxy_secret_header",
		             " = \"%.80s\": expected another header than identity_header, which is the same", secret);
}

/* As a Host says it, without its port. */
static bool is_host_name(const char *name)
{
	size_t label = 0, len = strlen(name);

	for (size_t i = 0; i < len; i++) {
		bool dot = name[i] == '.';

		if ((dot && label == 0) ||
		    (!dot && !isalnum((unsigned char)name[i]) && name[i] != '-' && name[i] != '_'))
			return false;
		label = dot ? 0 : label + 1;
	}
	return label > 0 && len < 254;
}

/* One that is never asked for would be without effect. */
static void check_status_hosts(const struct part *p)
{
	const struct text_list *hosts = list_of(p, "status_hosts");

	for (size_t i = 0; hosts && i < hosts->n; i++)
		if (!is_host_name(hosts->items[i]))
			EXPECT_ERROR(p, "status_hosts", ": \"%.120s\": expected a host name without a port",
			             hosts->items[i]);
}

static void check_core_words(const struct part *p)
{
	const char *control = text_of(p, "control"), *env = text_of(p, "upstream_env");

	if (control && strlen(control) >= sizeof((struct sockaddr_un *)0)->sun_path)
		EXPECT_ERROR(p, "control", " = \"%.120s\": too long for a Unix socket, expected at most %zu bytes",
		             control, sizeof((struct sockaddr_un *)0)->sun_path - 1);
	if (env && *env && (*env != '/' || !strstr(env, "%u")))
		EXPECT_ERROR(p, "upstream_env", " = \"%.120s\": expected an absolute path with %%u for the OS user",
		             env);
}

/* 0 has a meaning, and what is just above it none. */
static void check_zero_or(const struct part *p, const char *option, int64_t least_us, const char *zero)
{
	int64_t value = number_of(p, option);
	char given[32], least[32];

	if (value <= 0 || value >= least_us)
		return;
	duration_format(value, given, sizeof given);
	duration_format(least_us, least, sizeof least);
	EXPECT_ERROR(p, option, " = \"%s\": expected at least \"%s\", or \"0\" for %s", given, least, zero);
}

/* Processes get the digest only, and not the file's name. */
static void secret_read(const struct part *p, const char *option, char digest[SECRET_DIGEST_HEX])
{
	const char *path = text_of(p, option), *fault;

	digest[0] = '\0';
	if (!path || !*path)
		return;
	fault = secret_file_digest(path, digest);
	if (!fault)
		return;
	digest[0] = '\0';
	EXPECT_ERROR(p, option, " = \"%.200s\": %s", path, fault);
}

void rules_core(const struct conf_scan *s, const struct option_set *core, bool as_root,
                const struct conf_secrets *secrets, struct config_errors *c)
{
	struct part p = part_of(s, 0, core, c);

	check_listen(&p);
	check_address_pairs(&p);
	check_core_words(&p);
	check_headers(&p);
	check_status_hosts(&p);
	check_zero_or(&p, "recheck_tunnels", SECOND_US, "never");
	check_zero_or(&p, "journal_retain", 3600 * SECOND_US, "no limit");
	secret_read(&p, "proxy_secret_file", secrets->proxy_secret);
	secret_read(&p, "probe_key_file", secrets->probe_key);
	secret_read(&p, "page_token_file", secrets->page_token);
	secret_read(&p, "vantage_key_file", secrets->vantage_key);
	check_user_path(&p);
	if (as_root)
		check_accounts(&p);
	check_vantage(&p);
}

/* ---- commands ------------------------------------------------------------------------------- */

/* False: it was reported. */
static bool check_program(const struct part *p, const struct text_list *argv)
{
	if (argv->n == 1 && strpbrk(argv->items[0], " \t") && access(argv->items[0], F_OK) < 0) {
		EXPECT_ERROR(
		    p, "argv",
		    ": \"%.100s\" is one word with blanks; write a list: { \"/path/to/program\", \"argument\" }",
		    argv->items[0]);
		return false;
	}
	if (*argv->items[0] == '/')
		return true;
	EXPECT_ERROR(p, "argv", ": \"%.100s\": expected the program's absolute path; PATH is not searched",
	             argv->items[0]);
	return false;
}

static void check_placeholders(const struct part *p, const char *word)
{
	for (const char *at = strchr(word, '%'); at; at = strchr(at + 2, '%'))
		if (!at[1] || !strchr("uhnp%", at[1])) {
			EXPECT_ERROR(p, "argv",
			             ": \"%.100s\": expected %%u, %%h, %%n, %%p or %%%% after a percent sign", word);
			return;
		}
}

void rules_command(const struct conf_scan *s, size_t section, const struct option_set *command,
                   struct config_errors *c)
{
	struct part p = part_of(s, section, command, c);
	const struct text_list *argv = list_of(&p, "argv");

	if (argv->n > 0)
		check_program(&p, argv);
	for (size_t i = 0; i < argv->n; i++)
		check_placeholders(&p, argv->items[i]);
}

static bool command_exists(const struct resolved_config *config, const char *name)
{
	for (size_t i = 0; i < config->n_commands; i++)
		if (strcmp(config->commands[i].name, name) == 0)
			return true;
	return false;
}

void rules_command_names(const struct conf_scan *s, size_t section, const struct option_set *options,
                         const struct resolved_config *config, struct config_errors *c)
{
	struct part p = part_of(s, section, options, c);

	for (size_t i = 0; i < options->n; i++) {
		const struct named_value *row = &options->rows[i];

		if (row->value.type == T3OPS_OPT_COMMAND && *row->value.text &&
		    !command_exists(config, row->value.text))
			EXPECT_ERROR(&p, row->name, " = \"%.63s\": there is no section command \"%.63s\" { ... }",
			             row->value.text, row->value.text);
	}
}

/* ---- legs and jobs -------------------------------------------------------------------------- */

static void check_order(const struct part *p, const char *smaller, const char *larger, bool may_equal)
{
	int64_t low = number_of(p, smaller), high = number_of(p, larger);
	struct t3ops_option o = {.type = T3OPS_OPT_DURATION};
	char low_text[32], high_text[32];

	if (low < 0 || high < 0 || low < high || (may_equal && low == high))
		return;
	option_number(&o, low, low_text, sizeof low_text);
	option_number(&o, high, high_text, sizeof high_text);
	config_errors_add(p->c,
	                  conf_has(p->s, p->section, smaller) ? conf_line(p->s, p->section, smaller)
	                                                      : conf_line(p->s, p->section, larger),
	                  "%s%s = \"%s\": expected less than %s, which is \"%s\"", p->label, smaller, low_text,
	                  larger, high_text);
}

/* IPv4 or IPv6; 0: no address. */
static int family_of(const char *text)
{
	unsigned char bin[16];
	char host[64];
	int port;

	if (!address_parse(text, host, sizeof host, &port))
		return 0;
	return inet_pton(AF_INET, host, bin) == 1 ? AF_INET : AF_INET6;
}

/* From an address of one family nothing of the other can be reached. */
static void check_families(const struct part *p)
{
	const struct named_value *rows = p->values->rows, *out = NULL;

	for (size_t i = 0; i < p->values->n; i++)
		if (rows[i].value.type == T3OPS_OPT_INTERFACE && family_of(rows[i].value.text) != 0)
			out = &rows[i];
	for (size_t i = 0; out && i < p->values->n; i++)
		if (rows[i].value.type == T3OPS_OPT_ADDRESS && family_of(rows[i].value.text) != 0 &&
		    family_of(rows[i].value.text) != family_of(out->value.text))
			EXPECT_ERROR(p, out->name, " = \"%.60s\": of another family than %s = \"%.60s\"",
			             out->value.text, rows[i].name, rows[i].value.text);
}

static void check_leg_times(const struct part *p)
{
	check_zero_or(p, "fresh", SECOND_US / 10, "never");
	check_order(p, "heartbeat", "watchdog", false);
	check_order(p, "late", "watchdog", false);
	check_order(p, "reconnect_min", "reconnect_max", true);
}

void rules_leg_defaults(const struct conf_scan *s, size_t section, const struct option_set *options,
                        struct config_errors *c)
{
	struct part p = part_of(s, section, options, c);

	check_leg_times(&p);
}

void rules_leg(const struct conf_scan *s, size_t section, struct option_set *options, struct config_errors *c)
{
	struct part p = part_of(s, section, options, c);
	const struct text_list *segments = list_of(&p, "segments");
	const char *edge = text_of(&p, "edge");
	char *first;

	if (option_set_get(options, "segments") && segments->n == 0)
		EXPECT_ERROR(&p, "segments", "%s", ": expected at least one segment");
	check_segments(&p, "segments");
	check_segments(&p, "resolver_segments");
	check_families(&p);
	check_leg_times(&p);
	if (segments->n == 0 || !edge)
		return;
	if (*edge && !text_list_has(segments, edge))
		EXPECT_ERROR(&p, "edge", " = \"%.60s\": expected one of the leg's segments", edge);
	first = *edge ? NULL : strdup(segments->items[0]);
	if (first)
		option_set_put(options, "edge", (struct option_value){.type = T3OPS_OPT_SEGMENT, .text = first});
}

void rules_job(const struct conf_scan *s, size_t section, const struct option_set *options, struct config_errors *c)
{
	struct part p = part_of(s, section, options, c);

	check_zero_or(&p, "every", SECOND_US, "never");
	if (number_of(&p, "at") >= 0 && number_of(&p, "every") > 0)
		EXPECT_ERROR(&p, "every", "%s", ": expected either at or every, both are given");
}

/* ---- notify sections -------------------------------------------------------------------------- */

static void check_one_of(const struct part *p, const char *option, const char *words)
{
	const char *value = text_of(p, option);

	if (value && !words_have(words, value))
		EXPECT_ERROR(p, option, " = \"%.60s\": expected one of: %s", value, words);
}

void rules_notify(const struct conf_scan *s, size_t section, const struct option_set *options,
                  struct config_errors *c)
{
	struct part p = part_of(s, section, options, c);
	const struct text_list *argv = list_of(&p, "argv");

	if (argv->n > 0)
		check_program(&p, argv);
	check_one_of(&p, "format", "json text");
	check_one_of(&p, "min_severity", "info warning critical");
	check_order(&p, "retry_min", "retry_max", true);
	check_segments(&p, "segments");
}

/* ---- titles ----------------------------------------------------------------------------------- */

static void check_leg_defaults_once(const struct conf_scan *s, size_t i, struct config_errors *c)
{
	for (size_t k = 1; k < i; k++)
		if (s->sections[k].kind == CONF_LEG_DEFAULTS) {
			config_errors_add(c, s->sections[i].line,
			                  "leg_defaults is a duplicate of line %u: write its options there",
			                  s->sections[k].line);
			return;
		}
}

static void check_title(const struct conf_scan *s, size_t i, struct config_errors *c)
{
	const struct conf_section *sec = &s->sections[i];
	const char *what = conf_kind_word(sec->kind);

	if (*sec->title && !name_valid(sec->title, NAME_MAX_BYTES))
		config_errors_add(c, sec->line,
		                  "%s \"%.60s\": expected a name of at most %d letters, digits, _, - and .", what,
		                  sec->title, NAME_MAX_BYTES);
	if (sec->kind == CONF_LEG_DEFAULTS) {
		check_leg_defaults_once(s, i, c);
		return;
	}
	for (size_t k = 1; k < i; k++)
		if (s->sections[k].kind == sec->kind && strcmp(s->sections[k].title, sec->title) == 0) {
			config_errors_add(
			    c, sec->line, "%s \"%.60s\" is a duplicate of line %u; a second one needs a %s", what,
			    sec->title, s->sections[k].line,
			    sec->kind == CONF_PLUGIN ? "name of its own and module = \"...\"" : "name of its own");
			return;
		}
}

void rules_titles(const struct conf_scan *s, struct config_errors *c)
{
	for (size_t i = 1; i < s->n_sections; i++)
		check_title(s, i, c);
}
