/* SPDX-License-Identifier: MIT */
/* Both layers; see sandbox.h.  Landlock: landlock(7); its numbers are written here, for the headers of an older
 * kernel lack some. */
#include "sys/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "sys/syscalls.h"

#if defined(__SANITIZE_ADDRESS__)
#define HAVE_SANITIZERS 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define HAVE_SANITIZERS 1
#endif
#endif

#ifdef HAVE_SANITIZERS
#define NO_SANDBOX "this build has sanitizers"
#else
#define NO_SANDBOX "this build has no sandbox (configure --disable-sandbox)"
#endif

#define FS_WRITE     (UINT64_C(1) << 1)
#define FS_READ_FILE (UINT64_C(1) << 2)
#define FS_READ_DIR  (UINT64_C(1) << 3)
#define FS_REMOVE    (UINT64_C(3) << 4) /* directories, files */
#define FS_MAKE_DIR  (UINT64_C(1) << 7)
#define FS_MAKE_FILE (UINT64_C(1) << 8)
#define FS_FIRST     ((UINT64_C(1) << 13) - 1) /* what ABI 1 knows */
#define FS_REFER     (UINT64_C(1) << 13)       /* 2 */
#define FS_TRUNCATE  (UINT64_C(1) << 14)       /* 3 */
#define FS_IOCTL_DEV (UINT64_C(1) << 15)       /* 5 */
#define NET_BIND_TCP (UINT64_C(1) << 0)        /* 4 */
#define VERSION_ASK  1u
#define PATH_BENEATH 1

struct ruleset {
	uint64_t fs, net;
};
struct beneath {
	uint64_t allowed;
	int32_t fd;
} __attribute__((packed));

/* ---- landlock -------------------------------------------------------------------------------------- */

static struct ruleset ruleset_of(int abi, bool binds)
{
	struct ruleset r = {.fs = FS_FIRST, .net = abi >= 4 && !binds ? NET_BIND_TCP : 0};

	r.fs |= abi >= 2 ? FS_REFER : 0;
	r.fs |= abi >= 3 ? FS_TRUNCATE : 0;
	r.fs |= abi >= 5 ? FS_IOCTL_DEV : 0;
	return r;
}

/* write: what the kernel knows of it. */
static void path_allow(int rules, const char *path, uint64_t write)
{
	struct beneath b = {.allowed = FS_READ_FILE, .fd = open(path, O_PATH | O_CLOEXEC)};
	struct stat st;

	if (b.fd < 0)
		return;
	if (fstat(b.fd, &st) == 0 && S_ISDIR(st.st_mode))
		b.allowed |= FS_READ_DIR | write;
	syscall(SYS_landlock_add_rule, rules, PATH_BENEATH, &b, 0u); /* if it fails, less is allowed */
	close(b.fd);
}

/* The active ABI, or -errno. */
static int landlock_enter(const struct sandbox_rules *left)
{
	const uint64_t write = FS_WRITE | FS_REMOVE | FS_MAKE_DIR | FS_MAKE_FILE | FS_TRUNCATE;
	int abi = (int)syscall(SYS_landlock_create_ruleset, NULL, (size_t)0, VERSION_ASK), rules, r;
	struct ruleset set = ruleset_of(abi, left->binds);

	if (abi < 1)
		return abi < 0 ? -errno : -ENOSYS;
	rules = (int)syscall(SYS_landlock_create_ruleset, &set, abi >= 4 ? sizeof set : sizeof set.fs, 0u);
	if (rules < 0)
		return -errno;
	for (size_t i = 0; i < left->n_readable; i++)
		path_allow(rules, left->readable[i], 0);
	for (size_t i = 0; i < left->n_writable; i++)
		path_allow(rules, left->writable[i], write & set.fs);
	r = syscall(SYS_landlock_restrict_self, rules, 0u) == 0 ? abi : -errno;
	close(rules);
	return r;
}

static const char *landlock_missing(int error)
{
	switch (error) {
	case ENOSYS:
		return "this kernel has no landlock";
	case EOPNOTSUPP:
		return "landlock is off: the kernel's parameter lsm= does not name it";
	case EPERM:
		return "landlock is forbidden from outside: see SystemCallFilter= of the unit, or the container";
	default:
		return "landlock failed";
	}
}

static const char *seccomp_missing(int error)
{
	return error == ENOSYS
	           ? "this build has no libseccomp"
	           : "seccomp is refused: see SystemCallFilter= of the unit, the container, or the kernel";
}

/* ---- both -------------------------------------------------------------------------------------------- */

void sandbox_enter(const struct sandbox_rules *rules, struct sandbox *out)
{
#if defined(HAVE_SANITIZERS) || !defined(HAVE_SANDBOX)
	(void)rules, (void)landlock_enter, (void)landlock_missing, (void)seccomp_missing;
	*out = (struct sandbox){.missing = NO_SANDBOX};
#else
	int abi, r;

	*out = (struct sandbox){0};
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0) {
		out->missing = "no_new_privs is refused";
		return;
	}
	abi = landlock_enter(rules);
	r = syscalls_restrict(rules->n_writable > 0, rules->binds);
	out->landlock = abi > 0 ? abi : 0;
	out->seccomp = r == 0;
	if (abi < 0)
		out->missing = landlock_missing(-abi);
	else if (r < 0)
		out->missing = seccomp_missing(-r);
#endif
}
