// node socketio.mjs --port N: the four events with Socket.IO.
import { createServer } from 'node:http';
import { Server } from 'socket.io';
import { answer, port } from './control.mjs';

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

server.listen(port(), '127.0.0.1');
