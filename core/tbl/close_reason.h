/* SPDX-License-Identifier: MIT */
/*
 * Why a leg, a tunnel or an exchange ended: one row a reason.  The enum (t3ops_reason in
 * plugin.h, same numbers), the counter label, the log text and the manual come from here.
 *
 *   REASON(number, IDENTIFIER, label, side at fault, sentence)
 *
 * side: PATH     something on the leg's or the user's path
 *       CLIENT   the user's end of the path, last mile included
 *       SERVE    the user's t3 server
 *       CONFIG   an answer that only a change of configuration explains; accuses no segment
 *       NOBODY   an ordinary end
 */
REASON(0, NONE, "none", NOBODY, "did not end")
REASON(1, CLOSED, "closed", PATH, "the far side sent a WebSocket close frame")
REASON(2, EOF, "eof", PATH, "the far side closed the connection without a close frame")
REASON(3, RESET, "reset", PATH, "the connection was reset")
REASON(4, REFUSED, "refused", PATH, "the connection was refused")
REASON(5, UNREACHABLE, "unreachable", PATH, "no route to the address")
REASON(6, CONNECT_TIMEOUT, "connect_timeout", PATH,
       "the address did not answer the connection attempt, or the TLS handshake, in time")
REASON(7, HEARTBEAT_TIMEOUT, "heartbeat_timeout", PATH, "heartbeats went unanswered until the watchdog fired")
REASON(8, DNS, "dns", PATH, "the name could not be resolved")
REASON(9, TLS, "tls", PATH, "the TLS handshake failed")
REASON(10, HTTP_STATUS, "http_status", PATH, "the HTTP answer was not the expected one")
REASON(11, HTTP_TIMEOUT, "http_timeout", PATH, "connected, but no HTTP answer came in time")
REASON(12, WALLED_OFF, "walled_off", CONFIG, "redirected to a sign-in page: the path asks the probe to sign in")
REASON(13, PROTOCOL, "protocol", PATH, "the far side broke the protocol")
REASON(14, LOCAL, "local", NOBODY, "ended by t3ops itself: stop, reload or a removed user")
REASON(15, CLIENT_CLOSED, "client_closed", NOBODY, "the page closed a connection that was answering")
REASON(16, CLIENT_GAVE_UP, "client_gave_up", PATH, "the page closed a connection that had stopped answering")
REASON(17, CLIENT_EOF, "client_eof", CLIENT, "the client's side closed the connection without a close frame")
REASON(18, CLIENT_RESET, "client_reset", CLIENT, "the client's side reset the connection")
REASON(19, CLIENT_TIMEOUT, "client_timeout", CLIENT, "the client's side stopped taking or acknowledging data")
REASON(20, UPSTREAM_CLOSED, "upstream_closed", SERVE, "the t3 server closed with a WebSocket close frame")
REASON(21, UPSTREAM_EOF, "upstream_eof", SERVE, "the t3 server closed the connection without a close frame")
REASON(22, UPSTREAM_RESET, "upstream_reset", SERVE, "the t3 server reset the connection")
REASON(23, IDLE, "idle", CLIENT, "nothing was received within the idle limit")
REASON(24, ADDRESS_CHANGED, "address_changed", NOBODY, "the name resolves to another address: the leg moved")
REASON(25, UPSTREAM_TIMEOUT, "upstream_timeout", SERVE, "the t3 server stopped taking data")
REASON(26, LARGE_LOST, "large_lost", PATH, "a large message was lost while small ones were answered")
REASON(27, IMPOSTOR, "impostor", SERVE,
       "a process of another account than the user's answers at the address of the t3 server")
REASON(28, CLOCK, "clock", NOBODY,
       "the certificate is not valid by the clock of this machine, which may be wrong: nothing else says so")
