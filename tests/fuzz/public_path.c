/* SPDX-License-Identifier: MIT */
/* Any path: what is public stays so with one more letter, and spelling every byte in percent signs makes no path
 * public that was not. */
#include <stdlib.h>
#include <string.h>

#include "front/public_path.h"
#include "fuzz.h"

static size_t encode(const uint8_t *data, size_t size, char *out)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < size; i++) {
		out[3 * i] = '%';
		out[3 * i + 1] = digits[data[i] >> 4];
		out[3 * i + 2] = digits[data[i] & 15];
	}
	return 3 * size;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	json_t *prefixes = json_pack("[s, s]", "/probe", "/a/b");
	struct span path = {(const char *)data, size}, spelt;
	char *bytes = malloc(3 * size + 1);
	bool is;

	PROMISE(prefixes && bytes);
	is = path_is_public(path, prefixes);
	if (!memchr(data, '%', size)) {
		spelt = (struct span){bytes, encode(data, size, bytes)};
		PROMISE(is || !path_is_public(spelt, prefixes));
	}
	memcpy(bytes, data, size);
	bytes[size] = 'x';
	PROMISE(!is || path_is_public((struct span){bytes, size + 1}, prefixes));
	free(bytes);
	json_decref(prefixes);
	return 0;
}
