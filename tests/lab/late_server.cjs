// SPDX-License-Identifier: MIT
/*
 * A Node server that starts as t3 does: `late_server.cjs serve PORT` listens first and can answer later, /env shows
 * what its children inherit, /peer who asked, /ws echoes bytes, /refused leaves an upgrade that its client may reset.
 */
'use strict';

const crypto = require('crypto');
const { execFileSync } = require('child_process');
const http = require('http');

const LATE_MS = 300;

const childs = () => execFileSync(process.execPath,
	['-e', 'process.stdout.write(JSON.stringify([process.env.NODE_OPTIONS, process.env.T3_SOCKET]))']);

function answer(request, response) {
	const body = { '/env': childs, '/peer': () => String(request.socket.remoteAddress) }[request.url];

	request.resume();
	response.end(body ? body() : 'hello');
}

function upgrade(request, socket) {
	const key = request.headers['sec-websocket-key'];

	if (request.url === '/refused') {
		setTimeout(() => socket.end('HTTP/1.1 401 Unauthorized\r\nContent-Length: 300000\r\n\r\n' + 'x'.repeat(300000)), 100);
		return;
	}
	socket.write('HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ' +
		crypto.createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64') + '\r\n\r\n');
	socket.pipe(socket);
}

const server = http.createServer();

server.listen(Number(process.argv[3]), '127.0.0.1', () => console.log(server.address().port));
setTimeout(() => server.on('request', answer).on('upgrade', upgrade), LATE_MS);
process.on('SIGTERM', () => {
	server.close(() => process.exit(130));
	server.closeIdleConnections();
});
