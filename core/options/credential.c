/* SPDX-License-Identifier: MIT */
/* From "%d/NAME" to a path; see credential.h. */
#include "options/credential.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

char *credential_path(const char *text)
{
	const char *dir = getenv("CREDENTIALS_DIRECTORY");
	char *path;

	if (!dir || *dir != '/')
		dir = OF_SERVICE;
	return asprintf(&path, "%s/%s", dir, text + strlen(MARK)) < 0 ? NULL : path;
}
