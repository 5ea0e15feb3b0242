/* SPDX-License-Identifier: MIT */
/* Recordings of incidents, which may come from anybody: any text is refused in words, or is replayed, and replayed
 * again says the same. */
#include <jansson.h>
#include <string.h>

#include "fuzz.h"
#include "monitor/replay.h"

/* What it says, or why it says nothing. */
static char *replayed(const uint8_t *data, size_t size, char *why, size_t room)
{
	char *text = malloc(size + 1), *said;
	json_t *verdicts;

	PROMISE(text != NULL);
	memcpy(text, data, size);
	text[size] = '\0';
	verdicts = replay_text(text, why, room);
	free(text);
	if (verdicts == NULL)
		return NULL;
	PROMISE(json_is_array(verdicts));
	said = json_dumps(verdicts, JSON_COMPACT | JSON_REAL_PRECISION(12));
	json_decref(verdicts);
	return said;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char why[400] = "", again_why[400] = "";
	char *said = replayed(data, size, why, sizeof why),
	     *again = replayed(data, size, again_why, sizeof again_why);

	PROMISE((said == NULL) == (again == NULL));
	PROMISE(strcmp(why, again_why) == 0);
	PROMISE(said == NULL ? why[0] != '\0' : strcmp(said, again) == 0);
	free(said);
	free(again);
	return 0;
}
