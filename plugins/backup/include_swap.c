/* SPDX-License-Identifier: MIT */
/* See include_swap.h. */
#include "include_swap.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "common/scratch.h"
#include "include.h"

static int say(char *why, size_t size, int error, const char *path)
{
	snprintf(why, size, "%.200s: %s", path,
	         error == -EBADMSG   ? "the archive of other files is damaged"
	         : error == -ENOTSUP ? "this build of t3ops lacks libarchive"
	                             : strerror(-error));
	return error;
}

static int paths_make(struct include_swap *s, const char *database, long long at_s, char fresh[PATH_MAX])
{
	time_t at = (time_t)at_s;
	char stamp[24], *slash;
	struct tm tm;

	gmtime_r(&at, &tm);
	strftime(stamp, sizeof stamp, "%Y%m%dT%H%M%SZ", &tm);
	snprintf(s->dir, sizeof s->dir, "%s", database);
	slash = strrchr(s->dir, '/');
	if (slash == NULL)
		return -EINVAL;
	*slash = '\0';
	return snprintf(fresh, PATH_MAX, "%.4000s/.files.unpacking", s->dir) < PATH_MAX &&
	               snprintf(s->kept, sizeof s->kept, "%.4000s/files.replaced-%s", s->dir, stamp) < PATH_MAX
	           ? 0
	           : -ENAMETOOLONG;
}

static int fresh_make(const char *fresh, int fd, uint64_t until_us)
{
	int r, dir_fd;

	scratch_remove(fresh);
	r = mkdir(fresh, 0700) < 0 ? -errno : include_unpack(fd, fresh, until_us);
	dir_fd = r == 0 ? open(fresh, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
	if (r == 0 && (dir_fd < 0 || syncfs(dir_fd) < 0))
		r = -errno;
	if (dir_fd >= 0)
		close(dir_fd);
	return r;
}

/* One name of both directories changes places, or goes where there is none. */
static int name_exchange(int a, int b, const char *name)
{
	if (renameat2(a, name, b, name, RENAME_EXCHANGE) == 0)
		return 0;
	return errno == ENOENT && renameat2(a, name, b, name, RENAME_NOREPLACE) == 0 ? 0 : -errno;
}

/* Every name of `kept` with the same in `dir`. */
static int all_exchange(const char *kept, const char *dir)
{
	struct dirent **found;
	int a = open(kept, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	int b = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC), r = a < 0 || b < 0 ? -errno : 0;
	int n = r == 0 ? scandirat(a, ".", &found, NULL, NULL) : 0;

	if (n < 0)
		r = -errno;
	for (int i = 0; i < n; i++) {
		if (r == 0 && include_is_name(found[i]->d_name))
			r = name_exchange(a, b, found[i]->d_name);
		free(found[i]);
	}
	if (n > 0)
		free(found);
	if (r == 0 && (fsync(a) < 0 || fsync(b) < 0))
		r = -errno;
	if (a >= 0)
		close(a);
	if (b >= 0)
		close(b);
	return r;
}

int include_swap(struct include_swap *s, const char *database, int fd, long long at_s, uint64_t until_us, char *why,
                 size_t why_size)
{
	char fresh[PATH_MAX];
	int r = paths_make(s, database, at_s, fresh);

	if (r == 0)
		r = fresh_make(fresh, fd, until_us);
	while (r == 0 && renameat2(AT_FDCWD, fresh, AT_FDCWD, s->kept, RENAME_NOREPLACE) < 0)
		r = errno == EEXIST ? paths_make(s, database, ++at_s, fresh) : -errno;
	if (r < 0) {
		scratch_remove(fresh);
		s->kept[0] = '\0';
		return say(why, why_size, r, fresh);
	}
	r = all_exchange(s->kept, s->dir);
	return r < 0 ? say(why, why_size, r, s->kept) : 0;
}

int include_swap_undo(const struct include_swap *s, char *why, size_t why_size)
{
	int r = s->kept[0] != '\0' ? all_exchange(s->kept, s->dir) : 0;

	if (r == 0 && s->kept[0] != '\0')
		scratch_remove(s->kept); /* the backup has it */
	return r < 0 ? say(why, why_size, r, s->kept) : 0;
}
