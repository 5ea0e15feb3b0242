/* SPDX-License-Identifier: MIT */
/* Binding the listening sockets; see listeners.h. */
#include "supervisor/listeners.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <netinet/tcp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "obs/log.h"
#include "supervisor/socket_address.h"

#define BACKLOG 4096

enum process_id listener_process(const struct listener *l)
{
	return strcmp(l->name, "proxy") == 0 ? PROCESS_PROXY : PROCESS_MONITOR;
}

/* SO_REUSEPORT comes after bind(2) for the first one: an address that somebody else uses, another t3ops
 * included, is refused; and before it for those that join the first. */
static int tcp_bind(const char *text, bool join, struct listener *out)
{
	union socket_address a;
	socklen_t len;
	int on = 1, fd;

	if (!socket_address_parse(text, &a, &len))
		return -EINVAL;
	fd = socket(a.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on); /* inherited by what is accepted */
	if ((join && setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) < 0) || bind(fd, &a.any, len) < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) < 0 || listen(fd, BACKLOG) < 0) {
		int error = errno;

		close(fd);
		return -error;
	}
	out->fd = fd;
	socket_address_name(fd, out->address, sizeof out->address);
	return 0;
}

/* What connecting to this socket file says; never waits. */
static int connect_error(const union socket_address *a)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), error;

	if (fd < 0)
		return errno;
	error = connect(fd, &a->any, sizeof a->local) == 0 ? 0 : errno;
	close(fd);
	return error;
}

static bool is_socket(const char *path, struct stat *st)
{
	return lstat(path, st) == 0 && S_ISSOCK(st->st_mode);
}

/* Makes way for a socket of that name: what a daemon that is gone left there is removed, nothing else is; EAGAIN is
 * one that has no time to accept.  0 or -errno. */
static int path_clear(const union socket_address *a)
{
	const char *path = a->local.sun_path;
	int error = connect_error(a);
	struct stat st;

	if (error == ENOENT)
		return 0;
	if (error == 0 || error == EAGAIN)
		return -EADDRINUSE;
	if (error != ECONNREFUSED)
		return -error;
	if (!is_socket(path, &st))
		return -ENOTSOCK;
	return unlink(path) < 0 ? -errno : 0;
}

/* Who may connect to a Unix socket. */
struct access {
	mode_t mode;
	gid_t group; /* (gid_t)-1: as it is */
};

/* The socket stays root's, whom its own mode lets connect even without capabilities; the group of the account that
 * the monitor drops to may use it. */
static struct access control_access(const struct core_options *options)
{
	const struct passwd *pw = geteuid() == 0 ? getpwnam(options->user) : NULL;

	return (struct access){0660, pw ? pw->pw_gid : (gid_t)-1};
}

/* The check of the config has read both. */
static struct access listen_access(const struct core_options *options)
{
	const struct group *group = options->listen_group[0] != '\0' ? getgrnam(options->listen_group) : NULL;

	return (struct access){(mode_t)strtoul(options->listen_mode, NULL, 8), group ? group->gr_gid : (gid_t)-1};
}

/* The file that has that name, not one that a link there leads to; -errno if it is no socket. */
static int socket_file_open(const char *path)
{
	int fd = open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) == 0 && S_ISSOCK(st.st_mode))
		return fd;
	close(fd);
	return -ENOTSOCK;
}

/* 0 or -errno.  A group that cannot be given costs its members the socket, and nobody else. */
static int access_give(const char *path, struct access access)
{
	int fd = socket_file_open(path), r = 0;
	char file[32];

	if (fd < 0)
		return fd;
	if (access.group != (gid_t)-1 && fchownat(fd, "", (uid_t)-1, access.group, AT_EMPTY_PATH) < 0)
		log_write(LOG_L_WARNING, "socket_group_failed", kv_path(path), kv_errno(errno));
	snprintf(file, sizeof file, "/proc/self/fd/%d", fd); /* fchmod(2) takes no such descriptor */
	if (chmod(file, access.mode) < 0)
		r = -errno;
	close(fd);
	return r;
}

/* Nobody else can connect before it is clear who may. */
static int unix_bind(const char *path, struct access access, int backlog, struct bound *out)
{
	union socket_address a = {.local = {.sun_family = AF_UNIX}};
	struct stat st;
	mode_t mask;
	int fd, r;

	if (strlen(path) >= sizeof a.local.sun_path)
		return -ENAMETOOLONG;
	strcpy(a.local.sun_path, path);
	r = path_clear(&a);
	if (r < 0)
		return r;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	mask = umask(0177);
	r = bind(fd, &a.any, sizeof a.local) < 0 ? -errno : 0;
	umask(mask);
	if (r == 0)
		r = access_give(path, access);
	if (r == 0 && (listen(fd, backlog) < 0 || !is_socket(path, &st)))
		r = -errno;
	if (r < 0) {
		close(fd);
		return r;
	}
	out->device = st.st_dev;
	out->inode = st.st_ino;
	out->listener.fd = fd;
	strcpy(out->listener.address, out->configured);
	return 0;
}

