/* SPDX-License-Identifier: MIT */
/* Units, the running daemon, clock, disk, Prometheus. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/timex.h>
#include <unistd.h>

#include "ctl/doctor_machine.h"
#include "ctl/doctor_user.h"
#include "ctl/link.h"
#include "ctl/reach.h"
#include "ctl/run_program.h"
#include "ctl/text.h"
#include "process/argv.h"

#define SYSTEMCTL_TIMEOUT_MS 20000
#define CONTROL_TIMEOUT_S    15
#define FIRST_REPORTS_S      60 /* after a start, each leg has reported by then */
#define COPIES_WANTED        2  /* of all databases: one beside those that there are, and one to restore */

/* ---- units */

static void unit_check(struct doctor *d, struct run_result *r, const char *unit)
{
	char *argv[] = {(char *)"/usr/bin/systemctl", (char *)"is-active", (char *)unit, NULL};
	char advice[256];

	snprintf(advice, sizeof advice, "systemctl enable --now %s; journalctl -u %s", unit, unit);
	run_program(argv, NULL, SYSTEMCTL_TIMEOUT_MS, r);
	r->out[strcspn(r->out, "\n")] = '\0';
	if (r->status == 0)
		finding_add(&d->findings, FINDING_OK, "unit", unit, "", "%s", r->out);
	else
		finding_add(&d->findings, FINDING_FAIL, "unit", unit, advice, "%s",
		            r->out[0] != '\0' ? r->out : r->err);
}

void doctor_units(struct doctor *d)
{
	struct run_result *r = malloc(sizeof *r);
	const json_t *user;
	size_t i;

	if (r == NULL)
		abort();
	if (access("/run/systemd/system", F_OK) < 0) {
		finding_add(&d->findings, FINDING_SKIP, "unit", "", "", "systemd does not run here");
	} else {
		unit_check(d, r, "t3ops.service");
		json_array_foreach (json_object_get(d->config, "users"), i, user) {
			char unit[128];

			snprintf(unit, sizeof unit, "t3-serve@%s.service", text_get(user, "os_user"));
			if (text_get(user, "os_user")[0] != '\0' && !json_is_true(json_object_get(user, "absent")))
				unit_check(d, r, unit);
		}
	}
	free(r);
}

/* ---- the daemon */

static void leg_report(struct doctor *d, const json_t *leg)
{
	const char *state = text_get(leg, "state"), *detail = text_get(leg, "detail");
	char name[256];

	snprintf(name, sizeof name, text_get(leg, "user")[0] != '\0' ? "%s %s" : "%s%s", text_get(leg, "name"),
	         text_get(leg, "user"));
	if (strcmp(state, "up") == 0 || strcmp(state, "absent") == 0)
		finding_add(&d->findings, FINDING_OK, "leg", name, "", "%s", state);
	else if (text_get(leg, "reason")[0] != '\0')
		finding_add(&d->findings, FINDING_FAIL, "leg", name,
		            "t3opsctl why; before a first verdict, journalctl -u t3ops -g leg_attempt_failed",
		            "%s at %s (%s)%s%s", state, text_get(leg, "step"), text_get(leg, "reason"),
		            detail[0] != '\0' ? ": " : "", detail);
	else
		finding_add(&d->findings, FINDING_WARN, "leg", name, "ask again in a minute", "%s", state);
}

static bool has_reported(const json_t *status, const char *name)
{
	const json_t *leg;
	size_t i;

	json_array_foreach (json_object_get(status, "legs"), i, leg)
		if (strcmp(text_get(leg, "name"), name) == 0)
			return true;
	return false;
}

/* Legs whose first attempt goes on: a t3ops that has just been started is not well for want of bad news. */
static void silent_legs_report(struct doctor *d, const json_t *status)
{
	const json_t *plugin;
	size_t i;

	if (json_number_value(json_object_get(status, "uptime_seconds")) >= FIRST_REPORTS_S)
		return;
	json_array_foreach (json_object_get(d->config, "plugins"), i, plugin)
		if (json_is_true(json_object_get(plugin, "leg")) && !has_reported(status, text_get(plugin, "name")))
			finding_add(&d->findings, FINDING_WARN, "leg", text_get(plugin, "name"),
			            "ask again in a minute", "has not reported yet");
}

static void status_report(struct doctor *d, const json_t *status)
{
	const json_t *one;
	size_t i;

	if (strcmp(text_get(status, "version"), PACKAGE_VERSION) != 0)
		finding_add(&d->findings, FINDING_WARN, "daemon", "", "systemctl kill -s USR2 --kill-whom=main t3ops",
		            "version %s runs, %s is installed", text_get(status, "version"), PACKAGE_VERSION);
	else
		finding_add(&d->findings, FINDING_OK, "daemon", "", "", "version %s, %zu processes",
		            text_get(status, "version"), json_array_size(json_object_get(status, "processes")));
	json_array_foreach (json_object_get(status, "legs"), i, one)
		leg_report(d, one);
	silent_legs_report(d, status);
}

