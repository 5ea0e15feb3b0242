/* SPDX-License-Identifier: MIT */
/* A session as five lines; see session_text.h. */
#include "probe_t3serve/session_text.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define HEAD          "t3ops session 1"
#define DOUBLINGS_MAX 6u
#define RENEW_US      (UINT64_C(24) * 3600 * 1000000)

int session_text_write(const struct session_facts *f, char *out, size_t size)
{
	int n = snprintf(out, size,
	                 HEAD "\naddress %s\npaired %" PRIu64 " %u\nlife %" PRIu64 " %" PRIu64 "\ncookie %s\n",
	                 f->address, f->paired_us, f->pairings, f->made_us, f->expires_us, f->cookie);

	return n < (int)size ? n : -1;
}

bool cookie_take(const char *set_cookie, char out[COOKIE_SIZE])
{
	size_t len = strcspn(set_cookie, ";"), name = strcspn(set_cookie, "=");

	while (len > 0 && set_cookie[len - 1] == ' ')
		len--;
	if (name == 0 || name + 1 >= len || len >= COOKIE_SIZE)
		return false;
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)set_cookie[i] <= ' ' || (unsigned char)set_cookie[i] >= 0x7f)
			return false;
	memcpy(out, set_cookie, len);
	out[len] = '\0';
	return true;
}

bool session_text_read(struct session_facts *f, const char *text)
{
	char cookie[COOKIE_SIZE] = "", end = '\0';
	int cookie_at = 0, n;

	*f = (struct session_facts){0};
	n = sscanf(text, HEAD "\naddress %63s\npaired %" SCNu64 " %u\nlife %" SCNu64 " %" SCNu64 "\ncookie%n%c",
	           f->address, &f->paired_us, &f->pairings, &f->made_us, &f->expires_us, &cookie_at, &end);
	if (n == 6 && end == ' ' && sscanf(text + cookie_at + 1, "%4095[^\n]%c", cookie, &end) == 2 && end == '\n' &&
	    cookie_take(cookie, f->cookie))
		return true;
	if (n == 6 && end == ' ' && strcmp(text + cookie_at, " \n") == 0)
		return true;
	*f = (struct session_facts){0};
	return false;
}

static unsigned doublings(unsigned pairings)
{
	return pairings - 1 < DOUBLINGS_MAX ? pairings - 1 : DOUBLINGS_MAX;
}

/* A clock that was set back has seen no time pass. */
static uint64_t passed_us(const struct session_facts *f, uint64_t now_us)
{
	return now_us > f->paired_us ? now_us - f->paired_us : 0;
}

bool pairing_is_due(const struct session_facts *f, uint64_t pause_us, uint64_t now_us)
{
	return f->pairings == 0 || passed_us(f, now_us) >= pause_us << doublings(f->pairings);
}

void pairing_count(struct session_facts *f, uint64_t pause_us, uint64_t now_us)
{
	if (passed_us(f, now_us) >= pause_us << (DOUBLINGS_MAX + 1))
		f->pairings = 0;
	f->pairings += f->pairings <= DOUBLINGS_MAX;
	f->paired_us = now_us;
}

bool session_is_old(const struct session_facts *f, uint64_t now_us)
{
	uint64_t life_us = f->expires_us > f->made_us ? f->expires_us - f->made_us : 0,
	         left_us = life_us / 10 < RENEW_US ? life_us / 10 : RENEW_US;

	return f->cookie[0] != '\0' && f->expires_us > 0 && now_us + left_us >= f->expires_us;
}
