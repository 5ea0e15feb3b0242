/* SPDX-License-Identifier: MIT */
/* See s3_credentials.h. */
#include "s3_credentials.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "private_file.h"

/* name = value; lines of other names, [sections] and comments are not ours. */
static void line_take(struct s3_credentials *c, char *line)
{
	char name[32], value[160];

	if (sscanf(line, " %31[a-z_] = %159[!-~]", name, value) != 2)
		return;
	if (strcmp(name, "aws_access_key_id") == 0)
		memcpy(c->id, value, sizeof value);
	else if (strcmp(name, "aws_secret_access_key") == 0)
		memcpy(c->secret, value, sizeof value);
	explicit_bzero(value, sizeof value);
}

int s3_credentials_read(struct s3_credentials *c, const char *path, char *why, size_t why_size)
{
	char text[4096], *rest = NULL;
	int r = private_file_read(path, "credentials", text, sizeof text, why, why_size);

	*c = (struct s3_credentials){.id = ""};
	if (r < 0)
		return r;
	for (char *line = strtok_r(text, "\n", &rest); line != NULL; line = strtok_r(NULL, "\n", &rest))
		line_take(c, line);
	explicit_bzero(text, sizeof text);
	if (c->id[0] != '\0' && c->secret[0] != '\0')
		return 0;
	snprintf(why, why_size,
	         "credentials %.160s: expected lines aws_access_key_id = ... and aws_secret_access_key = ...", path);
	return -EINVAL;
}

void s3_credentials_wipe(struct s3_credentials *c)
{
	explicit_bzero(c, sizeof *c);
}
