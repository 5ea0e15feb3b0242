/* SPDX-License-Identifier: MIT */
/* Words of a recording; see recording_text.h. */
#include "monitor/recording_text.h"

#include <inttypes.h>

#include "diagnosis/fields.h"
#include "monitor/path_config.h"
#include "sys/time_text.h"

static const char explanation[] = RECORDING_FIRST_LINE
    "\n"
    "# The flight recording of one incident of t3ops: all that it was told of legs, tunnels, pages and the host, "
    "and\n"
    "# nothing of what it concluded.  \"t3ops replay FILE\" reads it and computes the verdicts again, by the same\n"
    "# code, word for word as \"t3opsctl show\" and \"t3opsctl verdicts\" print them, but for \"browser\": what "
    "browsers\n"
    "# reported is put beside a verdict, which does not hang on it.\n"
    "#\n"
    "# It names users, their addresses and the legs of t3ops.conf; there is no cookie, no token, no URL and no "
    "content\n"
    "# in it.\n"
    "#\n"
    "# Each line begins with a word that says what it is; lines with # say nothing to the replay.\n"
    "#   about       which incident, and when\n"
    "#   story       the 120 seconds before, for whoever reads this; the replay does not need it\n"
    "#   setup       what the diagnosis was made with: timings, the path of users, the legs and their segments, and "
    "the\n"
    "#               vantage that it says it looks from\n"
    "#   state       all that it knew when the incident opened, the first drop included: one line a row of a table\n"
    "#   fact        what it was told from then on, in that order, until the incident was over\n"
    "#   incomplete  something is missing, and why: then there is no replay\n"
    "#   end         \"over\", or \"open\": it was still followed when this was written; the replay stops here\n"
    "#   verdict     what t3ops said of the incident, as JSON: for comparison only\n"
    "# Behind \"story\" and \"fact\" is the time, in seconds from the moment at which the recording was begun, then "
    "what\n"
    "# happened:\n"
    "#   event         a process reported it; kind= is what t3ops(8) lists as events, plugin= a leg's section\n"
    "#   sample        this machine: for how long so far everything waited for memory or disks, something for a "
    "CPU,\n"
    "#                 and t3ops' own loop was late\n"
    "#   host          something happened to this machine: it slept, its wall clock was set, its network went\n"
    "#   process       a program of a user whose server was late, with its arguments; what may be a secret in them "
    "is ...\n"
    "#   prober_gone   the process that holds the legs was replaced: what it had connected is not known any more\n"
    "#   woke          the monitor itself had not run for so long\n"
    "#   tick          the time went on: what was due was done; tick_sample and tick_host are looks at the machine\n"
    "#                 during it\n"
    "#   finish        the monitor was about to end\n"
    "# Keys that end in _us are microseconds: ages and waits, or moments of CLOCK_MONOTONIC; wall_us, time_us and\n"
    "# drop_wall_us are moments since 1970.  What is zero or not known is left out.\n";

void recording_head_write(const struct recording_head *h, FILE *out)
{
	char when[TIME_TEXT_SIZE];

	time_text(h->zero_wall_us, when);
	fprintf(out, "%sabout incident=%" PRIu64 " t3ops=" PACKAGE_VERSION " time=%s\n", explanation, h->incident,
	        when);
}

static void names_write(const char *key, const struct name_list *list, FILE *out)
{
	for (size_t i = 0; i < list->n; i++)
		field_write_text(key, list->names[i], out);
}

static void leg_write(const struct leg_shape *leg, FILE *out)
{
	fputs("setup leg", out);
	field_write_text("name", leg->name, out);
	names_write("segment", &leg->segments, out);
	names_write("resolver_segment", &leg->resolver_segments, out);
	if (leg->edge != NULL)
		field_write_text("edge", leg->edge, out);
	fprintf(out, "%s%s\n", leg->per_user ? " per_user=1" : "", leg->large ? " large=1" : "");
}

static void path_write(const struct path_shape *shape, FILE *out)
{
	fputs("setup user_path", out);
	names_write("segment", &shape->user_path, out);
	fputs("\nsetup per_user", out);
	names_write("segment", &shape->per_user, out);
	fputs("\n", out);
	for (size_t i = 0; i < shape->n_legs; i++)
		leg_write(&shape->legs[i], out);
}

/* The diagnosis does not know it, but the verdicts name it. */
static void vantage_write(const char *vantage, FILE *out)
{
	if (vantage[0] == '\0')
		return;
	fputs("setup vantage", out);
	field_write_text("name", vantage, out);
	putc_unlocked('\n', out);
}

int recording_setup_write(const struct recording_head *h, const struct process_config *config, FILE *out)
{
	const struct core_options *core = &config->core;
	struct path_shape shape;
	int r = path_config_read(config, &shape);

	if (r < 0)
		return r;
	fprintf(out,
	        "setup diagnosis incident=%" PRIu64 " zero_us=%" PRIu64 " serial=%" PRIu64 " ping_timeout_us=%" PRIu64
	        " process_watchdog_us=%" PRIu64 " page_heartbeat_us=%" PRIu64 "\n",
	        h->incident, h->zero_us, h->serial, core->ping_timeout_us, core->process_watchdog_us,
	        core->page_heartbeat_us);
	vantage_write(core->vantage, out);
	path_write(&shape, out);
	path_config_fini(&shape);
	return 0;
}

void recording_offset_write(uint64_t zero_us, uint64_t at_us, FILE *out)
{
	uint64_t apart = at_us >= zero_us ? at_us - zero_us : zero_us - at_us;

	fprintf(out, " %c%" PRIu64 ".%06u", at_us >= zero_us ? '+' : '-', apart / 1000000,
	        (unsigned)(apart % 1000000));
}

void recording_incomplete_write(const char *why, FILE *out)
{
	fputs("incomplete", out);
	field_write_text("why", why, out);
	putc_unlocked('\n', out);
}

void recording_end_write(const char *state, uint64_t wall_us, FILE *out)
{
	char when[TIME_TEXT_SIZE];

	time_text(wall_us, when);
	fprintf(out, "end state=%s time=%s\n", state, when);
}
