/* SPDX-License-Identifier: MIT */
/*
 * Every kind of event: one row gives the name in log and journal, the level, whether the monitor keeps it in the
 * journal, the log keys of the struct's id, code, count and text in events of this kind, and the sentence of the
 * manual.
 *
 *   EVENT_KIND(IDENTIFIER, name, level, journalled, id, code, count, text, sentence)
 */
/* clang-format off */
EVENT_KIND(NOTE, "note", INFO, true, none, none, none, detail,
           "a plugin reported something that has no kind of its own")
EVENT_KIND(PROCESS_STARTED, "process_started", INFO, true, pid, none, none, child,
           "a process is ready")
EVENT_KIND(PROCESS_EXITED, "process_exited", ERROR, true, pid, exit_code, none, child,
           "a process ended by itself and is started again")
EVENT_KIND(PROCESS_KILLED, "process_killed", ERROR, true, pid, none, none, child,
           "a process did not answer its watchdog ping; it was killed and is started again")
EVENT_KIND(RELOADED, "reloaded", NOTICE, true, none, none, none, path,
           "a new configuration is active")
EVENT_KIND(RELOAD_REFUSED, "reload_refused", ERROR, true, none, none, none, error,
           "a configuration or a new binary was refused; what ran before stays")
EVENT_KIND(SUPERVISOR_REPLACED, "supervisor_replaced", ERROR, true, none, none, none, detail,
           "a supervisor ended without an order, and the one that followed adopted its proxies")
EVENT_KIND(DRAIN_CUT, "drain_cut", WARNING, true, pid, none, none, error,
           "an old proxy was stopped with the requests that it still had, for max_draining proxies drained already")
EVENT_KIND(UPGRADED, "upgraded", NOTICE, true, none, none, none, path,
           "the daemon's binary was replaced")
EVENT_KIND(USERS_LOADED, "users_loaded", NOTICE, true, none, none, users, none,
           "the user table was read")
EVENT_KIND(USERS_BROKEN, "users_broken", ERROR, true, none, none, none, error,
           "the user table could not be read; the last valid one stays, if there is one")
EVENT_KIND(USERS_PARTIAL, "users_partial", WARNING, true, none, none, none, error,
           "rows of the user table have errors or warnings; they affect their own users only")
EVENT_KIND(LOOP_LAG, "loop_lag", WARNING, true, none, none, none, none,
           "the loop of a process was frozen for a while")
EVENT_KIND(MACHINE_SUSPENDED, "machine_suspended", WARNING, true, none, none, none, none,
           "this machine was suspended or paused: its clocks have a gap")
EVENT_KIND(CLOCK_JUMPED, "clock_jumped", WARNING, true, none, none, none, detail,
           "the wall clock of this machine was set, forward or back")
EVENT_KIND(NETWORK_LOST, "network_lost", WARNING, true, none, none, none, none,
           "this machine lost its own network: no default route over a link with carrier is left; what fails since then convicts nobody")
EVENT_KIND(NETWORK_BACK, "network_back", NOTICE, true, none, none, none, none,
           "this machine has a network of its own again")
EVENT_KIND(OOM_KILLED, "oom_killed", WARNING, true, none, none, kills, none,
           "the kernel killed processes of this machine for lack of memory")
EVENT_KIND(MEMORY_STRAINED, "memory_strained", WARNING, true, none, none, none, none,
           "everything on this machine waits for memory, for more than a fifth of the time")
EVENT_KIND(CPU_STARVED, "cpu_starved", WARNING, true, none, none, none, none,
           "this machine is overloaded: t3ops itself is late for half of the time, for it waits for a CPU")
EVENT_KIND(SERVERS_LATE, "servers_late", WARNING, true, none, none, users, none,
           "t3 servers of many users were late at once, while this machine kept programs waiting: it is overloaded")
EVENT_KIND(CALLBACK_SLOW, "callback_slow", WARNING, true, none, none, none, none,
           "a plugin's callback took longer than its budget")