static const struct bound *bound_find(const struct listeners *l, const char *name, const char *configured,
                                      unsigned worker)
{
	for (size_t i = 0; l && i < l->n; i++)
		if (l->rows[i].worker == worker && strcmp(l->rows[i].listener.name, name) == 0 &&
		    strcmp(l->rows[i].configured, configured) == 0)
			return &l->rows[i];
	return NULL;
}

/* Whether a set has the same socket; of a Unix socket that of any worker. */
static bool is_shared(const struct bound *b, const struct listeners *set)
{
	const struct bound *other = bound_find(set, b->listener.name, b->configured, b->inode != 0 ? 0 : b->worker);

	return other && other->device == b->device && other->inode == b->inode;
}

/* Of a Unix socket; NULL: it is none. */
static const char *path_of(const char *configured)
{
	if (strncmp(configured, "unix:", 5) == 0)
		return configured + 5;
	return configured[0] == '/' ? configured : NULL;
}

/* What a set is bound from. */
struct binding {
	struct listeners *out;
	const struct listeners *running;
	const struct socket_unit *unit;
	const struct core_options *options;
	char *why;
	size_t why_size;
};

/* A copy of a socket that is there. */
static int socket_copy(const struct bound *from, struct bound *to)
{
	to->device = from->device;
	to->inode = from->inode;
	to->is_unit = from->is_unit;
	memcpy(to->listener.address, from->listener.address, sizeof to->listener.address);
	to->listener.fd = fcntl(from->listener.fd, F_DUPFD_CLOEXEC, 3);
	return to->listener.fd < 0 ? -errno : 0;
}

/* Somebody may have removed its file, or put another one there: then nobody can connect to it. */
static bool is_in_place(const char *path, const struct bound *b)
{
	struct stat st;

	return is_socket(path, &st) && st.st_dev == b->device && st.st_ino == b->inode;
}

static int unix_make(const struct binding *with, const struct bound *there, struct bound *b)
{
	bool control = b->configured[0] == '/';
	const char *path = path_of(b->configured);
	struct access access = control ? control_access(with->options) : listen_access(with->options);
	int r;

	if (!there || !is_in_place(path, there))
		return unix_bind(path, access, control ? 64 : BACKLOG, b);
	r = socket_copy(there, b);
	if (r == 0 && !control)
		access_give(path, access); /* if it fails the old one stays */
	return r;
}

/* A Unix socket's file is known by its name alone; one that is gone, or another one's, is left alone later. */
static void file_find(const char *path, struct bound *b)
{
	struct stat st;

	strcpy(b->listener.address, b->configured);
	if (!is_socket(path, &st))
		return;
	b->device = st.st_dev;
	b->inode = st.st_ino;
}

/* Of a socket that is there by that name. */
static void address_find(struct bound *b)
{
	const char *path = path_of(b->configured);

	if (path)
		file_find(path, b);
	else
		socket_address_name(b->listener.fd, b->listener.address, sizeof b->listener.address);
}

/* One for all workers, for only what waits in this one survives them.  0: the socket unit has none of that name. */
static int unit_socket_make(const struct binding *with, struct bound *b)
{
	int fd = socket_unit_find(with->unit, b->configured);

	if (fd < 0)
		return 0;
	b->is_unit = true;
	b->listener.fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	if (b->listener.fd < 0)
		return -errno;
	address_find(b);
	return 1;
}

/* The socket of the socket unit, that of the running set, a new one, or one that joins that of the first worker; a
 * Unix socket is one for all workers. */
static int socket_make(const struct binding *with, struct bound *b)
{
	const char *name = b->listener.name, *configured = b->configured;
	const struct bound *shared = bound_find(with->running, name, configured, b->worker);
	const struct bound *first = b->worker > 0 ? bound_find(with->out, name, configured, 0) : NULL;
	int r = unit_socket_make(with, b);

	if (r != 0)
		return r < 0 ? r : 0;
	if (path_of(configured))
		return unix_make(with, first ? first : shared, b);
	if (shared)
		return socket_copy(shared, b);
	return tcp_bind(first ? first->listener.address : configured, first != NULL, &b->listener);
}

/* What an operator can do about it; "": the error says it. */
static const char *bind_hint(const char *configured, int error)
{
	bool local = path_of(configured) != NULL, control = configured[0] == '/';

	switch (error) {
	case EADDRINUSE:
		return control ? "; another t3ops answers there: stop it, or give each its own control"
		       : local ? "; somebody answers there, perhaps another t3ops: stop it, or choose another path"
		               : "; stop who listens there (ss -ltnp names it; is it another t3ops?), or choose "
		                 "another address";
	case EACCES:
		return local ? "; remove it if no t3ops uses it, and see who may write to its directory"
		             : "; a port below 1024 needs CAP_NET_BIND_SERVICE: see the unit";
	case EADDRNOTAVAIL:
		return "; no interface of this machine has that address";
	case ENOENT:
		return "; create its directory";
	case ENOTSOCK:
		return "; something else than a socket has that name";
	default:
		return "";
	}
}

