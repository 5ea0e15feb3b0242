/* SPDX-License-Identifier: MIT */
/* Giving up root for good; see drop_privileges.h. */
#include "sys/drop_privileges.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <unistd.h>

int drop_privileges_to(const char *name, uid_t uid, gid_t gid)
{
	int with_parent = 0; /* parent_follow: the kernel forgets it when an identity changes */
	pid_t parent = getppid();

	if (uid == 0 || gid == 0)
		return -EPERM;
	prctl(PR_GET_PDEATHSIG, &with_parent, 0, 0, 0);
	if (initgroups(name, gid) < 0 || setgid(gid) < 0 || setuid(uid) < 0)
		return -errno;
	if (with_parent != 0 && (prctl(PR_SET_PDEATHSIG, with_parent, 0, 0, 0) < 0 || getppid() != parent))
		return -ESRCH;
	return setuid(0) < 0 ? 0 : -EPERM;
}

int drop_privileges(const char *name, const char *groups_of)
{
	const struct passwd *pw;
	uid_t uid;

	if (geteuid() != 0)
		return 0;
	pw = getpwnam(name);
	uid = pw ? pw->pw_uid : 0;
	if (pw && groups_of)
		pw = getpwnam(name = groups_of);
	return pw ? drop_privileges_to(name, uid, pw->pw_gid) : -ENOENT;
}