EVENT_KIND(COMMAND_DONE, "command_done", INFO, true, none, exit_code, none, error,
           "the helper ran a command, or a job, for a user")
EVENT_KIND(COMMAND_FAILED, "command_failed", WARNING, true, none, exit_code, none, error,
           "a command, or a job, that the helper ran for a user failed, or was killed")
EVENT_KIND(COMMAND_REFUSED, "command_refused", WARNING, true, none, none, suppressed, error,
           "the helper refused to start a command or a job; repeats are only counted")
EVENT_KIND(TUNNEL_OPEN, "tunnel_opened", INFO, true, tunnel, none, none, none,
           "a user's WebSocket was connected to the t3 server")
EVENT_KIND(TUNNEL_CLOSED, "tunnel_closed", INFO, true, tunnel, close_code, none, detail,
           "a user's WebSocket ended, and as far as is known at that moment its page did not lose it")
EVENT_KIND(TUNNEL_DROP, "tunnel_dropped", NOTICE, true, tunnel, close_code, none, detail,
           "a user's WebSocket broke; written by the monitor if only what the page did next shows that")
EVENT_KIND(TUNNEL_HEARTBEAT, "tunnel_heartbeat", DEBUG, false, tunnel, none, none, detail,
           "the heartbeat of a user's page became late or silent, or is on time again")
EVENT_KIND(NAVIGATION, "navigation", DEBUG, false, none, none, none, detail,
           "a user's browser asked for a document")
EVENT_KIND(TUNNEL_ALIVE, "tunnel_alive", DEBUG, false, incident, none, none, none,
           "a user's WebSocket carried data after a drop: it acquits its path")
EVENT_KIND(TUNNEL_CENSUS, "tunnel_census", DEBUG, false, none, none, tunnels, none,
           "how many WebSockets a user has, how old the oldest one is, how long its last heartbeat was answered and how many bytes passed since the last census: the operator's list of users is made of it")
EVENT_KIND(REQUEST_REJECTED, "request_rejected", INFO, false, none, http_status, suppressed, error,
           "t3ops answered a request with an error; reported once a minute, with the number of those left out")
EVENT_KIND(REQUEST_CUT, "request_cut", WARNING, true, none, http_status, suppressed, error,
           "t3ops cut a response in progress; error names the option whose limit had passed, or says why it could not move to the next proxy; reported once a minute, with the number of those left out")
EVENT_KIND(IDENTITY_REFUSED, "identity_refused", WARNING, true, none, http_status, none, error,
           "a trusted proxy named a user, and no signed token proved it; reported once a minute for each reason, with the number of those left out")
EVENT_KIND(SIGNING_KEYS_LOADED, "signing_keys_loaded", NOTICE, true, none, none, none, detail,
           "the keys that tokens are verified with were fetched or read, for the first time, after a failure, or with others among them")
EVENT_KIND(SIGNING_KEYS_FAILED, "signing_keys_failed", ERROR, true, none, http_status, none, error,
           "the keys that tokens are verified with could not be fetched or read; those of before stay, and without any nobody is let in; reported every ten minutes")
EVENT_KIND(IDENTITY_IGNORED, "identity_ignored", WARNING, true, none, none, suppressed, hint,
           "an identity header came from a peer that is not trusted; reported once a minute, with the number of those left out")
EVENT_KIND(UPSTREAM_IMPOSTOR, "upstream_impostor", ERROR, true, none, none, suppressed, detail,
           "a process of another account than the user's answers at the address of a t3 server; nothing was sent to it; reported once a minute for each user, with the number of those left out")
EVENT_KIND(PAIR, "pairing_done", NOTICE, true, none, http_status, none, detail,
           "a browser, or t3ops itself, was paired with a t3 server: who it was, and what it had asked for")
EVENT_KIND(PAIR_FAILED, "pairing_failed", WARNING, true, none, http_status, none, detail,
           "a browser, or t3ops itself, could not be paired with a t3 server")
EVENT_KIND(SESSION_DEAD, "session_expired", INFO, true, none, http_status, none, detail,
           "the t3 server no longer accepts a cookie; it is replaced")
