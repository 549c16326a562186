// Clients of socket.io-client on several nodes behind a balancer: node socketio-nodes.mjs URL MODE.
// They come from different addresses, as a balancer may go by these, and with a cookie jar each, as it may set one. All
// talk in the room "both" of the application's /chat, then wait for a word of somebody else.
import assert from 'node:assert/strict';
import { Agent } from 'node:http';
import { once, open, transportOf } from './socketio-support.mjs';

const [url, mode] = process.argv.slice(2);
const count = 12;
setTimeout(() => {
  console.error(`Over ${mode} it did not come to its end.`);
  process.exit(2);
}, 30_000).unref();

const clients = [];
for (let i = 0; i < count; i++) {
  const localAddress = `127.0.0.${10 + i}`;
  const socket = open(url, mode, '/chat', { withCredentials: true, agent: new Agent({ localAddress, keepAlive: true }) });
  const upgraded = mode === 'upgrade' ? new Promise(resolve => socket.io.engine.once('upgrade', resolve)) : undefined;
  await once(socket, 'connect');
  await upgraded;
  assert.equal(transportOf(socket), mode === 'polling' ? 'polling' : 'websocket');
  const heard = [];
  socket.on('chat message', message => heard.push(message));
  clients.push({ socket, heard });
}

// Whatever it is, it comes to all of them.
async function until(holds, what) {
  for (const end = Date.now() + 15_000; !clients.every(({ heard }) => holds(heard)); await new Promise(r => setTimeout(r, 10))) {
    assert(Date.now() < end, `${what}: ${JSON.stringify(clients.map(c => c.heard))}`);
  }
}

// A message also joins the room.
for (const { socket } of clients) await socket.emitWithAck('chat message', { name: socket.id, room: 'both', msg: 'joined' });
for (const [i, { socket }] of clients.entries()) {
  await socket.emitWithAck('chat message', { name: socket.id, room: 'both', msg: `from Socket.IO ${i}` });
}

const expected = [...clients.keys()].map(i => `from Socket.IO ${i}`).sort();
await until(heard => heard.filter(m => m.startsWith('from Socket.IO')).length >= count, 'not all have heard all');
for (const { heard } of clients) assert.deepEqual(heard.filter(m => m.startsWith('from Socket.IO')).sort(), expected);

// An id ends with that of the node which gave it.
console.log(`nodes: ${clients.map(({ socket }) => socket.id.slice(-8)).join(' ')}`);
await until(heard => heard.includes('from a native client'), 'nothing of a native client');
clients.forEach(({ socket }) => socket.disconnect());
