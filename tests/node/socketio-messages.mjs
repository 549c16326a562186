import assert from 'node:assert/strict';
import { bytes, heardUntilNow, once, take } from './socketio-support.mjs';

// What clients and server say to each other.
export const messages = {
  async 'events'({ connect }) {
    const socket = await connect('/');
    const values = [1, -0.5, 'äöü ☃ 𝄞 " \\ \u001e\n', null, true, [], [[1], {}], { a: { b: [null] } }, '4', '0{"x":1}'];
    const back = once(socket, 'back');
    socket.emit('back', ...values);
    assert.deepEqual(await back, values);

    const none = once(socket, 'back');
    socket.emit('back');
    assert.deepEqual(await none, []);

    const many = take(socket, 'back', 500);
    for (let i = 0; i < 500; i++) socket.emit('back', i);
    assert.deepEqual((await many).map(([i]) => i), [...Array(500).keys()]);
  },

  async 'acks'({ connect }) {
    const socket = await connect('/');
    assert.deepEqual(await socket.emitWithAck('echo', { a: [1] }), { a: [1] });
    socket.emit('echo', 1, 'two', (...answer) => socket.emit('back', answer));
    assert.deepEqual(await once(socket, 'back'), [[1, 'two']]);
    assert.equal(await socket.emitWithAck('nothing'), undefined);
    assert.deepEqual(await socket.emitWithAck('fail'), { error: { code: 'broken', message: 'It broke.' } });
    await assert.rejects((await connect('/')).timeout(100).emitWithAck('slow', 1), /timed out/);

    socket.on('question', (a, b, answer) => answer(b, a));
    assert.deepEqual(await new Promise(resolve => socket.emit('ask-me', 1, { x: 2 }, (...answer) => resolve(answer))), [{ x: 2 }, 1]);
  },

  async 'volatile'({ connect }) {
    const socket = await connect('/');
    const maybe = once(socket, 'maybe');
    socket.volatile.emit('volatile', 5);
    assert.deepEqual(await maybe, [5]);
  },

  async 'rooms'({ connect }) {
    const [ada, bob, eve] = await Promise.all([connect(), connect(), connect()]);
    const heard = [[], [], []];
    [ada, bob, eve].forEach((socket, i) => socket.on('in-room', (...args) => heard[i].push(...args)));
    await Promise.all([ada, bob].map(socket => socket.emitWithAck('join', 'blue')));

    await ada.emitWithAck('to-room', 'blue', 'hi');
    await eve.emitWithAck('to-room', 'blue', 'from outside');
    await bob.emitWithAck('leave', 'blue');
    await eve.emitWithAck('to-room', 'blue', 'again');

    assert.deepEqual(await heardUntilNow(ada, heard[0]), ['from outside', 'again']);
    assert.deepEqual(await heardUntilNow(bob, heard[1]), ['hi', 'from outside']);
    assert.deepEqual(await heardUntilNow(eve, heard[2]), []);
  },

  async 'binary'({ connect }) {
    const socket = await connect('/');
    const [nested, second, text] = await (async () => {
      const back = once(socket, 'back');
      socket.emit('back', { name: 'a', parts: [new Uint8Array([1, 2, 3])] }, Buffer.from([]), 'text');
      return back;
    })();
    assert.equal(nested.name, 'a');
    assert.deepEqual(bytes(nested.parts[0]), [1, 2, 3]);
    assert.deepEqual(bytes(second), []);
    assert.equal(text, 'text');

    assert.deepEqual(bytes(await socket.emitWithAck('reverse', new Uint8Array([1, 2, 255]))), [255, 2, 1]);

    socket.on('question', (data, answer) => answer({ got: data }));
    const { got } = await socket.emitWithAck('ask-me', Buffer.from('in here'));
    assert.equal(Buffer.from(got).toString(), 'in here');

    const large = Buffer.alloc(400_000, 'x');
    assert.equal(Buffer.compare(Buffer.from(await socket.emitWithAck('echo', large)), large), 0);
    const long = '☃'.repeat(200_000);
    assert.equal(await socket.emitWithAck('echo', long), long);
  },

  // With a native WebSocket client in the same room, which answers what it hears.
  async 'both kinds'({ connect }) {
    const socket = await connect('/');
    await socket.emitWithAck('join', 'both');
    const text = once(socket, 'in-room');
    socket.emit('to-room', 'both', { from: 'Socket.IO', text: 'hi' });
    assert.deepEqual(await text, [{ from: 'native', heard: 'hi' }]);

    const binary = once(socket, 'in-room');
    socket.emit('to-room', 'both', { data: Buffer.from([1, 2, 3]) });
    assert.deepEqual(bytes((await binary)[0].data), [3, 2, 1]);
  },
};