EVENT_KIND(SIGN_IN_SKIPPED, "sign_in_skipped", ERROR, true, none, http_status, none, detail,
           "a path that must ask for a sign-in answered without one")
EVENT_KIND(LEG_UP, "leg_up", NOTICE, true, incident, none, none, none,
           "a leg is established")
EVENT_KIND(LEG_LATE, "leg_late", WARNING, true, incident, none, none, none,
           "a heartbeat is overdue; the leg's timeout has not passed yet")
EVENT_KIND(LEG_DOWN, "leg_down", WARNING, true, incident, close_code, none, detail,
           "an established leg ended")
EVENT_KIND(LEG_ATTEMPT, "leg_attempt_failed", INFO, false, incident, close_code, none, detail,
           "an attempt to establish a leg failed")
EVENT_KIND(LEG_ALIVE, "leg_alive", DEBUG, false, incident, none, none, none,
           "a leg answered the ping that a drop asked for")
EVENT_KIND(LEG_RESOLVER, "leg_resolver_checked", INFO, false, none, none, none, detail,
           "a leg's resolver answered or failed")
EVENT_KIND(LEG_FRESH, "leg_fresh_opened", NOTICE, false, none, none, none, none,
           "a fresh connection beside an established leg works; logged when the one before had failed")
EVENT_KIND(LEG_FRESH_FAILED, "leg_fresh_failed", WARNING, true, none, close_code, none, detail,
           "a fresh connection beside an established leg failed, twice in a row or while a heartbeat was late or a user had dropped")
EVENT_KIND(LEG_LARGE, "leg_large_answered", NOTICE, false, none, none, none, none,
           "a large message of a leg went there and came back; logged when the one before was lost")
EVENT_KIND(LEG_LARGE_LOST, "leg_large_lost", WARNING, true, none, none, none, detail,
           "a large message of a leg was lost while small ones are answered, twice in a row or while a heartbeat was late or a user had dropped")
EVENT_KIND(LEG_TRACED, "leg_heartbeat_traced", INFO, true, none, none, none, detail,
           "how far a heartbeat of a leg got that is not answered; it accuses nobody")
EVENT_KIND(CERTIFICATE_EXPIRING, "certificate_expiring", WARNING, true, none, none, none, expires,
           "a certificate that a leg is presented has fewer days left than certificate_days; segments= names who presents it; repeated once a day")
EVENT_KIND(CERTIFICATE_EXPIRED, "certificate_expired", ERROR, true, none, none, none, expires,
           "a certificate that a leg is presented has expired, even if it is still accepted; segments= names who presents it; repeated once a day")
EVENT_KIND(CERTIFICATE_RENEWED, "certificate_renewed", NOTICE, true, none, none, none, expires,
           "the certificate that a leg is presented is valid again")
EVENT_KIND(LEG_ABSENT, "leg_absent", INFO, true, incident, none, none, none,
           "a leg has nothing to connect to: its user never ran t3, so it counts neither as up nor as down")
EVENT_KIND(LEG_GONE, "leg_removed", INFO, true, none, none, none, none,
           "a leg no longer exists: its user or its section is gone")
EVENT_KIND(SLOW, "slow", WARNING, true, none, none, users, detail,
           "heartbeats of legs or pages are answered, but much later than usual; convicts no segment")
EVENT_KIND(SLOW_OVER, "slow_over", NOTICE, true, none, none, none, none,
           "what was slow answers as usual again")
EVENT_KIND(VERDICT, "verdict", NOTICE, true, incident, revision, verdict, summary,
           "which segment broke, with the evidence; a higher revision is the same verdict with more evidence")
EVENT_KIND(VERDICT_HEALED, "verdict_healed", NOTICE, true, incident, none, verdict, none,
           "everything that a verdict was based on works again")
EVENT_KIND(VERDICT_EXPIRED, "verdict_expired", INFO, true, incident, none, verdict, none,
           "nothing more was heard of the users of a verdict: it ended without proof that the fault is over")
EVENT_KIND(JOB_DONE, "job_done", INFO, true, none, none, none, facts,
           "a job finished for a user")
