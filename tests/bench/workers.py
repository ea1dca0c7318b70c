# SPDX-License-Identifier: Apache-2.0
"""Long-lived programs that time themselves, run in turns.

A machine shared with others speeds up and slows down by the minute. Peers are therefore started
together and asked for a few passes each, round after round, so that each sees the same weather; the
figures of one table come from one such run and are to be read as ratios.
"""
import os
import statistics
import subprocess
import sys


class Worker:
    def __init__(self, name, argv, env=None):
        self.name, self.times = name, []
        self.process = subprocess.Popen(
            argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            text=True, env=os.environ | (env or {}))
        word, _, self.version = self.process.stdout.readline().strip().partition(" ")
        self.alive = word == "ready"
        if not self.alive:
            print(f"  {name}: not run ({word} {self.version})", file=sys.stderr)
            self.close()

    def ask(self, n):
        self.process.stdin.write(f"{n}\n")
        self.process.stdin.flush()
        got = [float(t) for t in self.process.stdout.readline().split()]
        self.times += got
        return got

    def close(self):
        self.process.stdin.close()
        self.process.wait()

    @property
    def best(self):
        return min(self.times)

    @property
    def median(self):
        return statistics.median(self.times)


def in_turns(workers, rounds, passes):
    """The workers that started, with their times."""
    workers = [w for w in workers if w.alive]
    for _ in range(rounds):
        for w in workers:
            w.ask(1)  # wake its threads and caches: not counted
            w.times.pop()
            w.ask(passes)
    for w in workers:
        w.close()
    return workers
