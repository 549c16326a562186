import assert from 'node:assert/strict';
import { once, transportOf } from './socketio-support.mjs';

// How clients come in: what they say of themselves, namespaces, being refused, the upgrade.
export const connecting = {
  async 'auth'({ connect }) {
    const socket = await connect('/guarded', { auth: { token: 'letmein', name: 'Ada' }, query: { from: 'test' } });
    assert.deepEqual(await socket.emitWithAck('who-am-i'), { id: socket.id, name: 'Ada', from: 'test' });
    assert.notEqual(socket.id, socket.io.engine.id);
  },

  async 'refused'({ open }) {
    const socket = open('/guarded', { auth: { token: 'wrong' } });
    const [error] = await once(socket, 'connect_error');
    assert.equal(error.message, 'Who are you?');
    assert.deepEqual(error.data, { hint: 'a token' });
    assert.equal(socket.connected, false);

    socket.auth = { token: 'letmein', name: 'Ada' };
    socket.connect();
    await once(socket, 'connect');
    assert.equal((await socket.emitWithAck('who-am-i')).name, 'Ada');
  },

  async 'unknown namespace'({ connect }) {
    const root = await connect('/');
    const nowhere = root.io.socket('/nowhere');
    const [error] = await once(nowhere, 'connect_error');
    assert.equal(error.message, 'Invalid namespace');
    assert.equal(await root.emitWithAck('echo', 1), 1);
    nowhere.disconnect();
  },

  async 'namespaces'({ connect }) {
    const root = await connect('/');
    const engine = root.io.engine.id;
    const news = root.io.socket('/news');
    const headline = once(news, 'headline');
    const team = root.io.socket('/team-42');
    assert.deepEqual(await headline, ['Rain tomorrow']);
    assert.equal(await team.emitWithAck('which'), '/team-42');
    assert.equal(root.io.engine.id, engine);
    assert.equal(new Set([root.id, news.id, team.id]).size, 3);

    news.disconnect();
    assert.equal(await root.emitWithAck('reason-of', '/news'), 'client namespace disconnect');
    assert.equal(await team.emitWithAck('which'), '/team-42');
    assert.equal(await root.emitWithAck('echo', 'still here'), 'still here');
    team.disconnect();
  },

  // Events that are on their way both ways while the transport changes come once and in order.
  async 'transport'({ connect, mode }) {
    const socket = await connect('/');
    const upgraded = mode === 'upgrade' && transportOf(socket) === 'polling' ? once(socket.io.engine, 'upgrade') : undefined;
    const answers = [];
    for (let i = 0; i < 200; i++) {
      answers.push(socket.emitWithAck('echo', i));
      if (i % 20 === 0) await answers.at(-1);
    }
    assert.deepEqual(await Promise.all(answers), [...Array(200).keys()]);
    await upgraded;
    assert.equal(transportOf(socket), mode === 'polling' ? 'polling' : 'websocket');
    assert.equal(await socket.emitWithAck('echo', 'after'), 'after');
  },
};
