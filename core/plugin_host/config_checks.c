/* SPDX-License-Identifier: MIT */
/* Who is asked about a config; see config_checks.h. */
#include "plugin_host/config_checks.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "net/dir_owner.h"
#include "plugin_host/dry_host.h"
#include "sys/sandbox.h"
#include "users/user_list_load.h"

#define ACCOUNTS_FOR_US UINT64_C(5000000)

/* ---- the user table ---------------------------------------------------------------------------------------- */

static bool needs_users(const struct resolved_config *c)
{
	for (enum process_id id = PROCESS_PROXY; id < PROCESSES; id++) {
		struct process_config *config = process_config_new(c, id);
		bool needs = config && process_needs_users(config, id);

		process_config_free(config);
		if (needs)
			return true;
	}
	return false;
}

/* "users = ...: TEXT", a line for each row. */
static void users_report(const struct resolved_config *c, const struct user_list *users, int faults,
                         const struct config_faults *f)
{
	const char *path = c->options.users;

	for (size_t i = 0; i < users->n_faults; i++)
		config_fault_warn(f, CONF_CORE, NULL, "users", "users = \"%.200s\": %s", path, users->faults[i]);
	if (faults > (int)users->n_faults)
		config_fault_warn(f, CONF_CORE, NULL, "users", "users = \"%.200s\": %d more rows are at fault", path,
		                  faults - (int)users->n_faults);
}

/* A slow directory service must not cost the whole check its time. */
static int table_read(const struct resolved_config *c, struct user_list *users, char *why, size_t size)
{
	*users = (struct user_list){0};
	return needs_users(c)
	           ? user_list_load(users, c->options.users, c->options.upstream_env, ACCOUNTS_FOR_US, why, size)
	           : 0;
}

/* What is wrong with the table refuses nothing: a daemon that starts goes on with the users that are good, or with
 * the table of the process before.  Read as the account that the proxy reads it as. */
static void users_check(const struct resolved_config *c, const struct user_list *users, int faults, const char *why,
                        const struct config_faults *f)
{
	size_t unknown = 0;

	if (faults < 0)
		config_fault_warn(
		    f, CONF_CORE, NULL, "users", "users = \"%.200s\": %s%s; %s", c->options.users, why,
		    users->n_faults > 0 ? "; no row names a user, so this is not a user table" : "",
		    process_is_wanted(c, PROCESS_PROXY)
		        ? "until it can be read everybody is answered 503 after a start, and a reload is refused"
		        : "until it can be read there is nobody to do anything for after a start, and a reload "
		          "is refused");
	users_report(c, users, faults, f);
	for (size_t i = 0; i < users->n; i++)
		unknown += users->rows[i].os_user[0] != '\0' && !users->rows[i].is_asked;
	if (unknown > 0)
		config_fault_warn(
		    f, CONF_CORE, NULL, "users",
		    "users = \"%.200s\": %zu of %zu accounts could not be looked up within %u s, and are not "
		    "checked: is the directory service slow or down?",
		    c->options.users, unknown, users->n, (unsigned)(ACCOUNTS_FOR_US / 1000000));
}

/* ---- sockets ------------------------------------------------------------------------------------------------- */

/* Of the packaged path the directory comes with the service, and is its account's. */
static bool is_made_by_service(const char *dir)
{
	return strcmp(dir, T3OPS_RUNSTATEDIR "/t3ops") == 0;
}

/* A node of the same kind, made and removed: only so the file system says what it takes.  0 or -errno. */
static int socket_try(const char *dir)
{
	int at = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC), r = at < 0 ? -errno : 0;
	char name[32];

	snprintf(name, sizeof name, ".t3ops-check.%ld", (long)getpid());
	if (r == 0 && mknodat(at, name, S_IFSOCK | S_IRUSR | S_IWUSR, 0) < 0)
		r = -errno;
	else if (r == 0)
		unlinkat(at, name, 0);
	if (at >= 0)
		close(at);
	return r;
}

/* The daemon that runs has it open already, and a reload leaves it alone. */
static bool is_served(const char *path)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	bool served;

	snprintf(a.sun_path, sizeof a.sun_path, "%s", path);
	served = fd >= 0 && (connect(fd, (const struct sockaddr *)&a, sizeof a) == 0 || errno == EAGAIN);
	if (fd >= 0)
		close(fd);
	return served;
}

/* An option whose value names a Unix socket. */
struct socket_option {
	const char *name, *value, *path;
};