EVENT_KIND(JOB_FAILED, "job_failed", ERROR, true, none, none, none, error,
           "a job failed for a user; what it had kept before is untouched")
EVENT_KIND(JOB_ABSENT, "job_absent", INFO, true, none, none, none, detail,
           "a job had nothing to do for a user, who never ran t3")
EVENT_KIND(ACTION_DONE, "action_done", INFO, true, none, none, none, facts,
           "what somebody asked of a job, beside a run, is done")
EVENT_KIND(ACTION_FAILED, "action_failed", WARNING, true, none, none, none, error,
           "what somebody asked of a job, beside a run, failed")
EVENT_KIND(SERVER_RESTARTING, "server_restarting", NOTICE, true, none, none, none, detail,
           "a user's t3 server hangs and is about to be restarted")
EVENT_KIND(SERVER_RESTARTED, "server_restarted", NOTICE, true, none, none, none, detail,
           "a user's t3 server was restarted")
EVENT_KIND(SERVER_RESTART_FAILED, "server_restart_failed", ERROR, true, none, none, none, error,
           "a user's t3 server could not be restarted, or does not pair since")
EVENT_KIND(SERVER_GIVEN_UP, "server_given_up", ERROR, true, none, none, none, error,
           "a user's t3 server was restarted as often as it may be and hangs again: nothing more is done")
EVENT_KIND(ROLLOUT_STARTED, "rollout_started", NOTICE, true, none, none, none, detail,
           "somebody asked for all users to be moved to another version of t3")
EVENT_KIND(USER_DEFERRED, "user_deferred", INFO, true, none, none, none, detail,
           "a user is busy and is moved to another version of t3 later")
EVENT_KIND(USER_MOVING, "user_moving", NOTICE, true, none, none, none, detail,
           "a user is about to be moved to another version of t3; the server is restarted")
EVENT_KIND(USER_MOVED, "user_moved", NOTICE, true, none, none, none, detail,
           "a user has another version of t3, and nothing spoke against it while the user was watched")
EVENT_KIND(USER_ROLLED_BACK, "user_rolled_back", ERROR, true, none, none, none, error,
           "a user has the version and the database of before again, for the new version failed")
EVENT_KIND(ROLLOUT_DONE, "rollout_done", NOTICE, true, none, none, none, detail,
           "nobody is left to be moved to another version of t3")
EVENT_KIND(ROLLOUT_STOPPED, "rollout_stopped", ERROR, true, none, none, none, error,
           "nobody more is moved to another version of t3, for it failed")
EVENT_KIND(BROWSER_REPORT, "browser_reported", INFO, true, none, http_status, none, detail,
           "a user's browser reports a request that failed on the way, when that was (option browser_reports); it may say anything, and convicts nobody")
EVENT_KIND(EXPORT_FAILED, "export_failed", WARNING, true, none, http_status, none, error,
           "what a plugin sends to another system waits, for that did not take it; it is sent again")
EVENT_KIND(EXPORT_RESTORED, "export_restored", NOTICE, true, none, none, none, detail,
           "the other system takes it again")
EVENT_KIND(EXPORT_DROPPED, "export_dropped", WARNING, true, none, none, none, error,
           "some of it is lost; reported once a minute for each kind, with the number of records")
EVENT_KIND(CONTROL_REFUSED, "control_refused", WARNING, true, pid, none, suppressed, account,
           "a process of t3ops connected to the control socket, which is the operator's: it may be compromised; reported once a minute, with the number of those left out")
EVENT_KIND(JOURNAL_CAPPED, "journal_capped", WARNING, true, none, none, suppressed, none,
           "so much happens to one user that the journal keeps only some of it: 300 rows at once and 20 a minute, and of all users "
           "together, where it names none, 50 times as many; the log has all")
EVENT_KIND(NOTIFICATION_DROPPED, "notification_dropped", ERROR, true, incident, none, verdict, error,
           "a notification was given up: its program failed for retry_for, or too many waited; command= names the section")
/* clang-format on */
