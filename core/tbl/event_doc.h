/* SPDX-License-Identifier: MIT */
/*
 * What t3ops-events(7) says of each event beside the sentence of event_kind.h: which processes write it, the fields
 * that its line may have, and what to do about it.  Only the manual and the tests read it; the tests compare it with
 * every line that a daemon of theirs writes.
 *
 *   EVENT_DOC(IDENTIFIER, processes, fields, what to do)
 */
/* clang-format off */
EVENT_DOC(NOTE, "proxy prober jobs monitor", "plugin user client url_path user_agent reason detail",
          "read detail=")
EVENT_DOC(PROCESS_STARTED, "supervisor", "pid child", "nothing")
EVENT_DOC(PROCESS_EXITED, "supervisor", "pid child plugin callback exit_code duration_ms",
          "read the lines of that process before this one; leave out the plugin that is named, if it happens again")
EVENT_DOC(PROCESS_KILLED, "supervisor", "pid child plugin callback duration_ms",
          "as for process_exited; without plugin=, see whether the machine itself stood still")
EVENT_DOC(RELOADED, "supervisor", "path", "nothing")
EVENT_DOC(RELOAD_REFUSED, "supervisor", "error", "correct what error= names, and reload again")
EVENT_DOC(SUPERVISOR_REPLACED, "supervisor", "detail", "read the log before it: something killed the supervisor")
EVENT_DOC(DRAIN_CUT, "supervisor", "pid error", "reload less often, or raise max_draining")
EVENT_DOC(UPGRADED, "supervisor", "path", "nothing")
EVENT_DOC(USERS_LOADED, "proxy prober jobs helper", "users", "nothing")
EVENT_DOC(USERS_BROKEN, "proxy prober jobs helper", "error", "correct the user table")
EVENT_DOC(USERS_PARTIAL, "proxy prober jobs helper", "error", "correct the rows that error= names")
EVENT_DOC(LOOP_LAG, "proxy prober jobs monitor helper", "duration_ms",
          "if it happens often, give the machine more CPU or memory; callback_slow beside it names a plugin")
EVENT_DOC(MACHINE_SUSPENDED, "monitor", "duration_ms", "nothing: no segment is convicted for it")
EVENT_DOC(CLOCK_JUMPED, "monitor", "duration_ms detail", "see to it that the clock is kept by one program, slowly")
EVENT_DOC(NETWORK_LOST, "monitor", "duration_ms", "look at this machine's links and routes")
EVENT_DOC(NETWORK_BACK, "monitor", "duration_ms", "nothing")
EVENT_DOC(OOM_KILLED, "monitor", "duration_ms kills", "see whom the kernel killed (journalctl -k), and limit what takes the memory")
EVENT_DOC(MEMORY_STRAINED, "monitor", "duration_ms", "find what takes the memory; t3 servers can be limited in their unit")
EVENT_DOC(CPU_STARVED, "monitor", "duration_ms", "find what takes the CPU; CPUWeight= of the unit puts t3ops before it")
EVENT_DOC(SERVERS_LATE, "monitor", "duration_ms users", "as for cpu_starved and memory_strained")
EVENT_DOC(CALLBACK_SLOW, "proxy prober jobs monitor", "plugin callback duration_ms", "tell the plugin's author")
EVENT_DOC(COMMAND_DONE, "helper", "plugin requester command user exit_code duration_ms error", "nothing")
EVENT_DOC(COMMAND_FAILED, "helper", "plugin requester command user exit_code duration_ms error",
          "run the command of that section as that user, and see what it says")
EVENT_DOC(COMMAND_REFUSED, "helper", "plugin requester command user suppressed error",
          "read error=; a process that asks for what it may not have may be compromised; \"not now\" is asked again")
EVENT_DOC(TUNNEL_OPEN, "proxy", "tunnel user client colo", "nothing")
EVENT_DOC(TUNNEL_CLOSED, "proxy",
          "tunnel user reason close_code http_status client colo duration_ms idle_client_ms idle_upstream_ms bytes_up bytes_down "
          "since_ping_ms waiting_ms queued_ms since_large_ms late_pings few_pings detail", "nothing")
