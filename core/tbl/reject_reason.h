/* SPDX-License-Identifier: MIT */
/*
 * Why a request is rejected before anything looks at what it asks for: one row a reason gives the
 * enum, the status, the counter's label and the sentence of the manual.
 *
 *   REJECT_REASON(IDENTIFIER, status, label, sentence)
 */
REJECT_REASON(LINE_ENDS, 400, "line_ends", "a bare CR or LF, or a NUL, in the head")
REJECT_REASON(SYNTAX, 400, "syntax", "not an HTTP/1.1 head")
REJECT_REASON(METHOD, 501, "method", "a method that HTTP does not define")
REJECT_REASON(VERSION, 505, "version", "neither HTTP/1.0 nor HTTP/1.1")
REJECT_REASON(HEAD_SIZE, 431, "head_size", "a head larger than max_header_bytes")
REJECT_REASON(FIELD_COUNT, 431, "field_count", "more fields than max_headers")
REJECT_REASON(FOLDED, 400, "folded", "a field continued on a second line")
REJECT_REASON(FIELD_NAME, 400, "field_name", "a field name that is not a token, or has a space before its colon")
REJECT_REASON(FIELD_VALUE, 400, "field_value", "a control character in a field value")
REJECT_REASON(TARGET, 400, "target", "a target that is neither a path nor an absolute form that agrees with Host")
REJECT_REASON(HOST, 400, "host", "no Host, more than one, or one that is not a host")
REJECT_REASON(LENGTH, 400, "length", "a Content-Length that is not a number, or several of them")
REJECT_REASON(LENGTH_AND_CODING, 400, "length_and_coding", "both Content-Length and Transfer-Encoding")
REJECT_REASON(CODING, 501, "coding", "a Transfer-Encoding other than chunked")
REJECT_REASON(CODING_VERSION, 400, "coding_version", "a Transfer-Encoding in HTTP/1.0")
REJECT_REASON(UPGRADE_BODY, 400, "upgrade_body", "a WebSocket request with a body")
REJECT_REASON(CONNECT, 501, "connect", "CONNECT or TRACE")
REJECT_REASON(IDENTITY, 400, "identity", "the identity header twice, aliased (case, _ or .), or named in Connection")
REJECT_REASON(PROXY_SECRET, 403, "proxy_secret", "an identity without the proxy's secret")
REJECT_REASON(ORIGIN, 403, "origin", "a WebSocket that another site's page opens, or nobody with a ticket")
REJECT_REASON(QUOTA, 429, "quota",
              "more requests or WebSockets of one user than max_requests_per_user or max_tunnels_per_user")
REJECT_REASON(CHUNK, 400, "chunk", "a chunked body that is not well formed")
REJECT_REASON(TIMEOUT, 408, "timeout",
              "the head did not arrive within header_timeout, or the body paused for body_timeout")