static void socket_dir_check(const struct socket_option *o, const char *dir, const struct config_faults *f)
{
	int r = is_served(o->path) ? 0 : socket_try(dir);

	if (r == 0)
		return;
	if (is_made_by_service(dir))
		config_fault_warn(f, CONF_CORE, NULL, o->name, "%s = \"%.120s\": %.120s: %s%s", o->name, o->value,
		                  dir, strerror(-r),
		                  r == -ENOENT ? "; expected that the service manager makes it"
		                               : "; expected that t3ops is started as the service");
	else if (r == -ENOENT && access(dir, F_OK) == 0) /* /proc */
		config_fault_error(f, CONF_CORE, NULL, o->name, "%s = \"%.120s\": no socket can be made in %.120s",
		                   o->name, o->value, dir);
	else
		config_fault_error(f, CONF_CORE, NULL, o->name, "%s = \"%.120s\": %.120s: %s%s", o->name, o->value,
		                   dir, strerror(-r),
		                   r == -ENOENT    ? ": create it"
		                   : r == -ENOTDIR ? ""
		                                   : ": name a directory that t3ops can write to");
}

static void path_split(const char *path, char dir[256], const char **name)
{
	const char *slash = strrchr(path, '/');

	snprintf(dir, 256, "%.*s", (int)(slash > path ? slash - path : 1), path);
	*name = slash + 1;
}

/* The supervisor binds it, before any process starts. */
static void socket_check(const char *name, const char *value, const char *path, const struct config_faults *f)
{
	const struct socket_option o = {name, value, path};
	const char *last;
	char dir[256];
	struct stat st;

	if (lstat(path, &st) == 0 && !S_ISSOCK(st.st_mode)) {
		config_fault_error(f, CONF_CORE, NULL, name,
		                   "%s = \"%.120s\": something else than a socket has that name", name, value);
		return;
	}
	path_split(path, dir, &last);
	socket_dir_check(&o, dir, f);
}

/* By whatever way. */
static bool is_same_socket(const char *a, const char *b)
{
	char dir_a[256], dir_b[256];
	const char *name_a, *name_b;
	struct stat at_a, at_b;

	path_split(a, dir_a, &name_a);
	path_split(b, dir_b, &name_b);
	return strcmp(name_a, name_b) == 0 && stat(dir_a, &at_a) == 0 && stat(dir_b, &at_b) == 0 &&
	       at_a.st_dev == at_b.st_dev && at_a.st_ino == at_b.st_ino;
}

/* The n-th of listen: is one before it, or that of control, the same? */
static void listen_twice_check(const struct core_options *o, size_t n, const struct config_faults *f)
{
	const char *text = o->listen.items[n];

	for (size_t i = 0; i < n; i++)
		if (strncmp(o->listen.items[i], "unix:", 5) == 0 && strcmp(o->listen.items[i], text) != 0 &&
		    is_same_socket(o->listen.items[i] + 5, text + 5))
			config_fault_error(f, CONF_CORE, NULL, "listen",
			                   "listen: \"%.120s\" and \"%.120s\" name one socket: remove one",
			                   o->listen.items[i], text);
	if (is_same_socket(o->control, text + 5))
		config_fault_error(
		    f, CONF_CORE, NULL, "listen",
		    "listen: \"%.120s\" and \"%.120s\" of control name one socket: expected another path", text,
		    o->control);
}

/* root's, or that of the account that t3ops is started as. */
static bool is_closed_to_others(const char *path)
{
	uid_t owner;

	return dir_owner(path, &owner) && (owner == 0 || owner == geteuid());
}

/* Whoever listens there first is sent all that is meant for t3ops. */
static void listen_dir_warn(const char *text, const struct config_faults *f)
{
	char dir[256];
	const char *name;

	path_split(text + 5, dir, &name);
	if (!is_made_by_service(dir) && !is_closed_to_others(text + 5))
		config_fault_warn(
		    f, CONF_CORE, NULL, "listen",
		    "listen = \"%.120s\": others than root can make or replace %.120s, and listen there "
		    "before t3ops does: expected a directory of root's, below directories of root's",
		    text, dir);
}

