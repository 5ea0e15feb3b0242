// SPDX-License-Identifier: MIT
/* The probe endpoint as one would write it for Node: echo_server.cjs PORT echoes WebSocket messages. */
'use strict';

const http = require('http');
const { WebSocketServer } = require('ws');

const server = http.createServer((request, response) => response.end('hello'));

new WebSocketServer({ server }).on('connection', (client) => client.on('message', (data, isBinary) => client.send(data, { binary: isBinary })));
server.listen(Number(process.argv[2]), '127.0.0.1');
