/* SPDX-License-Identifier: MIT */
/* Tables of the page; see site_tables.h. */
#include "monitor/site_tables.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "monitor/site_write.h"
#include "net/html.h"

static void text_cell(FILE *out, const char *label, const char *class, const char *text)
{
	site_cell(out, label, class);
	html_print(out, *text != '\0' ? text : "-");
}

static void time_cell(FILE *out, const char *label, const char *utc)
{
	site_cell(out, label, "wide");
	site_time_of(out, utc, SITE_DATE);
}

static void head_put(FILE *out, const char *title)
{
	fprintf(out, "<section><h2>%s</h2>", title);
}

/* ---- users --------------------------------------------------------------------------------------- */

/* Names of all that is known of any user: the columns. */
static json_t *names_of(const json_t *users, const char *what)
{
	json_t *names = json_object(), *user, *value;
	const char *key;
	size_t i;

	json_array_foreach ((json_t *)users, i, user)
		json_object_foreach (json_object_get(user, what), key, value)
			json_object_set_new(names, key, json_true());
	return names;
}

static void columns_put(FILE *out, const json_t *names, const json_t *of_user, bool times)
{
	const char *key;
	json_t *value;

	json_object_foreach ((json_t *)names, key, value) {
		if (times)
			time_cell(out, key, site_get(of_user, key));
		else
			text_cell(out, key, "", site_get(of_user, key));
	}
}

/* "last_good": "last good" */
static void words_put(FILE *out, const char *name)
{
	for (; *name != '\0'; name++)
		html_print(out, (const char[]){(char)(*name == '_' ? ' ' : *name), '\0'});
}

static void heads_put(FILE *out, const json_t *names, const char *lead)
{
	const char *key;
	json_t *value;

	json_object_foreach ((json_t *)names, key, value) {
		fprintf(out, "<th>%s", lead);
		words_put(out, key);
	}
}

static void user_put(FILE *out, const json_t *user, const json_t *facts, const json_t *times)
{
	const json_t *delay = json_object_get(user, "heartbeat_seconds"),
	             *p99 = json_object_get(user, "heartbeat_p99_seconds");
	long long tunnels = (long long)json_integer_value(json_object_get(user, "tunnels"));

	fputs("<tr><th scope=row>", out);
	html_print(out, site_get(user, "user"));
	site_cell(out, "Tunnels", "figure");
	fprintf(out, "%lld", tunnels);
	site_cell(out, "Heartbeat", "figure");
	if (delay != NULL)
		fprintf(out, "%.0f&#8239;ms", json_number_value(delay) * 1000);
	else
		fputc('-', out);
	site_cell(out, "p99 below", "figure");
	if (p99 != NULL)
		fprintf(out, "%.0f&#8239;ms", json_number_value(p99) * 1000 + 0.5);
	else
		fputc('-', out);
	text_cell(out, "t3 server", site_get(user, "leg"), site_get(user, "leg"));
	time_cell(out, "Connected since", site_get(user, "connected_since"));
	time_cell(out, "Last drop", site_get(user, "last_drop"));
	columns_put(out, facts, json_object_get(user, "facts"), false);
	columns_put(out, times, json_object_get(user, "times"), true);
}

void site_users_put(FILE *out, const struct site_data *s)
{
	json_t *facts = names_of(s->users, "facts"), *times = names_of(s->users, "times"), *user;
	size_t i;

	head_put(out, "Users");
	if (json_array_size(s->users) == 0)
		fputs("<p class=note>No user is known yet.</p>", out);
	fputs("<table><thead><tr><th>User<th class=figure>Tunnels<th class=figure>Heartbeat<th class=figure>p99 "
	      "below<th>t3 "
	      "server<th>Connected since<th>Last drop",
	      out);
	heads_put(out, facts, "");
	heads_put(out, times, "Last ");
	fputs("</thead><tbody>", out);
	json_array_foreach (s->users, i, user)
		user_put(out, user, facts, times);
	fputs("</table></section>\n", out);
	json_decref(facts);
	json_decref(times);
}

/* ---- legs ------------------------------------------------------------------------------------------- */

/* What fails beside a connection that lives. */
static void doubts_put(FILE *out, const json_t *leg)
{
	if (strcmp(site_get(leg, "resolver"), "failed") == 0)
		fputs("; its resolver fails", out);
	if (strcmp(site_get(leg, "fresh_connections"), "failed") == 0)
		fputs("; new connections fail", out);
	if (strcmp(site_get(leg, "large_messages"), "failed") == 0)
		fputs("; large messages are lost", out);
}

