// SPDX-License-Identifier: MIT
// Checks requests of OTLP/JSON against OpenTelemetry's own definitions, with the npm package
// @opentelemetry/otlp-transformer: one request a line of standard input, {"signal": ..., "body": ...}; one line of output
// each, "ok" or what is wrong.  A field that is unknown, or of another type, does not survive the way there and back.
const root = require('@opentelemetry/otlp-transformer/build/src/generated/root');
const assert = require('assert');
const readline = require('readline');

const collector = root.opentelemetry.proto.collector;
const types = {
  logs: collector.logs.v1.ExportLogsServiceRequest,
  traces: collector.trace.v1.ExportTraceServiceRequest,
};
const IDS = {traceId: 16, spanId: 8, parentSpanId: 8};

// Identifiers are hexadecimal in OTLP/JSON; protobuf's JSON, which the definitions speak, has base64.
function prepared(value) {
  if (Array.isArray(value))
    return value.map(prepared);
  if (value === null || typeof value !== 'object')
    return value;
  return Object.fromEntries(Object.entries(value).map(([key, v]) => {
    if (!(key in IDS))
      return [key, prepared(v)];
    assert.match(v, /^[0-9a-f]+$/, key);
    assert.strictEqual(v.length, 2 * IDS[key], key);
    assert.notStrictEqual(v.replace(/0/g, ''), '', key);
    return [key, Buffer.from(v, 'hex').toString('base64')];
  }));
}

function check(line) {
  const {signal, body} = JSON.parse(line);
  const type = types[signal];
  const sent = prepared(JSON.parse(body));
  const message = type.fromObject(sent);
  assert.strictEqual(type.verify(message), null);
  const back = type.toObject(type.decode(type.encode(message).finish()), {longs: String, bytes: String});
  assert.deepStrictEqual(JSON.parse(JSON.stringify(back)), sent);
}

readline.createInterface({input: process.stdin}).on('line', line => {
  try {
    check(line);
    console.log('ok');
  } catch (e) {
    console.log(e.message.replace(/\n/g, ' '));
  }
});
