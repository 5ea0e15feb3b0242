/* SPDX-License-Identifier: MIT */
/*
 * The messages between the processes, which all go through the supervisor: a datagram of a SEQPACKET socket is one
 * head and its payload.  Plain structs, for sender and receiver are forks of one binary; across an exec in place the
 * version in the head tells them from those of another one.
 */
#ifndef T3OPS_IPC_MESSAGE_H
#define T3OPS_IPC_MESSAGE_H

#include <stdint.h>
#include <string.h>

#include "obs/event.h"

enum process_id {
	PROCESS_NONE = 0,
	PROCESS_PROXY = 1,
	PROCESS_PROBER = 2,
	PROCESS_JOBS = 3,
	PROCESS_MONITOR = 4,
	PROCESS_HELPER = 5,
	PROCESS_SUPERVISOR = 6,
	PROCESSES = 7,
};
/* "proxy", "prober", ... */
const char *process_name(enum process_id id);

#define MSG_VERSION      9 /* of all that crosses an exec in place, the state in upgrade.c included */
#define MSG_MAX          (64 * 1024)
#define MSG_FIRST_SERIAL 16 /* an address below it is a process_id: its current process */

enum msg_type {
	MSG_READY = 1,     /* process -> supervisor: serving */
	MSG_EVENT,         /* any -> monitor: struct event */
	MSG_WATCHDOG_PING, /* supervisor -> process -> supervisor (id echoed) */
	MSG_STOP,          /* supervisor -> process: end now, cleanly */
	MSG_DRAIN,         /* supervisor -> proxy: take nothing new, finish, end */
	MSG_UNREACHABLE,   /* supervisor -> sender: the addressed process is not there (id echoed) */
	MSG_RUN,           /* any, and the process of a job -> helper, which knows whom it obeys: struct msg_run */
	MSG_RAN,           /* helper -> requester: struct msg_ran, then out_len bytes (id echoed) */
	MSG_PROBE,         /* monitor -> prober, proxy: struct msg_probe; answered by events with its id */
	MSG_RELOAD,        /* monitor -> supervisor: t3opsctl asked */
	MSG_RELOADED,      /* supervisor -> requester: struct msg_reply (id echoed) */
	MSG_JOB_NOW,       /* monitor -> jobs: struct msg_run (command = the job's section; user "" = all) */
	MSG_JOB_DONE,      /* jobs -> requester: struct msg_reply, when all of it ended (id echoed) */
	MSG_PROCESS_STATE, /* supervisor -> monitor: struct msg_process, on every change, all at monitor start */
	MSG_GIVE,    /* supervisor -> proxy that drains, with a socket: give your tunnels to the proxy `id` there */
	MSG_TAKE,    /* supervisor -> proxy that is new, with its other end: take them */
	MSG_FD_PUT,  /* proxy -> supervisor: struct msg_fd_put, with copies of a tunnel's descriptors */
	MSG_FD_DROP, /* proxy -> supervisor: struct msg_slot; the tunnel ended */
	MSG_START_ERROR, /* process -> supervisor, before MSG_READY: what keeps it from that; text without NUL */
	MSG_TERM,        /* process -> supervisor: it got a SIGTERM; answered MSG_STOP, or MSG_TERM: its turn comes */
	MSG_LEG_RETRY,   /* monitor -> prober: struct msg_leg_retry */
	MSG_ABSENT_ASK,  /* prober -> helper, which may look into homes: struct msg_absent: did the user ever run t3?
	                  */
	MSG_ABSENT,      /* helper -> requester: the same, answered */
	MSG_USER_PAGE_ASK,    /* proxy -> monitor: the name of the user who asks, T3OPS_USER_NAME_SIZE bytes */
	MSG_USER_PAGE,        /* monitor -> requester: struct msg_reply, its text the page (id echoed) */
	MSG_USER_VERDICT_ASK, /* proxy -> monitor: as MSG_USER_PAGE_ASK */
	MSG_USER_VERDICT,     /* monitor -> requester: struct msg_reply, its text what the verdict says that stands;
	                         -ENOENT: none does */
	MSG_NOTIFY,           /* monitor -> helper: struct msg_notify; answered MSG_RAN, without output (id echoed) */
	MSG_LOG_LEVEL,        /* monitor -> supervisor: struct msg_log_level; answered MSG_LOG_LEVELS (id echoed) */
	MSG_LOG_LEVELS,       /* supervisor -> monitor: struct msg_log_levels, on a change, and at monitor start */
	MSG_LOG_LEVEL_SET,    /* supervisor -> process: a byte, enum log_level: what is logged from now on */
	MSG_EVENTS_KEEP,      /* supervisor -> process: the monitor is behind: send no MSG_EVENT */
	MSG_EVENTS_SEND,      /* supervisor -> process: send what was kept, and what comes */
	MSG_COMMANDS_HOLD,    /* the process of a job -> helper: nobody else gets a command run for its user; answered
	                         MSG_COMMANDS_HELD when none runs any more (id echoed) */
	MSG_COMMANDS_HELD,    /* helper -> the process of a job: struct msg_reply, without text */
	MSG_COMMANDS_RELEASE, /* the process of a job -> helper */
};

