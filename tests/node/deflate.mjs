// Sends messages of many sizes to a server that sends them back, with the compression of npm's ws.
// node deflate.mjs <url> <perMessageDeflate as JSON>
import { randomFillSync } from 'node:crypto';
import { WebSocket } from 'ws';

const [url, settings] = process.argv.slice(2);
const sizes = [0, 1, 63, 64, 65, 125, 126, 1_000, 4_096, 5_000, 65_535, 65_536, 200_000, 1_048_576];

const socket = new WebSocket(url, { perMessageDeflate: JSON.parse(settings) });
const waiting = [];
let agreed = '';
socket.on('upgrade', response => { agreed = response.headers['sec-websocket-extensions'] ?? ''; });
let fail;
const failed = new Promise((_, reject) => { fail = reject; });
socket.on('error', fail);
socket.on('close', code => fail(new Error(`closed with ${code}`)));
socket.on('message', (data, isBinary) => waiting.shift()?.({ data, isBinary }));
await Promise.race([failed, new Promise(resolve => socket.once('open', resolve))]);
console.log(agreed);

let count = 0;
for (const size of sizes) {
  for (const message of ['ä'.repeat(size / 2) + 'b'.repeat(size % 2), randomFillSync(Buffer.alloc(size), size / 2 | 0)]) {
    const back = new Promise(resolve => waiting.push(resolve));
    socket.send(message);
    const { data, isBinary } = await Promise.race([failed, back]);
    if (isBinary !== (typeof message !== 'string') || !data.equals(Buffer.from(message))) {
      throw new Error(`a message of ${size} bytes came back as ${data.length} others`);
    }
    count++;
  }
}
console.log(`${count} messages of ${sizes} bytes came back`);
socket.removeAllListeners('close');
socket.close(1000);