void doctor_daemon(struct doctor *d)
{
	const char *path = d->socket[0] != '\0' ? d->socket : text_get(json_object_get(d->config, "core"), "control");
	json_t *request = json_pack("{s:s}", "command", "status"), *answer = NULL;
	struct link l = {.fd = -1};
	int r = link_open(&l, path, CONTROL_TIMEOUT_S);

	if (r == 0) {
		r = link_send(&l, request);
		answer = r == 0 ? link_receive(&l) : NULL;
		link_close(&l);
	}
	if (json_is_true(json_object_get(answer, "ok")))
		status_report(d, json_object_get(answer, "result"));
	else if (r == -EACCES)
		finding_add(&d->findings, FINDING_FAIL, "daemon", "", "be root, or in the group of that socket",
		            "%s: you may not use it", path);
	else
		finding_add(
		    &d->findings, FINDING_FAIL, "daemon", "", "systemctl start t3ops; journalctl -u t3ops -p warning",
		    "%s: t3ops does not answer there%s%s", path, r < 0 ? ": " : "", r < 0 ? strerror(-r) : "");
	json_decref(answer);
	json_decref(request);
}

/* ---- clock */

void doctor_clock(struct doctor *d)
{
	struct timex t = {0};

	if (adjtimex(&t) < 0 || (t.status & STA_UNSYNC) != 0)
		finding_add(&d->findings, FINDING_WARN, "clock", "", "timedatectl set-ntp true",
		            "nothing keeps this machine's clock synchronized");
	else
		finding_add(&d->findings, FINDING_OK, "clock", "", "", "synchronized");
}

/* ---- disk */

/* Of all databases that the job reads, with what is in their logs. */
static unsigned long long databases_bytes(const struct doctor *d, const json_t *plugin)
{
	static const char *const ends[] = {"", "-wal"};
	char *pattern = (char *)text_get(json_object_get(plugin, "options"), "database");
	const json_t *row;
	unsigned long long bytes = 0;
	size_t i;

	json_array_foreach (json_object_get(d->config, "users"), i, row) {
		struct user user = user_of(row);
		char **expanded = argv_expand(&(struct text_list){&pattern, 1}, &user);

		for (size_t k = 0; expanded != NULL && k < sizeof ends / sizeof ends[0]; k++) {
			char path[4096];
			struct stat st;

			snprintf(path, sizeof path, "%s%s", expanded[0], ends[k]);
			if (stat(path, &st) == 0)
				bytes += (unsigned long long)st.st_size;
		}
		if (expanded != NULL)
			argv_free(expanded);
	}
	return bytes;
}

static void dir_check(struct doctor *d, const json_t *plugin, const char *dir)
{
	unsigned long long needed = COPIES_WANTED * databases_bytes(d, plugin), left;
	const char *job = text_get(plugin, "name");
	struct statvfs st;

	if (statvfs(dir, &st) < 0) {
		finding_add(&d->findings, FINDING_FAIL, "disk", job,
		            "systemd-tmpfiles --create, or create it: owner root, mode 0711", "%s: %s", dir,
		            strerror(errno));
		return;
	}
	left = (unsigned long long)st.f_bavail * st.f_frsize;
	if (left < needed)
		finding_add(&d->findings, FINDING_FAIL, "disk", job, "free space there, or lower what is retained",
		            "%s has %llu KiB left; %d copies of all databases need %llu KiB", dir, left >> 10,
		            COPIES_WANTED, needed >> 10);
	else
		finding_add(&d->findings, FINDING_OK, "disk", job, "", "%s has %llu MiB left", dir, left >> 20);
}

void doctor_disk(struct doctor *d)
{
	const json_t *plugin, *dir;
	size_t i, k;

	json_array_foreach (json_object_get(d->config, "plugins"), i, plugin)
		json_array_foreach (json_object_get(plugin, "user_dirs"), k, dir)
			if (json_is_true(json_object_get(plugin, "job")))
				dir_check(d, plugin, json_string_value(dir));
}

/* ---- Prometheus */

void doctor_alerts(struct doctor *d)
{
	struct reach_way way = {.find = "\"T3OpsDown\""};
	struct reach_answer a;
	char url[600];

	if (d->prometheus[0] == '\0')
		return;
	snprintf(url, sizeof url, "%s/api/v1/rules?type=alert", d->prometheus);
	reach_get(url, &way, NULL, d->timeout_ms, &a);
	if (a.status != 200)
		finding_add(&d->findings, FINDING_FAIL, "alerts", "", "is that the address of Prometheus?",
		            "%s: status %ld %s", d->prometheus, a.status, a.why);
	else if (!a.found)
		finding_add(&d->findings, FINDING_FAIL, "alerts", "",
		            "put t3ops-rules.yml into rule_files of prometheus.yml, and reload it",
		            "Prometheus does not know the alerts of t3ops");
	else
		finding_add(&d->findings, FINDING_OK, "alerts", "", "", "Prometheus has them");
	if (a.status != 200)
		return;
	snprintf(url, sizeof url, "%s/api/v1/query?query=count(t3ops_build_info)", d->prometheus);
	reach_get(url, &way, NULL, d->timeout_ms, &a);
	if (strstr(a.body, "\"value\"") == NULL)
		finding_add(&d->findings, FINDING_FAIL, "scrape", "",
		            "add the job t3ops of prometheus.yml: status_listen, /metrics",
		            "Prometheus has no metrics of t3ops");
	else
		finding_add(&d->findings, FINDING_OK, "scrape", "", "", "Prometheus has metrics of t3ops");
}