EVENT_DOC(TUNNEL_DROP, "proxy monitor supervisor",
          "tunnel user reason close_code http_status client colo duration_ms idle_client_ms idle_upstream_ms bytes_up bytes_down "
          "since_ping_ms waiting_ms queued_ms since_large_ms late_pings few_pings detail",
          "wait for the verdict; t3opsctl why USER tells the story")
EVENT_DOC(TUNNEL_HEARTBEAT, "proxy",
          "tunnel user client colo duration_ms idle_client_ms idle_upstream_ms bytes_up bytes_down since_ping_ms waiting_ms "
          "queued_ms since_large_ms late_pings few_pings detail", "nothing")
EVENT_DOC(NAVIGATION, "proxy", "user client detail", "nothing")
EVENT_DOC(TUNNEL_ALIVE, "proxy", "incident user colo duration_ms idle_client_ms idle_upstream_ms", "nothing")
EVENT_DOC(TUNNEL_CENSUS, "proxy", "tunnels user duration_ms rtt_ms bytes_up bytes_down", "nothing")
EVENT_DOC(REQUEST_REJECTED, "proxy", "identity reason http_status client suppressed error",
          "read error=: it says which option or row of the user table decides")
EVENT_DOC(REQUEST_CUT, "proxy", "user reason http_status client suppressed error",
          "raise the option that error= names, if responses of that kind are to last longer")
EVENT_DOC(IDENTITY_REFUSED, "proxy", "plugin user http_status client url_path user_agent error",
          "error= begins with the reason, which the manual page of plugin= explains; of a user who signed in properly something is configured wrong, else somebody forges identities")
EVENT_DOC(SIGNING_KEYS_LOADED, "proxy", "plugin detail", "nothing")
EVENT_DOC(SIGNING_KEYS_FAILED, "proxy", "plugin http_status error",
          "t3opsctl doctor says what is wrong with jwks_url; jwks_file pins keys until it answers")
EVENT_DOC(IDENTITY_IGNORED, "proxy", "peer suppressed hint",
          "if that peer is your proxy, add it to trusted_proxies; else somebody forges identities")
EVENT_DOC(UPSTREAM_IMPOSTOR, "proxy prober jobs", "user suppressed detail hint", "do what hint= says")
EVENT_DOC(PAIR, "proxy prober jobs monitor", "plugin user http_status client url_path user_agent detail", "nothing")
EVENT_DOC(PAIR_FAILED, "proxy prober jobs monitor", "plugin user http_status client url_path user_agent detail",
          "read detail=; t3opsctl doctor tries the command of pairing")
EVENT_DOC(SESSION_DEAD, "proxy", "plugin user http_status client url_path user_agent detail", "nothing: it is replaced")
EVENT_DOC(SIGN_IN_SKIPPED, "prober", "plugin user http_status detail",
          "at once: everybody gets in there; correct the proxy or the sign-in")
EVENT_DOC(LEG_UP, "prober", "incident plugin user colo", "nothing")
EVENT_DOC(LEG_LATE, "prober", "incident plugin user colo duration_ms unanswered_ms", "nothing yet")
EVENT_DOC(LEG_DOWN, "prober",
          "incident plugin user step reason close_code http_status colo duration_ms rtt_ms detail", "wait for the verdict")
EVENT_DOC(LEG_ATTEMPT, "prober",
          "incident plugin user step reason close_code http_status colo duration_ms step_ms detail", "nothing, beside leg_down")
EVENT_DOC(LEG_ALIVE, "prober", "incident plugin user colo duration_ms rtt_ms", "nothing")
EVENT_DOC(LEG_RESOLVER, "prober", "plugin user reason duration_ms detail", "if it stays, look at the leg's resolver")
EVENT_DOC(LEG_FRESH, "prober", "plugin user colo duration_ms", "nothing")
EVENT_DOC(LEG_FRESH_FAILED, "prober", "plugin user step reason close_code http_status colo duration_ms step_ms detail",
          "wait for the verdict: new connections fail where open ones live")
