// node socketio.mjs --port N [--redis N]: the four events with Socket.IO; as one of several nodes, with Redis between them.
import { createServer } from 'node:http';
import { Server } from 'socket.io';
import { answer, numberAfter, port } from './control.mjs';

const server = createServer(answer);
const io = new Server(server, { transports: ['websocket'], serveClient: false });

io.on('connection', socket => {
  socket.on('broadcast', data => io.emit('broadcast', data));
  socket.on('echo', (data, ack) => ack(data));
  socket.on('join', (room, ack) => {
    socket.join(room);
    ack();
  });
  socket.on('toRoom', ({ room, msg }) => io.to(room).emit('toRoom', msg));
});

const redis = numberAfter('--redis');
if (redis) {
  const { createAdapter } = await import('@socket.io/redis-adapter');
  const { createClient } = await import('redis');
  const publisher = createClient({ socket: { host: '127.0.0.1', port: redis } });
  const subscriber = publisher.duplicate();
  await Promise.all([publisher.connect(), subscriber.connect()]);
  io.adapter(createAdapter(publisher, subscriber));
}

server.listen(port(), '127.0.0.1');
