// What the runner asks a server between two windows: GET /stats and POST /collect (with node --expose-gc). Node.js does
// not count the bytes that a program allocates, so there is no allocatedBytes.
import process from 'node:process';

export function answer(request, response) {
  if (request.method === 'GET' && request.url === '/stats') {
    const { heapUsed } = process.memoryUsage();
    response.setHeader('Content-Type', 'application/json');
    response.end(JSON.stringify({ heapBytes: heapUsed }));
  } else if (request.method === 'POST' && request.url === '/collect' && globalThis.gc) {
    globalThis.gc();
    response.end();
  } else {
    response.statusCode = 404;
    response.end();
  }
}

// The number of an option, as "--option 1" or "--option=1"; undefined without the option.
export function numberAfter(option) {
  const at = process.argv.findIndex(a => a === option || a.startsWith(`${option}=`));
  return at < 0 ? undefined : Number(process.argv[at].split('=')[1] ?? process.argv[at + 1]);
}

export function port() {
  const value = numberAfter('--port');
  if (!Number.isInteger(value)) {
    console.error('--port NUMBER is needed.');
    process.exit(2);
  }

  return value;
}
