// The client of socket.io-client against a server of the tests: node socketio.mjs URL MODE SCENARIO.
// A mode is polling, websocket or upgrade. It ends with 0 when all was as it must be, by itself: nothing is left open.
import assert from 'node:assert/strict';
import { once, open, transportOf } from './socketio-support.mjs';
import { connecting } from './socketio-connecting.mjs';
import { messages } from './socketio-messages.mjs';
import { leaving } from './socketio-leaving.mjs';

const [url, mode, name] = process.argv.slice(2);
const scenarios = { ...connecting, ...messages, ...leaving };
const scenario = scenarios[name];
assert(scenario, `There is no scenario '${name}', only ${Object.keys(scenarios).join(', ')}`);

setTimeout(() => {
  console.error(`'${name}' over ${mode} did not come to its end.`);
  process.exit(2);
}, 15_000).unref();

const sockets = [];
const client = {
  mode,
  // A socket that has connected.
  connect: async (ns = '/', options = {}) => {
    const socket = client.open(ns, options);
    await once(socket, 'connect');
    return socket;
  },
  // A socket that may be refused.
  open: (ns = '/', options = {}) => {
    const socket = open(url, mode, ns, options);
    sockets.push(socket);
    return socket;
  },
};

await scenario(client);
for (const socket of sockets) {
  if (mode !== 'upgrade' && socket.connected) {
    assert.equal(transportOf(socket), mode);
  }
  socket.disconnect();
}
console.log(`${name} over ${mode}: as it must be`);