static int listener_add(const struct binding *with, const char *name, const char *configured, unsigned worker)
{
	struct listeners *out = with->out;
	struct bound *b = &out->rows[out->n];
	int r = -E2BIG;

	if (out->n < LISTENERS_MAX && strlen(configured) < sizeof b->configured) {
		memset(b, 0, sizeof *b);
		snprintf(b->listener.name, sizeof b->listener.name, "%s", name);
		strcpy(b->configured, configured);
		b->worker = worker;
		r = socket_make(with, b);
	}
	if (r < 0) {
		snprintf(with->why, with->why_size, "cannot listen on %s: %s%s", configured, strerror(-r),
		         bind_hint(configured, -r));
		return r;
	}
	out->n++;
	if (worker == 0 && !is_shared(b, with->running))
		log_write(LOG_L_INFO, "listening", kv_listener(name), kv_address(b->listener.address));
	return 0;
}

/* Whoever connects there would wait forever. */
static void unused_report(const struct socket_unit *unit, const struct listeners *l)
{
	for (size_t i = 0; i < unit->n; i++) {
		const struct socket_unit one = {.fds = {unit->fds[i]}, .n = 1};
		char address[128];
		bool used = false;

		for (size_t k = 0; k < l->n; k++)
			used = used || socket_unit_has(&one, l->rows[k].listener.fd);
		if (used)
			continue;
		socket_address_name(unit->fds[i], address, sizeof address);
		log_write(LOG_L_WARNING, "socket_unused", kv_address(address),
		          kv_effect("whoever connects there waits in vain"),
		          kv_hint("add it to listen, written like this, or take it out of the socket unit"));
	}
}

int listeners_bind(struct listeners *out, const struct core_options *options, bool with_proxy,
                   const struct listeners *running, const struct socket_unit *unit, char *why, size_t why_size)
{
	const struct binding with = {out, running, unit, options, why, why_size};
	int r = 0;

	out->n = 0;
	if (options->listen.n > PROCESS_MAX_LISTENERS) {
		snprintf(why, why_size, "listen: more than %d addresses", PROCESS_MAX_LISTENERS);
		return -E2BIG;
	}
	for (size_t i = 0; with_proxy && r == 0 && i < options->listen.n; i++)
		for (unsigned worker = 0; r == 0 && worker < options->workers; worker++)
			r = listener_add(&with, "proxy", options->listen.items[i], worker);
	if (r == 0)
		r = listener_add(&with, "status", options->status_listen, 0);
	if (r == 0)
		r = listener_add(&with, "control", options->control, 0);
	unused_report(unit, out);
	if (r < 0)
		listeners_close(out, running);
	return r;
}

static bool is_listening(int fd)
{
	socklen_t len = sizeof(int);
	int on = 0;

	return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &on, &len) == 0 && on;
}

bool listeners_add(struct listeners *l, const char *name, const char *configured, unsigned worker, int fd)
{
	struct bound *b = &l->rows[l->n];

	if (l->n == LISTENERS_MAX || strlen(configured) >= sizeof b->configured ||
	    strlen(name) >= sizeof b->listener.name || !is_listening(fd))
		return false;
	*b = (struct bound){.worker = worker, .listener.fd = fd};
	strcpy(b->listener.name, name);
	strcpy(b->configured, configured);
	address_find(b);
	l->n++;
	return true;
}

/* Unless another socket has that name by now. */
static void path_unlink(const struct bound *b)
{
	const char *path = path_of(b->configured);

	if (is_in_place(path, b))
		unlink(path);
}

bool listeners_are_shared(const struct listeners *l, const struct listeners *others, enum process_id process)
{
	for (size_t i = 0; i < l->n; i++)
		if (listener_process(&l->rows[i].listener) == process && !is_shared(&l->rows[i], others))
			return false;
	return true;
}

void listeners_close(struct listeners *l, const struct listeners *others)
{
	for (size_t i = 0; i < l->n; i++) {
		const struct bound *b = &l->rows[i];

		close(b->listener.fd);
		if (path_of(b->configured) && !b->is_unit && !is_shared(b, others))
			path_unlink(b);
	}
	l->n = 0;
}

void listeners_mark(struct listeners *l, const struct socket_unit *unit)
{
	for (size_t i = 0; i < l->n; i++)
		l->rows[i].is_unit = socket_unit_has(unit, l->rows[i].listener.fd);
}

void listeners_forget(struct listeners *l)
{
	for (size_t i = 0; i < l->n; i++)
		close(l->rows[i].listener.fd);
	l->n = 0;
}
