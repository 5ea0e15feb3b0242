/* SPDX-License-Identifier: MIT */
/* Many servers late at once on a busy machine are one matter, the host's; on an idle one they are theirs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "diagnosis/host_news.h"
#include "diagnosis/incident_timing.h"
#include "diagnosis/user_news.h"
#include "scenario.h"

enum { USERS = 12 };

/* From 10 s on: so many servers do not answer the ping of then; one more each second.  Then all do again. */
static const struct {
	const char *what;
	unsigned late, more;
	unsigned busy_percent;
	bool shared_late; /* as are the legs that users share */
	bool pages;       /* pages of those whose servers are late give up */
	bool refused;     /* they are not late, but gone */
	const char *want; /* without users */
} rows[] = {
    {"all are late on a busy machine, and nobody is hurt", USERS, 0, 80, false, false, false, "(overloaded)"},
    {"the same of everything else", USERS, 0, 80, true, false, false, "(overloaded)"},
    {"pages give up", USERS, 0, 80, true, true, false, "(overloaded); host#1; ~host#1"},
    {"one after the other", 1, 1, 80, false, false, false, "(overloaded)"},
    {"all are late on an idle machine", USERS, 0, 3, false, false, false, "serve#1; ~serve#1"},
    {"one is late on a busy machine", 1, 0, 80, false, false, false, "serve(user0)#1; ~serve(user0)#1"},
    {"a few are", 4, 0, 80, false, false, false,
     "serve(user0)#1; serve(user1)#2; serve(user2)#3; serve(user3)#4; ~serve(user0)#1; ~serve(user1)#2; "
     "~serve(user2)#3; ~serve(user3)#4"},
    {"all are gone on a busy machine", USERS, 0, 80, false, false, true, "serve#1; ~serve#1"},
};

struct world {
	struct run run;
	char names[USERS][8];
	unsigned busy_percent;
	struct pressure sample;
	uint64_t next_us;
};

/* Time passes, and the host is looked at now and then. */
static void pass(struct world *w, unsigned until_ms)
{
	while (w->next_us <= T0 + MS(until_ms)) {
		scenario_pass(&w->run, w->next_us);
		w->sample.mono_us = w->next_us;
		w->sample.cpu_us += MS(1000) / 400 * w->busy_percent;
		assert_int_equal(host_news_pressure(w->run.diagnosis, &w->sample), 0);
		w->next_us += MS(250);
	}
	scenario_pass(&w->run, T0 + MS(until_ms));
}

static void say(struct world *w, unsigned at_ms, struct step s)
{
	pass(w, at_ms);
	s.at_ms = at_ms;
	scenario_step(&w->run, &s);
}

static void servers_late(struct world *w, size_t i)
{
	const char *user;
	unsigned known = 0;

	for (unsigned n = 0; n < rows[i].late; n++)
		say(w, 10000, (struct step)MUTE(10000, "srv", w->names[n]));
	if (rows[i].shared_late)
		say(w, 10000, (struct step)MUTE(10000, "cf", ""));
	for (unsigned n = 0; n < rows[i].late; n++) {
		user = w->names[n];
		if (rows[i].refused)
			say(w, 12000, (struct step)DOWN(0, "srv", user, REFUSED));
		else
			say(w, 12000, (struct step)LATE(0, "srv", user));
	}
	if (rows[i].shared_late)
		say(w, 12000, (struct step)LATE(0, "cf", ""));
	for (unsigned n = rows[i].late; rows[i].more > 0 && n < USERS; n++) {
		say(w, 12000 + 500 * ++known, (struct step)LATE(0, "srv", w->names[n]));
		w->run.n_legs = 0;
	}
	if (rows[i].pages)
		say(w, 20000, (struct step)PAGE(0, "user0", CLIENT_CLOSED, CLOSED_1000, .waiting_us = MS(9500)));
}

static void servers_back(struct world *w, size_t i)
{
	for (unsigned n = 0; n < (rows[i].more > 0 ? USERS : rows[i].late); n++)
		say(w, 25000, (struct step)UP(0, "srv", w->names[n]));
	if (rows[i].shared_late)
		say(w, 25000, (struct step)UP(0, "cf", ""));
	if (rows[i].pages)
		say(w, 26000, (struct step)OPENED(0, "user0"));
}

/* What was said, without the users. */
static const char *said(const struct run *r)
{
	static char text[sizeof r->got];
	size_t n = 0;
	bool users = false;

	for (const char *c = r->got; *c != '\0'; c++) {
		users = users || *c == '[';
		if (!users)
			text[n++] = *c;
		users = users && *c != ']';
	}
	text[n] = '\0';
	return text;
}

static void late_at_once(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct world w = {
		    .busy_percent = rows[i].busy_percent, .sample = {.known = true}, .next_us = T0 + MS(500)};

		scenario_begin(&w.run);
		say(&w, 1, (struct step)UP(0, "cf", ""));
		for (unsigned n = 0; n < USERS; n++) {
			snprintf(w.names[n], sizeof w.names[n], "user%u", n);
			say(&w, 1, (struct step)UP(0, "srv", w.names[n]));
		}
		w.run.n_legs = 0; /* nobody but the script answers */
		servers_late(&w, i);
		servers_back(&w, i);
		pass(&w, 90000);
		if (strcmp(said(&w.run), rows[i].want) != 0)
			fail_msg("%s: %s", rows[i].what, said(&w.run));
		scenario_end(&w.run);
	}
}

int main(void)
{
	static const struct CMUnitTest others[] = {cmocka_unit_test(late_at_once)};
	static const struct scenario_table table = {.others = others, .n_others = 1};

	return scenarios_run(&table);
}