EVENT_DOC(LEG_LARGE, "prober", "plugin user colo duration_ms", "nothing")
EVENT_DOC(LEG_LARGE_LOST, "prober", "plugin user reason colo duration_ms detail", "look at the MTU of the path")
EVENT_DOC(LEG_TRACED, "prober", "plugin user close_code http_status colo detail", "read detail=")
EVENT_DOC(CERTIFICATE_EXPIRING, "prober", "plugin user segments expires", "renew it, or see why that does not happen by itself")
EVENT_DOC(CERTIFICATE_EXPIRED, "prober", "plugin user segments expires", "renew it now")
EVENT_DOC(CERTIFICATE_RENEWED, "prober", "plugin user segments expires", "nothing")
EVENT_DOC(LEG_ABSENT, "prober", "incident plugin user", "nothing")
EVENT_DOC(LEG_GONE, "prober", "plugin user", "nothing")
EVENT_DOC(SLOW, "monitor", "vantage user users segments detail", "look at the load of what segments= names")
EVENT_DOC(SLOW_OVER, "monitor", "vantage user segments duration_ms", "nothing")
EVENT_DOC(VERDICT, "monitor", "incident verdict revision vantage user duration_ms segments summary",
          "docs/runbooks/drop-attribution.md has a part for each; t3opsctl show VERDICT has the evidence")
EVENT_DOC(VERDICT_HEALED, "monitor", "incident verdict vantage user duration_ms segments", "nothing")
EVENT_DOC(VERDICT_EXPIRED, "monitor", "incident verdict vantage user duration_ms segments", "nothing")
EVENT_DOC(JOB_DONE, "jobs", "plugin user duration_ms facts", "nothing")
EVENT_DOC(JOB_FAILED, "jobs", "plugin user duration_ms error", "correct what error= says, then t3opsctl run JOB USER")
EVENT_DOC(JOB_ABSENT, "jobs", "plugin user duration_ms detail", "nothing")
EVENT_DOC(ACTION_DONE, "jobs", "plugin callback user duration_ms facts", "nothing")
EVENT_DOC(ACTION_FAILED, "jobs", "plugin callback user duration_ms error", "read error=, which whoever asked got, too")
EVENT_DOC(SERVER_RESTARTING, "monitor", "plugin user detail", "nothing")
EVENT_DOC(SERVER_RESTARTED, "monitor", "plugin user detail", "find out from what it saved why the server hung")
EVENT_DOC(SERVER_RESTART_FAILED, "monitor", "plugin user error", "restart the user's t3 server by hand")
EVENT_DOC(SERVER_GIVEN_UP, "monitor", "plugin user error", "find out why the server hangs, then restart it by hand")
EVENT_DOC(ROLLOUT_STARTED, "monitor", "plugin user detail", "nothing")
EVENT_DOC(USER_DEFERRED, "monitor", "plugin user detail", "nothing")
EVENT_DOC(USER_MOVING, "monitor", "plugin user detail", "nothing")
EVENT_DOC(USER_MOVED, "monitor", "plugin user detail", "nothing")
EVENT_DOC(USER_ROLLED_BACK, "monitor", "plugin user error", "docs/runbooks/version-bump.md")
EVENT_DOC(ROLLOUT_DONE, "monitor", "plugin user detail", "nothing")
EVENT_DOC(ROLLOUT_STOPPED, "monitor", "plugin user error", "docs/runbooks/version-bump.md")
EVENT_DOC(BROWSER_REPORT, "proxy", "user http_status client url_path duration_ms detail", "nothing: t3opsctl why shows it")
EVENT_DOC(EXPORT_FAILED, "monitor", "plugin user http_status error", "see whether the receiver runs, and what it says to error=")
EVENT_DOC(EXPORT_RESTORED, "monitor", "plugin user detail", "nothing")
EVENT_DOC(EXPORT_DROPPED, "monitor", "plugin user error", "give the receiver more room; the journal has all of it")
EVENT_DOC(CONTROL_REFUSED, "monitor", "pid requester account suppressed hint", "do what hint= says")
EVENT_DOC(JOURNAL_CAPPED, "monitor", "user suppressed", "see what that user's page does so often; the log has all of it")
EVENT_DOC(NOTIFICATION_DROPPED, "monitor", "incident verdict command error", "see why that section's program fails")
/* clang-format on */
