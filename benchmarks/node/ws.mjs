// node ws.mjs --port N: the four events over the package ws, with the envelopes of docs/protocol.md.
import { randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import { WebSocket, WebSocketServer } from 'ws';
import { answer, port } from './control.mjs';

const server = createServer(answer);
const sockets = new WebSocketServer({ server });
const rooms = new Map();

// One buffer for all receivers: a string would be encoded for each of them.
function sendAll(receivers, envelope) {
  const message = Buffer.from(JSON.stringify(envelope));
  for (const socket of receivers) {
    if (socket.readyState === WebSocket.OPEN) socket.send(message, { binary: false });
  }
}

function join(socket, name) {
  let members = rooms.get(name);
  if (!members) rooms.set(name, members = new Set());
  members.add(socket);
  socket.rooms.add(name);
}

function leaveAll(socket) {
  for (const name of socket.rooms) {
    const members = rooms.get(name);
    members.delete(socket);
    if (members.size === 0) rooms.delete(name);
  }
}

sockets.on('connection', socket => {
  socket.rooms = new Set();
  socket.on('error', () => socket.terminate());
  socket.on('close', () => leaveAll(socket));
  socket.on('message', text => {
    const { event, data, id } = JSON.parse(text);
    switch (event) {
      case 'broadcast':
        sendAll(sockets.clients, { event, data });
        break;
      case 'echo':
        socket.send(JSON.stringify({ ack: id, data }));
        break;
      case 'join':
        join(socket, data);
        socket.send(JSON.stringify({ ack: id }));
        break;
      case 'toRoom':
        sendAll(rooms.get(data.room) ?? [], { event, data: data.msg });
        break;
    }
  });
  socket.send(JSON.stringify({ connected: '/', sid: randomBytes(18).toString('base64url') }));
});

server.listen(port(), '127.0.0.1');