static void leg_put(FILE *out, const json_t *leg)
{
	const json_t *rtt = json_object_get(leg, "rtt_seconds");
	json_t *segment;
	size_t i;

	fputs("<tr><th scope=row>", out);
	html_print(out, site_get(leg, "name"));
	text_cell(out, "User", "", site_get(leg, "user"));
	text_cell(out, "State", site_get(leg, "state"), site_get(leg, "state"));
	site_cell(out, "Answer", "figure");
	html_print(out, site_get(leg, "reason"));
	if (*site_get(leg, "reason") == '\0' && rtt != NULL)
		fprintf(out, "%.1f&#8239;ms", json_number_value(rtt) * 1000);
	time_cell(out, "Since", site_get(leg, "since"));
	site_cell(out, "Segments", "wide");
	json_array_foreach (json_object_get(leg, "segments"), i, segment) {
		fputs(i > 0 ? " " : "", out);
		html_print(out, json_string_value(segment));
	}
	doubts_put(out, leg);
}

void site_legs_put(FILE *out, const struct site_data *s)
{
	json_t *leg;
	size_t i;

	head_put(out, "Legs");
	fputs("<table><thead><tr><th>Leg<th>User<th>State<th class=figure>Answer"
	      "<th>Since<th>Segments</thead><tbody>",
	      out);
	json_array_foreach (json_object_get(s->status, "legs"), i, leg)
		leg_put(out, leg);
	fputs("</table></section>\n", out);
}

/* ---- processes ---------------------------------------------------------------------------------------- */

/* Resident memory, in MiB; below 0: it cannot be read. */
static double memory_of(long long pid)
{
	char path[40];
	long long pages = -1;
	FILE *in;

	snprintf(path, sizeof path, "/proc/%lld/statm", pid);
	in = fopen(path, "re");
	if (in == NULL)
		return -1;
	if (fscanf(in, "%*d %lld", &pages) != 1)
		pages = -1;
	fclose(in);
	return pages < 0 ? -1 : (double)pages * (double)sysconf(_SC_PAGESIZE) / (1 << 20);
}

/* Descriptors that are open, as the kernel counts them (Linux 6.2 on); 0: it does not say. */
static long long descriptors_of(long long pid)
{
	char path[40];
	struct stat st;

	snprintf(path, sizeof path, "/proc/%lld/fd", pid);
	return stat(path, &st) == 0 ? (long long)st.st_size : 0;
}

static void process_put(FILE *out, const json_t *process)
{
	long long pid = (long long)json_integer_value(json_object_get(process, "pid"));
	long long descriptors = descriptors_of(pid);
	double memory = memory_of(pid);

	fputs("<tr><th scope=row>", out);
	html_print(out, site_get(process, "process"));
	text_cell(out, "State", site_get(process, "state"), site_get(process, "state"));
	time_cell(out, "Since", site_get(process, "since"));
	site_cell(out, "PID", "figure");
	fprintf(out, "%lld", pid);
	site_cell(out, "Restarts", "figure");
	fprintf(out, "%lld", (long long)json_integer_value(json_object_get(process, "restarts")));
	site_cell(out, "Descriptors", "figure");
	if (descriptors > 0)
		fprintf(out, "%lld", descriptors);
	else
		fputc('-', out);
	site_cell(out, "Memory", "figure");
	if (memory >= 0)
		fprintf(out, "%.1f&#8239;MiB", memory);
	else
		fputc('-', out);
}

static void plugins_put(FILE *out, const struct process_config *config)
{
	fputs("<p class=note>Plugins:", out);
	for (size_t i = 0; i < config->n_sections; i++) {
		const struct plugin_section *section = &config->sections[i];

		fputs(i > 0 ? ", " : " ", out);
		html_print(out, section->name);
		if (strcmp(section->name, section->module) != 0) {
			fputs(" (", out);
			html_print(out, section->module);
			fputc(')', out);
		}
		fputc(' ', out);
		html_print(out, section->version != NULL ? section->version : "");
	}
	fputs(".</p>", out);
}

void site_processes_put(FILE *out, const struct site_data *s)
{
	long long lost = (long long)json_integer_value(json_object_get(s->status, "journal_lost"));
	json_t *process;
	size_t i;

	head_put(out, "Processes");
	fputs("<table><thead><tr><th>Process<th>State<th>Since<th class=figure>PID<th class=figure>Restarts<th "
	      "class=figure>Descriptors<th class=figure>Memory</thead><tbody>",
	      out);
	json_array_foreach (json_object_get(s->status, "processes"), i, process)
		process_put(out, process);
	fputs("</table>", out);
	plugins_put(out, s->monitor->process->config);
	if (lost > 0)
		fprintf(out,
		        "<p class=\"note down\">The journal lacks %lld rows that could not be written: see "
		        "journal_failed "
		        "in the log.</p>",
		        lost);
	fputs("</section>\n", out);
}
