/* SPDX-License-Identifier: MIT */
/* What another t3ops says: nothing is believed without its MAC, and by the key nothing but what is well formed. */
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "probe_vantage/testimony.h"

#define CHALLENGE "00112233445566778899aabbccddeeff"

static const unsigned char key[TESTIMONY_KEY_BYTES] = "a key";

static void signed_take(const uint8_t *data, size_t size)
{
	char mac[TESTIMONY_MAC_HEX + 1], *text = malloc(size + TESTIMONY_MAC_HEX + 6);
	struct testimony t;

	PROMISE(text != NULL);
	if (size > 0)
		memcpy(text, data, size);
	testimony_mac(key, text, size, mac);
	memcpy(text + size, "mac ", 4);
	memcpy(text + size + 4, mac, TESTIMONY_MAC_HEX);
	text[size + 4 + TESTIMONY_MAC_HEX] = '\n';
	if (testimony_read(text, size + TESTIMONY_MAC_HEX + 5, key, CHALLENGE, "cf", &t) == NULL) {
		PROMISE(size > 0 && data[size - 1] == '\n' && memchr(data, '\0', size) == NULL);
		PROMISE(t.kind <= TESTIMONY_ATTEMPT && memchr(t.colo, '\0', sizeof t.colo) != NULL);
		PROMISE(t.held_us <= 3600000000u && t.waited_us <= 3600000000u);
	}
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct testimony t;

	PROMISE(testimony_read((const char *)data, size, key, CHALLENGE, "cf", &t) != NULL);
	signed_take(data, size);
	return 0;
}
