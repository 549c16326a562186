import { io } from 'socket.io-client';

const transports = { polling: ['polling'], websocket: ['websocket'], upgrade: ['polling', 'websocket'] };

// A socket with a connection of its own, unless the options say otherwise.
export function open(url, mode, ns, options) {
  return io(new URL(ns, url).href, { transports: transports[mode], forceNew: true, reconnection: false, ...options });
}

export const transportOf = socket => socket.io.engine.transport.name;

// The arguments of the next event of this name. What ends the waiting without it fails.
export function once(emitter, name) {
  return new Promise((resolve, reject) => {
    const failed = error => settle(reject, error instanceof Error ? error : new Error(`'${error}' came, not '${name}'`));
    const came = (...args) => settle(resolve, args);
    const settle = (end, value) => {
      emitter.off(name, came);
      emitter.off('connect_error', failed);
      emitter.off('disconnect', failed);
      end(value);
    };
    emitter.on(name, came);
    if (name !== 'connect_error') emitter.on('connect_error', failed);
    if (name !== 'disconnect') emitter.on('disconnect', failed);
  });
}

// The next events of this name, a list of their arguments.
export function take(emitter, name, count) {
  return new Promise(resolve => {
    const taken = [];
    const listener = (...args) => {
      taken.push(args);
      if (taken.length === count) {
        emitter.off(name, listener);
        resolve(taken);
      }
    };
    emitter.on(name, listener);
  });
}

// All events of this name that come before the answer to a question of our own.
export async function heardUntilNow(socket, heard) {
  await socket.emitWithAck('echo');
  return heard;
}

// Node gives a Buffer for what a browser gives as an ArrayBuffer.
export const bytes = value => [...new Uint8Array(value)];
