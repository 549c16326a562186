"""Python's Socket.IO client against a server of the tests: socketio_client.py URL MODE SCENARIO.

A mode is polling, websocket or upgrade. It ends with 0 when all was as it must be.
"""
import asyncio
import sys

import socketio
from engineio.payload import Payload

# By default it hangs up when an answer to a poll has more than 16 packets, of which the protocol knows nothing.
Payload.max_decode_packets = 1000

PATIENCE = 15
TRANSPORTS = {'polling': ['polling'], 'websocket': ['websocket'], 'upgrade': ['polling', 'websocket']}


class Client:
    """A client with a connection of its own, which keeps what it is told in queues by event."""

    def __init__(self, ns='/'):
        self.ns = ns
        self.sio = socketio.AsyncClient(reconnection=False)
        self.heard = {}
        for name in ('connect', 'disconnect', 'connect_error', 'back', 'in-room', 'headline'):
            self.sio.on(name, self.listener(name), namespace=ns)

    def listener(self, name):
        async def listen(*args):
            self.queue(name).put_nowait(args)
        return listen

    def queue(self, name):
        return self.heard.setdefault(name, asyncio.Queue())

    async def next(self, name):
        return await asyncio.wait_for(self.queue(name).get(), PATIENCE)

    async def connect(self, url, mode, auth=None, is_refused=False):
        # What it waits for itself is that it gets in, and it does not stop waiting when it is refused.
        await self.sio.connect(url, transports=TRANSPORTS[mode], namespaces=[self.ns], auth=auth, wait=False)
        if not is_refused:
            await self.next('connect')
        return self

    async def emit(self, name, *args):
        await self.sio.emit(name, args, namespace=self.ns)

    async def ask(self, name, *args):
        return await self.sio.call(name, args, namespace=self.ns, timeout=PATIENCE)

    @property
    def id(self):
        return self.sio.get_sid(self.ns)


def equal(actual, expected):
    if actual != expected:
        raise AssertionError(f'{actual!r} is not {expected!r}')


async def auth(connect):
    client = await connect('/guarded', {'token': 'letmein', 'name': 'Ada'})
    equal(await client.ask('who-am-i'), {'id': client.id, 'name': 'Ada', 'from': ''})


async def refused(connect):
    client = await connect('/guarded', {'token': 'wrong'}, is_refused=True)
    equal(await client.next('connect_error'), ({'message': 'Who are you?', 'data': {'hint': 'a token'}},))


async def events(connect):
    client = await connect()
    values = (1, -0.5, 'äöü ☃ 𝄞 " \\ \n', None, True, [], [[1], {}], {'a': {'b': [None]}})
    await client.emit('back', *values)
    equal(await client.next('back'), values)
    for number in range(200):
        await client.emit('back', number)
    equal([(await client.next('back'))[0] for _ in range(200)], list(range(200)))


async def acks(connect):
    client = await connect()
    equal(await client.ask('echo', {'a': [1]}), {'a': [1]})
    equal(await client.ask('echo', 1, 'two'), (1, 'two'))
    equal(await client.ask('fail'), {'error': {'code': 'broken', 'message': 'It broke.'}})

    async def question(first, second):
        return second, first
    client.sio.on('question', question)
    equal(await client.ask('ask-me', 1, {'x': 2}), ({'x': 2}, 1))


async def rooms(connect):
    ada, bob, eve = [await connect() for _ in range(3)]
    await ada.ask('join', 'blue')
    await bob.ask('join', 'blue')
    await ada.ask('to-room', 'blue', 'hi')
    equal(await bob.next('in-room'), ('hi',))
    await eve.ask('to-room', 'blue', 'from outside')
    equal(await ada.next('in-room'), ('from outside',))
    equal(await bob.next('in-room'), ('from outside',))
    await eve.ask('echo', 1)
    equal(eve.queue('in-room').qsize(), 0)


async def binary(connect):
    client = await connect()
    await client.emit('back', {'parts': [b'\x01\x02\x03']}, b'', 'text')
    equal(await client.next('back'), ({'parts': [b'\x01\x02\x03']}, b'', 'text'))
    equal(await client.ask('reverse', b'\x01\x02\xff'), b'\xff\x02\x01')
    large = b'x' * 400_000
    equal(await client.ask('echo', large), large)


async def leaving(connect):
    witness = await connect()
    client = await connect()
    sid = client.id
    await client.emit('put-out')
    await client.next('disconnect')
    equal(await witness.ask('reason-of', sid), 'server namespace disconnect')

    other = await connect()
    sid = other.id
    await other.sio.disconnect()
    reason = await witness.ask('reason-of', sid)
    if reason not in ('client namespace disconnect', 'transport close', 'transport error'):
        # It says goodbye, and cuts the connection without waiting until that is sent.
        raise AssertionError(f'The client left, and the server saw {reason!r}.')


async def run(url, mode, name):
    clients = []

    async def connect(ns='/', auth=None, is_refused=False):
        client = Client(ns)
        clients.append(client)
        return await client.connect(url, mode, auth, is_refused)

    await {s.__name__: s for s in (auth, refused, events, acks, rooms, binary, leaving)}[name](connect)
    for client in clients:
        if client.sio.connected:
            await client.sio.disconnect()
    print(f'{name} over {mode}: as it must be')


asyncio.run(asyncio.wait_for(run(*sys.argv[1:]), PATIENCE))
