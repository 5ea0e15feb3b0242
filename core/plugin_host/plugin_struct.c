/* SPDX-License-Identifier: MIT */
/* Structs of another size than ours; see plugin_struct.h. */
#include "plugin_host/plugin_struct.h"

#include <stdint.h>
#include <string.h>

static size_t common_size(const void *theirs, size_t size)
{
	uint32_t known;

	memcpy(&known, theirs, sizeof known);
	return known < size ? known : size;
}

void plugin_struct_take(void *ours, size_t size, const void *theirs)
{
	memset(ours, 0, size);
	memcpy(ours, theirs, common_size(theirs, size));
}

void plugin_struct_give(void *theirs, const void *ours, size_t size)
{
	size_t common = common_size(theirs, size);
	uint32_t known;

	if (common <= sizeof known)
		return;
	memcpy((char *)theirs + sizeof known, (const char *)ours + sizeof known, common - sizeof known);
}
