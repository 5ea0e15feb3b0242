/* SPDX-License-Identifier: MIT */
/*
 * A slow directory service, for LD_PRELOAD: accounts called slow... take SLOW_ACCOUNTS_MS each, and are those of
 * SLOW_ACCOUNTS_AS under another name, with a home of their own below SLOW_ACCOUNTS_HOMES if that is set.
 */
#include <dlfcn.h>
#include <pwd.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static int home_set(int result, const char *name, struct passwd *pw)
{
	static _Thread_local char home[256];
	const char *homes = getenv("SLOW_ACCOUNTS_HOMES");

	if (result == 0 && homes) {
		snprintf(home, sizeof home, "%s/%s", homes, name);
		pw->pw_dir = home;
	}
	return result;
}

typedef int lookup(const char *name, struct passwd *pw, char *buffer, size_t size, struct passwd **found);

__attribute__((visibility("default"))) int getpwnam_r(const char *name, struct passwd *pw, char *buffer, size_t size,
                                                      struct passwd **found)
{
	const char *ms = getenv("SLOW_ACCOUNTS_MS"), *as = getenv("SLOW_ACCOUNTS_AS");
	lookup *real = (lookup *)(uintptr_t)dlsym(RTLD_NEXT, "getpwnam_r");
	long pause = ms ? strtol(ms, NULL, 10) : 0;

	if (strncmp(name, "slow", 4) != 0)
		return real(name, pw, buffer, size, found);
	nanosleep(&(struct timespec){pause / 1000, pause % 1000 * 1000000}, NULL);
	return home_set(real(as ? as : "nobody", pw, buffer, size, found), name, pw);
}

__attribute__((visibility("default"))) struct passwd *getpwnam(const char *name)
{
	static struct passwd pw;
	static char buffer[4096];
	struct passwd *found = NULL;

	return getpwnam_r(name, &pw, buffer, sizeof buffer, &found) == 0 ? found : NULL;
}