/* Why nothing can listen there, whoever else does; NULL: something can. */
static const char *bind_fault(const struct sockaddr *a, socklen_t len)
{
	int on = 1, r, error, fd = socket(a->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return strerror(errno);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	r = bind(fd, a, len);
	error = errno;
	close(fd);
	if (r == 0 || error == EADDRINUSE)
		return NULL;
	if (error == EADDRNOTAVAIL)
		return "this machine has no such address";
	return error == EACCES ? "ports below 1024 need CAP_NET_BIND_SERVICE (see the unit)" : strerror(error);
}

static const char *v4_fault(struct sockaddr_in *a)
{
	uint32_t host = ntohl(a->sin_addr.s_addr);

	a->sin_family = AF_INET;
	if (IN_MULTICAST(host) || host == INADDR_BROADCAST)
		return "nobody can connect to a group's address";
	return bind_fault((const struct sockaddr *)a, sizeof *a);
}

static const char *v6_fault(struct sockaddr_in6 *a)
{
	a->sin6_family = AF_INET6;
	if (IN6_IS_ADDR_MULTICAST(&a->sin6_addr))
		return "nobody can connect to a group's address";
	if (IN6_IS_ADDR_LINKLOCAL(&a->sin6_addr))
		return "a link-local address needs a device, which cannot be named here: expected another address";
	return bind_fault((const struct sockaddr *)a, sizeof *a);
}

static void address_check(const char *option, const char *text, const struct config_faults *f)
{
	char host[64];
	struct sockaddr_in v4 = {0};
	struct sockaddr_in6 v6 = {0};
	const char *fault = NULL;
	int port;

	if (strncmp(text, "unix:", 5) == 0) {
		socket_check(option, text, text + 5, f);
		return;
	}
	if (!address_parse(text, host, sizeof host, &port) || port < 0)
		return;
	v4.sin_port = v6.sin6_port = htons((in_port_t)port);
	if (inet_pton(AF_INET, host, &v4.sin_addr) == 1)
		fault = v4_fault(&v4);
	else if (inet_pton(AF_INET6, host, &v6.sin6_addr) == 1)
		fault = v6_fault(&v6);
	if (fault)
		config_fault_error(f, CONF_CORE, NULL, option, "%s: \"%s\": %s", option, text, fault);
}

/* It names users, their addresses and their troubles. */
static void status_warn(const char *text, bool has_token, const struct config_faults *f)
{
	if (has_token)
		return;
	if (strncmp(text, "0.0.0.0:", 8) == 0 || strncmp(text, "[::]:", 5) == 0)
		config_fault_warn(
		    f, CONF_CORE, NULL, "status_listen",
		    "status_listen = \"%s\": whoever reaches this machine can read who uses it and from "
		    "where; expected an address of the loopback interface, or of a network of its own, or "
		    "page_token_file",
		    text);
}

static void listen_check(const struct core_options *o, size_t n, const struct config_faults *f)
{
	const char *text = o->listen.items[n];

	address_check("listen", text, f);
	if (strncmp(text, "unix:", 5) != 0)
		return;
	listen_twice_check(o, n, f);
	listen_dir_warn(text, f);
}

static void addresses_check(const struct resolved_config *c, const struct config_faults *f)
{
	for (size_t i = 0; i < c->options.listen.n; i++)
		listen_check(&c->options, i, f);
	address_check("status_listen", c->options.status_listen, f);
	status_warn(c->options.status_listen, c->page_token[0] != '\0', f);
}

static const struct process_ops *ops_of(void *arg, enum process_id id)
{
	const struct process_ops *const *ops = arg;

	return ops[id];
}

static void commands_check(void *arg, const struct resolved_config *c, const struct config_faults *f)
{
	struct user_list users;
	char why[320];

	socket_check("control", c->options.control, c->options.control, f);
	addresses_check(c, f);
	table_read(c, &users, why, sizeof why);
	for (enum process_id id = PROCESS_PROXY; id < PROCESSES; id++) {
		const struct process_ops *ops = ops_of(arg, id);
		struct process_config *config = ops && ops->check_commands ? process_config_new(c, id) : NULL;

		if (config)
			ops->check_commands(config, &users, f);
		process_config_free(config);
	}
	user_list_fini(&users);
}

static void plugin_check(void *arg, const struct plugin_section *s, const struct t3ops_plugin *p,
                         const struct config_faults *f)
{
	(void)arg;
	plugin_dry_run(s, p, f);
}

/* In a process of its own, for there is no way back. */
static bool sandbox_is_whole(void)
{
	int status = 0;
	pid_t pid = fork();

	if (pid == 0) {
		const struct sandbox_rules none = {0};
		struct sandbox s;

		sandbox_enter(&none, &s);
		_exit(s.missing ? EXIT_FAILURE : EXIT_SUCCESS);
	}
	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return pid > 0 && WIFEXITED(status) && WEXITSTATUS(status) == EXIT_SUCCESS;
}

/* Option sandbox insists on all of it. */
static void sandbox_check(const struct resolved_config *c, const struct config_faults *f)
{
	if (c->options.sandbox == SANDBOX_ON && !sandbox_is_whole())
		config_fault_error(
		    f, CONF_CORE, NULL, "sandbox",
		    "sandbox = \"on\": this kernel or this build lacks a part of it; \"auto\" takes what there is");
}

static void whole_check(void *arg, const struct resolved_config *c, const struct config_faults *f)
{
	struct user_list users;
	char why[320];
	int faults = table_read(c, &users, why, sizeof why);

	for (enum process_id id = PROCESS_PROXY; id < PROCESSES; id++) {
		const struct process_ops *ops = ops_of(arg, id);
		struct process_config *config = ops && ops->check ? process_config_new(c, id) : NULL;

		if (config)
			ops->check(config, &users, f);
		process_config_free(config);
	}
	users_check(c, &users, faults, why, f);
	user_list_fini(&users);
	sandbox_check(c, f);
}

struct config_checks config_checks_of(const struct process_ops *const ops[PROCESSES])
{
	return (struct config_checks){
	    .commands = commands_check, .plugin = plugin_check, .whole = whole_check, .arg = (void *)(uintptr_t)ops};
}
