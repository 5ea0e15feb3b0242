/* SPDX-License-Identifier: MIT */
/* What a verdict is called; see verdict.h. */
#include "diagnosis/verdict.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *verdict_kind_name(enum verdict_kind kind)
{
	switch (kind) {
	case VERDICT_HOST:
		return "host";
	case VERDICT_UNKNOWN:
		return "unknown";
	default:
		return NULL;
	}
}

void verdict_user(const struct verdict *v, char *out, size_t size)
{
	const char *segment = v->suspects.n == 1 ? v->suspects.segments[0] : "";
	const char *open = segment + segment_base_len(segment);
	size_t len = *open == '(' ? strcspn(open + 1, ")") : 0;

	snprintf(out, size, "%.*s", (int)len, *open == '(' ? open + 1 : "");
}

char *verdict_name(const struct verdict *v, bool with_users)
{
	const char *of_kind = verdict_kind_name(v->kind);
	char *name = NULL;
	size_t len = 0;
	FILE *out;

	if (of_kind != NULL)
		return strdup(of_kind);
	out = open_memstream(&name, &len);
	if (out == NULL)
		return NULL;
	for (size_t i = 0; i < v->suspects.n; i++) {
		const char *segment = v->suspects.segments[i];
		size_t n = with_users ? strlen(segment) : segment_base_len(segment);

		fprintf(out, "%s%.*s", i > 0 ? " or " : "", (int)n, segment);
	}
	if (fclose(out) == 0)
		return name;
	free(name);
	return NULL;
}
