import assert from 'node:assert/strict';
import { heardUntilNow, once } from './socketio-support.mjs';

// How clients go, what either side is told of it, and how they come again.
export const leaving = {
  async 'the client leaves'({ connect }) {
    const [socket, witness] = [await connect(), await connect()];
    const { id } = socket;
    const disconnected = once(socket, 'disconnect');
    socket.disconnect();
    assert.equal((await disconnected)[0], 'io client disconnect');
    assert.equal(await witness.emitWithAck('reason-of', id), 'client namespace disconnect');
  },

  async 'the client closes'({ connect }) {
    const [socket, witness] = [await connect(), await connect()];
    const { id } = socket;
    const disconnected = once(socket, 'disconnect');
    socket.io.engine.close();
    assert.equal((await disconnected)[0], 'forced close');
    assert.equal(await witness.emitWithAck('reason-of', id), 'transport close');
  },

  async 'the server puts out'({ connect }) {
    const [socket, witness] = [await connect(), await connect()];
    const { id } = socket;
    const disconnected = once(socket, 'disconnect');
    socket.emit('put-out');
    assert.equal((await disconnected)[0], 'io server disconnect');
    assert.equal(await witness.emitWithAck('reason-of', id), 'server namespace disconnect');
  },

  async 'the server hangs up'({ connect }) {
    const [socket, witness] = [await connect(), await connect()];
    const { id } = socket;
    const closed = once(socket.io.engine, 'close');
    socket.emit('hang-up');
    await closed;
    assert.equal(await witness.emitWithAck('reason-of', id), 'server namespace disconnect');
  },

  async 'reconnection'({ connect }) {
    const socket = await connect('/', { reconnection: true, reconnectionDelay: 10, reconnectionDelayMax: 20 });
    const { id } = socket;
    await socket.emitWithAck('join', 'blue');
    const disconnected = once(socket, 'disconnect');
    const connected = new Promise(resolve => socket.once('connect', resolve));
    socket.emit('cut');
    assert.match((await disconnected)[0], /^transport (close|error)$/);
    socket.emit('back', 'said while away');
    const back = new Promise(resolve => socket.once('back', resolve));

    await connected;
    assert.notEqual(socket.id, id);
    assert(!socket.recovered);
    assert.equal(await back, 'said while away');
    assert.match(await socket.emitWithAck('reason-of', id), /^transport (close|error)$/);
  },

  // On a server that has recovery on.
  async 'recovery'({ connect }) {
    const socket = await connect('/', { reconnection: true, reconnectionDelay: 300, reconnectionDelayMax: 300, randomizationFactor: 0 });
    const witness = await connect('/');
    const { id } = socket;
    await socket.emitWithAck('join', 'blue');
    const heard = [];
    socket.on('in-room', (...args) => heard.push(args[0]));
    await witness.emitWithAck('to-room', 'blue', 'before');
    await heardUntilNow(socket, heard);

    const connected = new Promise(resolve => socket.once('connect', resolve));
    socket.io.engine.close();
    assert.equal(await witness.emitWithAck('reason-of', id), 'transport close');
    await witness.emitWithAck('to-room', 'blue', 'missed');
    await connected;
    assert.equal(socket.recovered, true);
    assert.equal(socket.id, id);

    await witness.emitWithAck('to-room', 'blue', 'after');
    assert.deepEqual(await heardUntilNow(socket, heard), ['before', 'missed', 'after']);
  },
};
