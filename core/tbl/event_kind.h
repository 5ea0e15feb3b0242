/* SPDX-License-Identifier: MIT */
/*
 * Every kind of event: one row gives the name in log and journal, the level, whether the monitor
 * keeps it in the journal, and the sentence of the manual.
 *
 *   EVENT_KIND(IDENTIFIER, name, level, journalled, sentence)
 */
EVENT_KIND(NOTE, "note", INFO, true, "a plugin reported something that has no kind of its own")
EVENT_KIND(PROCESS_STARTED, "process_started", INFO, true, "a process is ready")
EVENT_KIND(PROCESS_EXITED, "process_exited", ERROR, true, "a process ended by itself and is started again")
EVENT_KIND(PROCESS_KILLED, "process_killed", ERROR, true, "a process did not answer its watchdog and was ended")
EVENT_KIND(RELOADED, "reloaded", NOTICE, true, "a new configuration is in force")
EVENT_KIND(RELOAD_REFUSED, "reload_refused", ERROR, true, "a configuration was refused; the running one stays")
EVENT_KIND(UPGRADED, "upgraded", NOTICE, true, "the daemon's binary was replaced in place")
EVENT_KIND(USERS_LOADED, "users_loaded", NOTICE, true, "the user table was read")
EVENT_KIND(USERS_BROKEN, "users_broken", ERROR, true,
           "the user table could not be read; the last good one stays, if there is one")
EVENT_KIND(USERS_PARTIAL, "users_partial", WARNING, true,
           "rows of the user table are at fault or in doubt; they cost their own users only")
EVENT_KIND(LOOP_LAG, "loop_lag", WARNING, true, "a process's loop was frozen for a while")
EVENT_KIND(CALLBACK_SLOW, "callback_slow", WARNING, true, "a plugin's callback took longer than its budget")
EVENT_KIND(TUNNEL_OPEN, "tunnel_open", INFO, true, "a user's WebSocket was connected to the instance")
EVENT_KIND(TUNNEL_CLOSED, "tunnel_closed", INFO, true, "a user's WebSocket ended in the ordinary way")
EVENT_KIND(TUNNEL_DROP, "tunnel_drop", NOTICE, true, "a user's WebSocket broke")
EVENT_KIND(TUNNEL_ALIVE, "tunnel_alive", DEBUG, false,
           "a user's tunnel carried data after a drop: it acquits its path")
EVENT_KIND(REQUEST_REJECTED, "request_rejected", INFO, false,
           "a request was answered by t3ops with an error; reported once a minute, with the count of those left out")
EVENT_KIND(IDENTITY_IGNORED, "identity_ignored", WARNING, true,
           "an identity header came from a peer that is not trusted; reported once a minute, with the count of those "
           "left out")
EVENT_KIND(PAIR, "pair", INFO, true, "a browser was paired with an instance, or could not be")
EVENT_KIND(SESSION_DEAD, "session_dead", INFO, true, "a cookie that the instance no longer honours is being healed")
EVENT_KIND(LEG_UP, "leg_up", NOTICE, true, "a leg is established")
EVENT_KIND(LEG_LATE, "leg_late", WARNING, true, "a heartbeat is overdue, the watchdog has not fired yet")
EVENT_KIND(LEG_DOWN, "leg_down", WARNING, true, "an established leg ended")
EVENT_KIND(LEG_ATTEMPT, "leg_attempt", INFO, false, "an attempt to establish a leg failed")
EVENT_KIND(LEG_ALIVE, "leg_alive", DEBUG, false, "a leg answered the ping that a drop asked for")
EVENT_KIND(LEG_RESOLVER, "leg_resolver", INFO, false, "a leg's resolver answered or failed")
EVENT_KIND(LEG_GONE, "leg_gone", INFO, true, "a leg no longer exists: its user or its section is gone")
EVENT_KIND(VERDICT, "verdict", NOTICE, true, "which segment broke, with the evidence")
EVENT_KIND(VERDICT_HEALED, "verdict_healed", NOTICE, true, "everything that a verdict was based on works again")
EVENT_KIND(JOB_DONE, "job_done", INFO, true, "a job finished for a user")
EVENT_KIND(JOB_FAILED, "job_failed", ERROR, true, "a job failed for a user; what it had kept before is untouched")
