/* SPDX-License-Identifier: MIT */
/*
 * Why a request is rejected before anything looks at what it asks for: one row a reason gives the
 * enum, the status, the counter's label, and the sentence of the manual, which is also the body of the response.
 *
 *   REJECT_REASON(IDENTIFIER, status, label, sentence)
 */
REJECT_REASON(LINE_ENDS, 400, "line_ends", "The request head contains a bare CR or LF, or a NUL.")
REJECT_REASON(SYNTAX, 400, "syntax", "The request head is not valid HTTP/1.1.")
REJECT_REASON(METHOD, 501, "method", "HTTP does not define this method.")
REJECT_REASON(VERSION, 505, "version", "The HTTP version is neither 1.0 nor 1.1.")
REJECT_REASON(HEAD_SIZE, 431, "head_size", "The request head is larger than max_header_bytes allows.")
REJECT_REASON(FIELD_COUNT, 431, "field_count", "The request has more header fields than max_headers allows.")
REJECT_REASON(FOLDED, 400, "folded", "A header field continues on a second line.")
REJECT_REASON(FIELD_NAME, 400, "field_name",
              "The name of a header field is not a token, or a space precedes its colon.")
REJECT_REASON(FIELD_VALUE, 400, "field_value", "The value of a header field contains a control character.")
REJECT_REASON(TARGET, 400, "target",
              "The request target is neither a path nor an absolute URL that agrees with Host.")
REJECT_REASON(HOST, 400, "host", "The request has no Host header, more than one, or one that does not name a host.")
REJECT_REASON(LENGTH, 400, "length", "Content-Length is not a number, or was sent more than once.")
REJECT_REASON(LENGTH_AND_CODING, 400, "length_and_coding",
              "The request has both Content-Length and Transfer-Encoding.")
REJECT_REASON(CODING, 501, "coding", "The request has a Transfer-Encoding other than chunked.")
REJECT_REASON(CODING_VERSION, 400, "coding_version", "An HTTP/1.0 request has a Transfer-Encoding.")
REJECT_REASON(UPGRADE_BODY, 400, "upgrade_body", "A WebSocket request has a body.")
REJECT_REASON(CONNECT, 501, "connect", "The methods CONNECT and TRACE are not supported.")
REJECT_REASON(IDENTITY_TWICE, 400, "identity_twice", "The identity header was sent more than once.")
REJECT_REASON(IDENTITY_ALIASED, 400, "identity_aliased",
              "The identity header was sent under a name that others take for the same: with _ or . in place of -.")
REJECT_REASON(IDENTITY_CONNECTION, 400, "identity_connection",
              "Connection names the identity header, so that the next proxy would remove it.")
REJECT_REASON(IDENTITY_LENGTH, 400, "identity_length",
              "The identity is longer than 254 bytes, or nothing is left of it without its domain.")
REJECT_REASON(IDENTITY_CONTROL, 400, "identity_control", "The identity holds a control character.")
REJECT_REASON(IDENTITY_ENCODING, 400, "identity_encoding",
              "The identity is not percent-encoded UTF-8, as identity_percent_encoded expects.")
REJECT_REASON(PROXY_SECRET, 403, "proxy_secret",
              "The request names a user but lacks the secret of the trusted proxy.")
REJECT_REASON(ORIGIN, 403, "origin",
              "A page of another site, or a client without Origin, ticket and token, asked for a WebSocket.")
REJECT_REASON(QUOTA, 429, "quota",
              "The user has as many requests or WebSockets as max_requests_per_user or max_tunnels_per_user allows.")
REJECT_REASON(CHUNK, 400, "chunk", "The chunked body is malformed.")
REJECT_REASON(TIMEOUT, 408, "timeout",
              "The request head did not arrive within header_timeout, or its body paused for body_timeout.")
