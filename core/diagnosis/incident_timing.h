/* SPDX-License-Identifier: MIT */
/*
 * Every constant of incidents and verdicts, in one table.  None is an option: they follow from how t3's page and the
 * legs behave, and from one another.
 *
 * t3's page sends a Ping every 5 s, gives up 10 s (older builds) or 20 s after the last answer, and comes back after
 * 1 to 3 s.  Legs by default: a heartbeat every 10 s, late after 2 s, given up after 20 s.
 */
#ifndef T3OPS_DIAGNOSIS_INCIDENT_TIMING_H
#define T3OPS_DIAGNOSIS_INCIDENT_TIMING_H

#include <stdint.h>

#define INCIDENT_MS(n) (UINT64_C(1000) * (n))
#define INCIDENT_S(n)  (UINT64_C(1000000) * (n))

static inline uint64_t sooner(uint64_t a_us, uint64_t b_us)
{
	return a_us < b_us ? a_us : b_us;
}

/* A round of evidence: from the first news to its classification. */
#define SETTLE_US        INCIDENT_MS(200)  /* after the last news: a burst of drops is one incident */
#define ROUND_GRACE_US   INCIDENT_MS(500)  /* beyond ping_timeout: who has not answered by then does not count */
#define ASK_AGAIN_US     INCIDENT_MS(200)  /* between two probes, when a drop began after the first */
#define LIVE_ROUND_US    INCIDENT_MS(1200) /* the proxy answers a probe after a second: awaited if no leg fails */
#define VANTAGE_WAIT_US  INCIDENT_S(6)     /* what only shared legs see waits for one heartbeat of users' pages */
#define ANSWERED_US      INCIDENT_S(20)    /* a page that still beats so long after a time got an answer since */
#define ANSWERED_WAIT_US INCIDENT_S(27)    /* that is awaited while users beat and only silent legs fail */
#define LARGE_WAIT_US    INCIDENT_S(12) /* a page whose answers were lost waits for what large messages of legs do */
#define VANTAGE_ASK_US   INCIDENT_MS(1500) /* and asks for it so often */

/* What nobody ever saw work. */
#define MUTE_US INCIDENT_S(20) /* connections are accepted, and none is answered, for so long: it hangs */
#define HEIR_US                                                                                                      \
	INCIDENT_S(6) /* a leg that a new prober cannot connect for so long, as the old one had, is broken           \
	               */
#define HEIR_WAIT_US                                                                                                 \
	INCIDENT_S(12) /* what it finds of a leg that failed is awaited: its attempt gives up after 10 s */
#define HEIR_MAX_US INCIDENT_S(60) /* and nothing is known of how it was longer ago */
#define CAME_UP_US  INCIDENT_S(5)  /* what is noticed sooner after a leg came up may have been over when it did */

/* The incident: one id, open for evidence. */
#define FOLLOW_US     INCIDENT_S(15)  /* so long after the last drop everything is asked again, */
#define FOLLOW_ASK_US INCIDENT_S(3)   /* so often */
#define EVIDENCE_US   INCIDENT_S(120) /* after its last drop it takes no more evidence */
#define MASS_MIN      5 /* users with the same fault of their own at once: one fault, of what they share */
#define REVISIONS_MAX 5 /* of one verdict; what changes later is in /verdicts?standing=1 alone */

/* Verdicts: what ends them, and what comes after their end. */
#define ECHO_US    INCIDENT_S(30)  /* after its end: what had heard nothing since before the end is its echo */
#define AGAIN_US   INCIDENT_S(60)  /* after its end: the same suspects are the same fault once more */
#define CLEARED_US INCIDENT_S(15)  /* what acquits the suspects of a verdict that stands may be its end: so long */
#define HOLD_US    INCIDENT_S(30)  /* a fault that came back has ended only when it stayed away so long */
#define FORGET_US  INCIDENT_S(600) /* users who never came back; how long an ended verdict is shown as such */

/* The host and t3ops itself. */
#define FREEZE_MIN_US     INCIDENT_MS(500) /* a shorter one explains nothing */
#define FREEZE_CUTS_US    INCIDENT_S(4)    /* a shorter one makes no page and no leg give up */
#define FREEZE_REACH_US   INCIDENT_S(1)    /* what ended so long before a drop began may have caused it */
#define RESUME_REACH_US   INCIDENT_S(10)   /* until the network of a machine that slept is back */
#define OFFLINE_SLACK_US  INCIDENT_S(1)    /* what is heard sooner after the network went was on its way */
#define OFFLINE_BEFORE_US INCIDENT_S(10)   /* a link may be dead for a while before it counts as gone */
#define OFFLINE_AFTER_US  INCIDENT_S(15)   /* until what needs the network works again: addresses, names, tunnels */
#define PROXY_BEFORE_US   INCIDENT_MS(200) /* a dying proxy's connections end, and then its end is noticed */
#define PROXY_AFTER_US    INCIDENT_S(3)    /* until the next one serves */
#define THAW_US           INCIDENT_S(5)    /* an attempt that fails later than that is not its echo */
#define CLOCK_JUMP_MIN_US INCIDENT_S(2)    /* a smaller step of the wall clock is housekeeping */
#define STRAIN_GAP_US     INCIDENT_S(5)    /* strained again so soon: still */
#define STRAIN_SPAN_US    INCIDENT_MS(500) /* samples closer to each other say nothing of it */
#define STRAINED_PART     0.2              /* of the time, everything waited for memory */
#define STARVED_PART      0.5              /* of the time, our loop waited for a CPU */
#define PROMPT_US         INCIDENT_S(2)    /* who is answered sooner is not late: then the machine is not to blame */
#define CROWD_SPAN_US     INCIDENT_S(10) /* servers of MASS_MIN users that fall silent so soon after each other ... */
#define CROWD_MIN         3              /* or all, if there are fewer, but so many */
#define BUSY_PART         0.1            /* ... while programs waited for CPUs or disks for that part of the time */
#define CROWD_WAIT_US     INCIDENT_S(6) /* what is late on a busy machine waits so long for servers that owe answers */
#define STARVED_WAIT      20            /* times as long as it waited for a CPU, at most: else that is not why */

/* Slow: where it is may be said again so often. */
#define SLOW_AGAIN_US INCIDENT_S(30)

/* Pages: a tunnel that was cut is judged when it is known whether the page came back by itself. */
#define RETURN_US     INCIDENT_S(180)
#define UPGRADE_US    INCIDENT_S(20)   /* a page gives up an upgrade without an answer after 10 or 15 s */
#define NAVIGATION_US INCIDENT_S(5)    /* before the cut: the page was left for a document that loaded meanwhile */
#define TABS_CUT_US   INCIDENT_MS(200) /* tabs that were cut so close to each other had one connection */
#define TABS_APART_US INCIDENT_MS(500) /* tabs that end so far from each other have no common moment */
#define TOGETHER_US   INCIDENT_S(1)    /* cuts of several users so close to each other have one cause */

/* Cloudflare's locations. */
#define STEADY_SAME_US INCIDENT_MS(100) /* two times since which a tunnel is heard without a gap: the same */
#define HURT_US        INCIDENT_S(180) /* users who broke over one location so long ago may have had the same cause */

#endif
