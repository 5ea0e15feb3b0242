/* SPDX-License-Identifier: MIT */
/* Secrets of plugins that outlive the process; see host_secrets.h. */
#include "plugin_host/host_secrets.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "plugin_host/host_state.h"

#define DIR_NAME "secrets"

/* A name that is one directory entry of its own, and no hidden one: those are files that are not whole yet. */
static bool is_entry(const char *name)
{
	return name[0] != '\0' && name[0] != '.' && !strchr(name, '/');
}

/* Made if it is missing; -errno. */
static int dir_open_in(int parent, const char *name)
{
	int fd;

	if (mkdirat(parent, name, 0700) < 0 && errno != EEXIST)
		return -errno;
	fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

/* The section's directory; -errno. */
static int dir_open(struct t3ops_ctx *ctx)
{
	const char *state_dir = ctx->instance->host->process->config->core.state_dir;
	int state = open(state_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC), all, own;

	if (state < 0)
		return -errno;
	if (!is_entry(ctx->name)) {
		close(state);
		return -EINVAL;
	}
	all = dir_open_in(state, DIR_NAME);
	close(state);
	if (all < 0)
		return all;
	own = dir_open_in(all, ctx->name);
	close(all);
	return own;
}

static int file_read(int dir, const char *name, char *out, size_t size)
{
	int fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC), r;
	ssize_t n;

	if (fd < 0)
		return -errno;
	n = read(fd, out, size);
	r = n < 0 ? -errno : (size_t)n >= size ? -EFBIG : (int)n;
	close(fd);
	out[r < 0 ? 0 : r] = '\0';
	return r;
}

/* Written beside, then renamed. */
static int file_write(int dir, const char *name, const char *text, bool synced)
{
	char beside[NAME_MAX + 1];
	size_t len = strlen(text);
	int fd, r;

	if (snprintf(beside, sizeof beside, ".%s", name) >= (int)sizeof beside)
		return -ENAMETOOLONG;
	unlinkat(dir, beside, 0);
	fd = openat(dir, beside, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	errno = EIO;
	r = write(fd, text, len) == (ssize_t)len ? 0 : -errno;
	if (r == 0 && synced && fsync(fd) < 0)
		r = -errno;
	if (close(fd) < 0 && r == 0)
		r = -errno;
	if (r == 0 && (renameat(dir, beside, dir, name) < 0 || (synced && fsync(dir) < 0)))
		r = -errno;
	if (r < 0)
		unlinkat(dir, beside, 0);
	return r;
}

static int secret_load(struct t3ops_ctx *ctx, const char *user, char *out, size_t size)
{
	int dir = is_entry(user) && size > 0 ? dir_open(ctx) : -EINVAL, r;

	if (dir < 0)
		return dir;
	r = file_read(dir, user, out, size);
	close(dir);
	return r;
}

static int secret_save(struct t3ops_ctx *ctx, const char *user, const char *text)
{
	int dir = is_entry(user) ? dir_open(ctx) : -EINVAL, r;

	if (dir < 0)
		return dir;
	if (text)
		r = file_write(dir, user, text, ctx->instance->host->process->id == PROCESS_MONITOR);
	else
		r = unlinkat(dir, user, 0) < 0 && errno != ENOENT ? -errno : 0;
	close(dir);
	return r;
}

void host_secrets_fill(struct t3ops_host *s)
{
	s->secret_load = secret_load;
	s->secret_save = secret_save;
}
