/* SPDX-License-Identifier: MIT */
/*
 * Why a request is turned away before anybody looks at what it asks for: one row a reason gives the
 * enum, the status, the counter's label and the sentence of the manual.
 *
 *   GATE_REFUSAL(IDENTIFIER, status, label, sentence)
 */
GATE_REFUSAL(LINE_ENDS, 400, "line_ends", "a bare CR or LF, or a NUL, in the head")
GATE_REFUSAL(SYNTAX, 400, "syntax", "not an HTTP/1.1 head")
GATE_REFUSAL(METHOD, 501, "method", "a method that HTTP does not define")
GATE_REFUSAL(VERSION, 505, "version", "neither HTTP/1.0 nor HTTP/1.1")
GATE_REFUSAL(HEAD_SIZE, 431, "head_size", "a head larger than max_header_bytes")
GATE_REFUSAL(FIELD_COUNT, 431, "field_count", "more fields than max_headers")
GATE_REFUSAL(FOLDED, 400, "folded", "a field continued on a second line")
GATE_REFUSAL(FIELD_NAME, 400, "field_name", "a field name that is no token, or has a space before its colon")
GATE_REFUSAL(FIELD_VALUE, 400, "field_value", "a control character in a field value")
GATE_REFUSAL(TARGET, 400, "target", "a target that is neither a path nor an absolute form that agrees with Host")
GATE_REFUSAL(HOST, 400, "host", "no Host, more than one, or one that is no host")
GATE_REFUSAL(LENGTH, 400, "length", "a Content-Length that is no number, or several of them")
GATE_REFUSAL(LENGTH_AND_CODING, 400, "length_and_coding", "both Content-Length and Transfer-Encoding")
GATE_REFUSAL(CODING, 501, "coding", "a Transfer-Encoding other than chunked")
GATE_REFUSAL(CODING_VERSION, 400, "coding_version", "a Transfer-Encoding in HTTP/1.0")
GATE_REFUSAL(UPGRADE_BODY, 400, "upgrade_body", "a WebSocket request with a body")
GATE_REFUSAL(CONNECT, 501, "connect", "CONNECT or TRACE")
GATE_REFUSAL(IDENTITY, 400, "identity", "the identity header twice, in a disguise, or named in Connection")
GATE_REFUSAL(PROXY_SECRET, 403, "proxy_secret", "an identity without the proxy's secret")
GATE_REFUSAL(ORIGIN, 403, "origin", "a WebSocket that another site's page opens, or nobody with a ticket")
GATE_REFUSAL(QUOTA, 429, "quota", "more requests or WebSockets of one user than max_requests_per_user or max_tunnels_per_user")
GATE_REFUSAL(CHUNK, 400, "chunk", "a chunked body that is not well formed")
GATE_REFUSAL(TIMEOUT, 408, "timeout", "the head did not arrive within header_timeout, or the body paused for body_timeout")