struct msg_head {
	uint16_t version;      /* MSG_VERSION */
	uint16_t type;         /* enum msg_type */
	uint32_t from;         /* serial of the sending process; stamped by the supervisor */
	uint32_t from_process; /* its process_id; stamped, too */
	uint32_t to;           /* process_id or serial */
	uint64_t id;           /* the requester's; echoed by answers */
	uint32_t len;          /* of the payload */
};

/* A command of the config, or a job, for a user of the table. */
struct msg_run {
	uint8_t job;       /* 0: `name` is a command section; 1: a job section */
	uint8_t requested; /* of a job: somebody asked for it; else its time had come */
	uint8_t for_all;   /* of a job: for every user, not for this one by name */
	char name[64];
	char user[T3OPS_USER_NAME_SIZE];
	char action[32];      /* of a job, beside a run; "": a run */
	char arguments[1024]; /* of the action: a JSON object of texts, "": none */
};
/* Every text of it ends. */
static inline void msg_run_read(struct msg_run *out, const void *payload)
{
	memcpy(out, payload, sizeof *out);
	out->name[sizeof out->name - 1] = out->user[sizeof out->user - 1] = '\0';
	out->action[sizeof out->action - 1] = out->arguments[sizeof out->arguments - 1] = '\0';
}

struct msg_ran {
	int32_t error; /* as t3ops_ran.error */
	int32_t exit_code;
	uint64_t took_us;
	uint32_t out_len;
};

/* A notification, and the section whose program is to get it. */
struct msg_notify {
	char name[64];
	char text[]; /* without NUL */
};

struct msg_probe {
	uint64_t since_us; /* CLOCK_MONOTONIC of the drop: only what worked later acquits; 0 for a proxy:
	                    * no drop, who is connected is asked (tunnel_census) */
	char user[T3OPS_USER_NAME_SIZE]; /* who was affected: their own legs, before others; "": everything */
};

/* A tunnel of that user works: shared legs that are down, and the user's own, try again soon. */
struct msg_leg_retry {
	char user[T3OPS_USER_NAME_SIZE];
};

/* A user of the table, and whether nothing of t3 is there. */
struct msg_absent {
	char user[T3OPS_USER_NAME_SIZE];
	uint8_t is_absent;
};

/* A slot of the table of tunnels, and its tunnel: two proxies may name the slot in turn, each over its own channel,
 * and the later message may be read first. */
struct msg_slot {
	uint64_t table, tunnel;
	int32_t slot;
};

/* Whose the tunnel is: the supervisor keeps that from here on. */
struct msg_fd_put {
	struct msg_slot at;
	char user[T3OPS_USER_NAME_SIZE], address[48];
};

struct msg_reply {
	int32_t error; /* 0 or negative errno */
	char text[];   /* without NUL */
};

/* What the operator wants to be logged. */
struct msg_log_level {
	uint8_t process; /* enum process_id; PROCESS_NONE: all */
	uint8_t level;   /* enum log_level; 0: as configured */
};
/* What was chosen for each process; 0: the configured level counts. */
struct msg_log_levels {
	uint8_t chosen[PROCESSES];
};

struct msg_process {
	uint8_t process;
	uint8_t state; /* enum process_state */
	uint32_t serial;
	int32_t pid;
	uint32_t restarts;
	uint64_t since_us; /* since 1970 */
};
enum process_state { PROCESS_STARTING = 1, PROCESS_READY, PROCESS_DRAINING, PROCESS_STOPPING, PROCESS_DEAD };

#endif
