/* SPDX-License-Identifier: MIT */
/* From "%d/NAME" to a path; see credential.h. */
#include "options/credential.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "options/parse.h"

#define MARK        "%d/"
#define OF_SERVICE  "/run/credentials/t3ops.service" /* for t3ops -t in a shell */
#define NAME_LENGTH 255

bool credential_is(const char *text)
{
	return strncmp(text, MARK, strlen(MARK)) == 0;
}

/* What systemd takes for a name; so nothing leads out of the directory. */
const char *credential_check(const char *text)
{
	const char *name = text + strlen(MARK);

	return *name == '\0' || *name == '.' || strchr(name, '/') || strlen(name) > NAME_LENGTH
	           ? "%d/NAME with the NAME of LoadCredential= in the unit"
	           : NULL;
}

/* systemd shows the directory to the main process alone (252), and tells ExecReload= which one that is. */
char *credential_path(const char *text)
{
	const char *dir = getenv("CREDENTIALS_DIRECTORY"), *main_pid = getenv("MAINPID");
	int64_t pid = 0;
	char root[48] = "", *path;

	if (!dir || *dir != '/')
		dir = OF_SERVICE;
	else if (main_pid && int_parse(main_pid, &pid) && pid > 0)
		snprintf(root, sizeof root, "/proc/%" PRId64 "/root", pid);
	return asprintf(&path, "%s%s/%s", root, dir, text + strlen(MARK)) < 0 ? NULL : path;
}
