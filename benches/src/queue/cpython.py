"""CPython's agent for queues: rounds in, nanoseconds out, a line each, as in agent.rs."""

import ctypes
import multiprocessing
import os
import signal
import sys
import time

PR_SET_PDEATHSIG = 1


class Lane:
    """`put` sends one piece, `get` receives one: a number, bytes, or a list of either."""

    def __init__(self, context, name, bound):
        if name == "Pipe":
            self.get_end, self.put_end = context.Pipe(duplex=False)
        else:
            queue = context.SimpleQueue() if name == "SimpleQueue" else context.Queue(bound)
            self.get_end = self.put_end = queue

    def ends(self, piece):
        if not hasattr(self.put_end, "put"):
            if isinstance(piece, bytearray):
                return self.put_end.send_bytes, self.get_end.recv_bytes
            return self.put_end.send, self.get_end.recv
        return self.put_end.put, self.get_end.get


def piece_of(size, batch):
    item = 0x9E3779B97F4A7C15 if size == 8 else bytearray(b"\x9e\x37\x79\xb9\x7f\x4a\x7c\x15" * (size // 8))
    return item if batch == 1 else [item] * batch


def copied(piece):
    """What a producer puts: a copy of what it has, as for all."""
    if isinstance(piece, list):
        return [copied(item) for item in piece]
    return bytes(piece) if isinstance(piece, bytearray) else piece


def seen(piece):
    """The quickest way that Python has to look at all of it."""
    if isinstance(piece, list):
        for item in piece:
            seen(item)
        return len(piece)
    if isinstance(piece, bytes):
        piece.count(0)
    return 1


def flow(lanes, me, piece, pairs, batch, result, percent):
    put, get = lanes[0].ends(piece)

    def produce(items):
        for _ in range(items // pairs // batch):
            put(copied(piece))

    def consume(items):
        left = items // pairs
        while left > 0:
            left -= seen(get())

    return produce if me < pairs else consume


def trips(lanes, me, piece, pairs, batch, result, percent):
    put, _ = lanes[me].ends(piece)
    _, get = lanes[1 - me].ends(piece)

    def answer(count):
        for _ in range(count):
            get()
            put(copied(piece))

    def ask(count):
        times = []
        last = time.perf_counter_ns()
        for _ in range(count):
            put(copied(piece))
            get()
            now = time.perf_counter_ns()
            times.append(now - last)
            last = now
        times.sort()
        result.value = times[count * percent // 100]

    return answer if me else ask


def idle(lanes, me, piece, pairs, batch, result, percent):
    put, get = lanes[0].ends(piece)

    def late(seconds):
        for _ in range(seconds):
            time.sleep(1)
            put(copied(piece))

    def wait(seconds):
        before = time.process_time_ns()
        for _ in range(seconds):
            get()
        result.value = time.process_time_ns() - before

    return wait if me else late


def work(part, others, orders, finished):
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    for other in others:
        os.close(other)
    while order := os.read(orders, 8):
        part(int.from_bytes(order, "little"))
        os.write(finished, b"x")


def main():
    kind, name = sys.argv[1:3]
    size, batch, pairs, bound, items, percent, one_processor = map(int, sys.argv[3:])
    if one_processor:
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    context = multiprocessing.get_context("fork")
    lanes = [Lane(context, name, max(bound // batch, 1)) for _ in range(2)]
    result = context.RawValue("Q", 0)
    piece = piece_of(size, batch)
    done, finished = os.pipe()
    orders = []
    for me in range(2 * pairs):
        part = {"flow": flow, "trips": trips, "idle": idle}[kind](lanes, me, piece, pairs, batch, result, percent)
        receive, send = os.pipe()
        # One that dies leaves nobody else to write here, and is noticed.
        others = [*orders, send, done]
        context.Process(target=work, args=(part, others, receive, finished), daemon=True).start()
        orders.append(send)
    os.close(finished)
    for line in sys.stdin:
        rounds = int(line)
        begin = time.perf_counter_ns()
        for send in orders:
            os.write(send, (rounds * items).to_bytes(8, "little"))
        for _ in orders:
            os.read(done, 1)
        elapsed = time.perf_counter_ns() - begin
        answer = {"flow": elapsed, "trips": rounds * result.value, "idle": result.value}[kind]
        print(answer, flush=True)


if __name__ == "__main__":
    main()
