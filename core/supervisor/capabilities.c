/* SPDX-License-Identifier: MIT */
/* capabilities(7), without a library: two system calls and a table; see capabilities.h. */
#include "supervisor/capabilities.h"

#include <errno.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/* t3ops(8), SECURITY, says the same. */
static const struct {
	int capability;
	bool helper; /* the supervisor has all of them, since the helper is its child */
} needed[] = {
    {CAP_SETUID, true},           /* become a user, or `user` */
    {CAP_SETGID, true},           /* and the groups */
    {CAP_KILL, true},             /* end what runs as another account */
    {CAP_CHOWN, true},            /* directories of users, the control socket */
    {CAP_FOWNER, true},           /* the modes of those */
    {CAP_DAC_READ_SEARCH, true},  /* read the configuration, the user table and what they name, wherever it lies */
    {CAP_NET_BIND_SERVICE, false} /* a port below 1024, at a reload too */
};

static uint64_t set_of(enum process_id process)
{
	uint64_t set = 0;

	for (size_t i = 0; i < sizeof needed / sizeof needed[0]; i++)
		if (process == PROCESS_SUPERVISOR || (process == PROCESS_HELPER && needed[i].helper))
			set |= UINT64_C(1) << needed[i].capability;
	return set;
}

/* What no program that is executed from here on can get again; where the service manager has taken the right to
 * change that, it has done it. */
static void bounding_drop(uint64_t keep)
{
	for (int c = 0; prctl(PR_CAPBSET_READ, c, 0, 0, 0) >= 0; c++)
		if (!(keep & UINT64_C(1) << c))
			prctl(PR_CAPBSET_DROP, c, 0, 0, 0);
}

int capabilities_drop(enum process_id process)
{
	struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];
	uint64_t keep = set_of(process);

	if (process == PROCESS_SUPERVISOR)
		bounding_drop(keep);
	if (syscall(SYS_capget, &head, data) < 0)
		return -errno;
	for (size_t i = 0; i < _LINUX_CAPABILITY_U32S_3; i++) {
		uint32_t half = (uint32_t)(keep >> 32 * i);

		data[i].permitted &= half;
		data[i].effective &= half;
		data[i].inheritable &= half; /* of the ambient set, too, goes what goes here */
	}
	return syscall(SYS_capset, &head, data) < 0 ? -errno : 0;
}
