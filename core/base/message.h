/* SPDX-License-Identifier: MIT */
/*
 * What the rooms say to each other, always through the supervisor (a star): one datagram of a
 * SEQPACKET socket is one head and its payload.  Plain structs: sender and receiver are forks of
 * one binary; across an exec in place the head's version tells a stranger.
 */
#ifndef T3OPS_BASE_MESSAGE_H
#define T3OPS_BASE_MESSAGE_H

#include <stdint.h>

#include "base/event.h"

enum room_id {
	ROOM_NONE = 0,
	ROOM_FRONT = T3OPS_ROOM_FRONT,
	ROOM_LEGS = T3OPS_ROOM_LEGS,
	ROOM_JOBS = T3OPS_ROOM_JOBS,
	ROOM_DESK = T3OPS_ROOM_DESK,
	ROOM_RUNNER = 5,
	ROOM_SUPERVISOR = 6,
	ROOMS = 7,
};
/* "front", "legs", ... */
const char *room_name(enum room_id id);

#define MSG_VERSION 2 /* of all that crosses an exec in place, the state in takeover.c included */
#define MSG_MAX (64 * 1024)
#define MSG_FIRST_SERIAL 16 /* an address below it is a room_id: its current process */

enum msg_type {
	MSG_READY = 1,     /* room -> supervisor: serving */
	MSG_EVENT,         /* any -> desk: struct event */
	MSG_BEAT,          /* supervisor -> room -> supervisor (id echoed) */
	MSG_STOP,          /* supervisor -> room: end now, cleanly */
	MSG_DRAIN,         /* supervisor -> front: take nothing new, finish, end */
	MSG_UNREACHABLE,   /* supervisor -> sender: the room addressed is not there (id echoed) */
	MSG_RUN,           /* front, jobs, desk -> runner: struct msg_run */
	MSG_RAN,           /* runner -> asker: struct msg_ran, then out_len bytes (id echoed) */
	MSG_PROBE,         /* desk -> legs, front: struct msg_probe; answered by events with its id */
	MSG_RELOAD,        /* desk -> supervisor: t3opsctl asked */
	MSG_RELOADED,      /* supervisor -> asker: struct msg_answer (id echoed) */
	MSG_JOB_NOW,       /* desk -> jobs: struct msg_run (command = job's instance; user "" = all) */
	MSG_JOB_DONE,      /* jobs -> asker: struct msg_answer, when all of it ended (id echoed) */
	MSG_ROOM_STATE,    /* supervisor -> desk: struct msg_room, on every change, all at desk start */
	MSG_GIVE,          /* supervisor -> front that drains, with a socket: give your tunnels to the front `id` there */
	MSG_TAKE,          /* supervisor -> front that is new, with its other end: take them */
	MSG_KEEP,          /* front -> supervisor: struct msg_slot, with copies of a tunnel's descriptors */
	MSG_LET_GO,        /* front -> supervisor: struct msg_slot; the tunnel ended */
};

struct msg_head {
	uint16_t version; /* MSG_VERSION */
	uint16_t type;    /* enum msg_type */
	uint32_t from;    /* serial of the sending process; stamped by the supervisor */
	uint32_t to;      /* room_id or serial */
	uint32_t len;     /* of the payload */
	uint64_t id;      /* the asker's; echoed by answers */
};

/* A command of the config, or a job, for a user of the table. */
struct msg_run {
	uint8_t job; /* 0: `name` is a command section; 1: a job instance */
	char name[64];
	char user[64];
};

struct msg_ran {
	int32_t error; /* as t3ops_ran.error */
	int32_t exit_code;
	uint64_t took_us;
	uint32_t out_len;
};

struct msg_probe {
	uint64_t since_us; /* CLOCK_MONOTONIC of the drop: only what worked later acquits */
};

/* A slot of the book of tunnels, and whose it is: two fronts may speak of it in turn, each over its own
 * channel, and the later word may be read first. */
struct msg_slot {
	uint64_t book, tunnel;
	int32_t slot;
};

struct msg_answer {
	int32_t error; /* 0 or negative errno */
	char text[480];
};

struct msg_room {
	uint8_t room;
	uint8_t state; /* enum room_state */
	uint32_t serial;
	int32_t pid;
	uint32_t restarts;
	uint64_t since_us; /* since 1970 */
};
enum room_state { ROOM_STARTING = 1, ROOM_READY, ROOM_DRAINING, ROOM_STOPPING, ROOM_DEAD };

#endif
