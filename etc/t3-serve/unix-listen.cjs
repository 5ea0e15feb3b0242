// SPDX-License-Identifier: MIT
/*
 * Lets `t3 serve` answer on a Unix socket, too, which costs the proxy half of what a TCP connection does.  The unit
 * t3-serve@.service loads it by NODE_OPTIONS; T3_SOCKET says where.  Without T3_SOCKET it does nothing.
 *
 * t3's port listens before t3 can answer, and what is sent in that time is never answered.  The socket appears when t3
 * answers, so it means that t3 is ready.  Where it cannot be made, t3 goes on with its port alone.
 */
'use strict';

const fs = require('fs');
const http = require('http');
const net = require('net');
const { isMainThread } = require('worker_threads');

const path = process.env.T3_SOCKET;

/* Terminals and agents, which t3 starts, inherit nothing of this. */
function forgetUs() {
	const rest = (process.env.NODE_OPTIONS || '').split(/\s+/).filter(
		(option, n, all) => option !== `--require=${__filename}` && option !== __filename &&
			!((option === '-r' || option === '--require') && all[n + 1] === __filename));

	delete process.env.T3_SOCKET;
	if (rest.join('') === '')
		delete process.env.NODE_OPTIONS;
	else
		process.env.NODE_OPTIONS = rest.join(' ');
}

function complain(error) {
	process.stderr.write(`unix-listen: cannot listen at ${path}: ${error.message}; only the port is served\n`);
}

/* A refused upgrade that its client resets would end older versions of t3. */
function survive(connection) {
	connection.on('error', () => {});
}

/* Another t3 may have put its own there meanwhile. */
function removeOwn(inode) {
	try {
		if (fs.lstatSync(path).ino === inode)
			fs.unlinkSync(path);
	} catch {
		/* it is gone */
	}
}

/* Nobody finds the socket before it has its mode; a stale one is replaced. */
function publish(temporary) {
	fs.chmodSync(temporary, 0o660);
	fs.renameSync(temporary, path);

	const { ino } = fs.lstatSync(path);
	process.on('exit', () => removeOwn(ino));
}

function listenBeside(server) {
	const temporary = `${path}.${process.pid}`;
	const beside = net.createServer({ allowHalfOpen: true }, (c) => server.emit('connection', c));
	const close = server.close;

	beside.on('error', complain);
	try {
		fs.rmSync(temporary, { force: true });
	} catch (error) {
		complain(error);
		return;
	}
	server.close = function (...args) {
		beside.close();
		return close.apply(this, args);
	};
	listen.call(beside, temporary, () => {
		try {
			publish(temporary);
		} catch (error) {
			beside.close();
			complain(error);
		}
	});
}

function isReady(server) {
	return server.listening && server.listenerCount('request') > 0 && server.listenerCount('upgrade') > 0;
}

/* t3 takes requests when it has a listener for them, and one for upgrades, which comes last. */
function whenReady(server, then) {
	let done = false;
	const look = () => {
		if (done || !isReady(server))
			return;
		done = true;
		server.removeListener('newListener', later);
		then();
	};
	/* before the listener is there */
	const later = (name) => {
		if (name === 'request' || name === 'upgrade')
			setImmediate(look);
	};

	server.on('newListener', later);
	server.once('listening', look);
}

const listen = net.Server.prototype.listen;

/* The first HTTP server is t3's own. */
function listenOnce(...args) {
	if (this instanceof http.Server) {
		net.Server.prototype.listen = listen;
		this.on('connection', survive);
		whenReady(this, () => listenBeside(this));
	}
	return listen.apply(this, args);
}

if (path && isMainThread && process.argv.includes('serve')) {
	net.Server.prototype.listen = listenOnce;
	forgetUs();
}
