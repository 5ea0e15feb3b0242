/* SPDX-License-Identifier: MIT */
/*
 * What a page did, as its tunnel shows it: one row a piece of evidence gives the enum, the label in events and
 * verdicts, what it means, whom it accuses, and the sentence of the manual.
 *
 *   PAGE_EVIDENCE(IDENTIFIER, label, class, side, sentence)
 *
 * class: LEFT       the user went: never a drop
 *        NOTHING    the page did not even notice
 *        DROP       the page lost its connection
 *        SLOW       it works, too slowly: convicts nobody
 *        UNKNOWN    cannot be told
 * side:  BEFORE_US  between the page and t3ops, for a reason that the page's own evidence gives
 *        CUT        between the page and t3ops; the page's evidence does not say where
 *        SERVE      the user's t3 server
 *        DISPATCH   t3ops itself
 *        NOBODY     nobody
 */
PAGE_EVIDENCE(NONE, "none", UNKNOWN, NOBODY, "none is known")
PAGE_EVIDENCE(UNKNOWN, "unknown", UNKNOWN, NOBODY,
              "its heartbeat is not known; the end may have been a drop or a user who left")
PAGE_EVIDENCE(ON_TIME, "on_time", LEFT, NOBODY, "it ended while its heartbeat was on time: the user left")
PAGE_EVIDENCE(
    WENT_SILENT, "went_silent", LEFT, NOBODY,
    "its heartbeat stopped, and nothing that it sent meanwhile ever arrived: its device slept or changed networks")
PAGE_EVIDENCE(LEFT_HUNG, "left_hung", LEFT, NOBODY,
              "the user left a page that had waited for an answer for more than a heartbeat")
PAGE_EVIDENCE(REPLACED, "replaced", NOTHING, NOBODY,
              "the page replaced its connection by itself, while its heartbeat was on time")
PAGE_EVIDENCE(ABANDONED, "abandoned", NOTHING, NOBODY,
              "the page gave the upgrade up, or its response never reached the page: nothing was ever sent")
PAGE_EVIDENCE(MOVED, "moved", NOTHING, NOBODY, "t3ops moved the WebSocket to another process of its own")
PAGE_EVIDENCE(SERVER_DONE, "server_done", NOTHING, NOBODY, "the t3 server had finished: it closed with 1000")
PAGE_EVIDENCE(CLOSED_BY_US, "closed_by_us", NOTHING, NOBODY,
              "t3ops closed it: the user was removed or the session was dead")
PAGE_EVIDENCE(LATE_PINGS, "late_pings", DROP, BEFORE_US,
              "heartbeats sent during a gap arrived together at its end: the page was awake, but did not get through")
PAGE_EVIDENCE(FEW_PINGS, "few_pings", DROP, CUT,
              "some heartbeats arrived together at the end of a gap, too few for a page that was awake all the time: "
              "it was cut off and gave up, or its device lost its network and slept right after")
PAGE_EVIDENCE(ANSWERS_NOT_TAKEN, "answers_not_taken", DROP, BEFORE_US,
              "answers came in time and waited in t3ops: the next hop took nothing")
PAGE_EVIDENCE(ANSWERS_LOST, "answers_lost", DROP, BEFORE_US,
              "answers came in time and the next hop took them, but the page gave up for lack of them")
PAGE_EVIDENCE(
    CUT, "cut", DROP, CUT,
    "the connection was cut while its heartbeat was on time, and the page came back or others were cut with it")
PAGE_EVIDENCE(SERVER_LATE, "server_late", DROP, SERVE, "heartbeats arrived on time and the t3 server did not answer")
PAGE_EVIDENCE(SERVER_ENDED, "server_ended", DROP, SERVE, "the t3 server ended the connection: it stopped or crashed")
PAGE_EVIDENCE(LOST_BY_US, "lost_by_us", DROP, DISPATCH, "a process of t3ops ended while it held the connection")
PAGE_EVIDENCE(
    UNHEARD, "unheard", NOTHING, NOBODY,
    "the upgrade was answered a while ago, and the page has said nothing yet: it may not have got the answer")
PAGE_EVIDENCE(LATE_HEARTBEAT, "late_heartbeat", SLOW, NOBODY,
              "heartbeats arrive, each much later than the one before")
