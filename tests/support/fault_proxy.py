#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A TCP proxy that spoils the connection to a server on purpose.

    fault_proxy.py PORT TARGET_PORT [LATENCY_MS]

Prints "ready". Each line on its standard input sets how it behaves from now on; it ends with its
standard input.

    pass           what comes is handed on, answers LATENCY_MS late
    latency MS     the same with another latency
    errors         each request is answered 503 SlowDown and the connection closed
    stall          nothing is handed on, in either direction
    refuse         connections are closed at once, open ones too
"""
import asyncio
import sys

ANSWER = (b"HTTP/1.1 503 Slow Down\r\nContent-Type: application/xml\r\nConnection: close\r\n"
          b"Content-Length: 44\r\n\r\n<Error><Code>SlowDown</Code></Error>        ")


class Proxy:
    def __init__(self, target, latency_ms):
        self.target = target
        self.latency = latency_ms / 1000
        self.mode = "pass"
        self.changed = asyncio.Event()
        self.writers = set()

    def command(self, line):
        words = line.split()
        if words[:1] == ["latency"]:
            self.latency = int(words[1]) / 1000
            words = ["pass"]
        if words:
            self.mode = words[0]
            self.changed.set()
            self.changed = asyncio.Event()
        if self.mode == "refuse":
            for writer in list(self.writers):
                writer.transport.abort()

    async def flowing(self):
        while self.mode == "stall":
            await self.changed.wait()

    async def pump(self, reader, writer, late):
        try:
            while data := await reader.read(65536):
                await self.flowing()
                if late and self.latency:
                    await asyncio.sleep(self.latency)
                writer.write(data)
                await writer.drain()
        except (ConnectionError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    async def serve(self, reader, writer):
        self.writers.add(writer)
        try:
            if self.mode == "refuse":
                writer.transport.abort()
                return
            if self.mode == "errors":
                await reader.read(65536)
                writer.write(ANSWER)
                await writer.drain()
                writer.close()
                return
            there, back = await asyncio.open_connection("127.0.0.1", self.target)
            self.writers.add(back)
            await asyncio.gather(self.pump(reader, back, False), self.pump(there, writer, True))
            self.writers.discard(back)
        except OSError:
            writer.transport.abort()
        finally:
            self.writers.discard(writer)


async def main():
    port, target = int(sys.argv[1]), int(sys.argv[2])
    proxy = Proxy(target, int(sys.argv[3]) if len(sys.argv) > 3 else 0)
    server = await asyncio.start_server(proxy.serve, "127.0.0.1", port, backlog=512)
    print("ready", flush=True)
    stdin = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(stdin), sys.stdin)
    while line := await stdin.readline():
        proxy.command(line.decode())
    server.close()


asyncio.run(main())
