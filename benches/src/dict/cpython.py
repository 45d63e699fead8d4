"""CPython's agent for collections: rounds in, nanoseconds out, a line each, as in agent.rs."""

import array
import ctypes
import multiprocessing
import os
import signal
import sys
import time
from multiprocessing.managers import SyncManager

PR_SET_PDEATHSIG = 1
MASK = (1 << 64) - 1


class Player:
    def __init__(self, name, age):
        self.name = name
        self.age = age
        self.scores = [1, 2, 3, 4, 5, 6, 7, 100 - age]


def shuffled(me, keys):
    """The order of record.rs."""
    numbers, state = list(range(keys)), me
    for last in range(keys - 1, 0, -1):
        state = (state * 0x5851F42D4C957F2D + 0x14057B7EF767814F) & MASK
        other = (state >> 33) % (last + 1)
        numbers[last], numbers[other] = numbers[other], numbers[last]
    return numbers


def key_of(number):
    return (number * 0x9E3779B97F4A7C15) & MASK


def name_of(number):
    return f"player {key_of(number):016x}"


def value_of(key, version):
    """64 bytes that say what they belong to."""
    words = [(key + version) & MASK] * 7 + [(key - 7 * version) & MASK]
    return b"".join(word.to_bytes(8, "little") for word in words)


def turns(me, keys, turn, of):
    """For ever: a thousand items, the number of the turn, and whether each has been there an even number of times."""
    order = [of(number) for number in shuffled(me, keys)]
    count = 0
    while True:
        for start in range(0, keys, turn):
            count += 1
            yield order[start:start + turn], count, (count - 1) // (keys // turn) % 2 == 0


def on_map(case, shared, me, parties, keys, turn):
    strings = "string" in case
    # What is to be there, in an even version and an odd one: one bytes object a key and version, as in a program of
    # its users.
    values = [{key_of(number): value_of(key_of(number), version) for number in range(keys)} for version in range(2)]
    todo = turns(me, keys, turn, name_of if strings else key_of)

    def check(key, got):
        if strings:
            assert got.name == key and got.age + got.scores[7] == 100, "what is there is not what was put"
        else:
            assert got == values[0][key] or got == values[1][key], "what is there is not what was put"

    def put(key, version):
        shared[key] = Player(key, version % 100) if strings else values[version % 2][key]

    def get(operations):
        for _ in range(operations // turn):
            for key in next(todo)[0]:
                check(key, shared[key])

    def insert(operations):
        for _ in range(operations // turn):
            items, version, _ = next(todo)
            for key in items:
                put(key, version)
        last = shared[items[-1]]
        check(items[-1], last)
        assert last.age == version % 100 if strings else last == values[version % 2][items[-1]], "it was not put"

    def mix(operations):
        for _ in range(operations // (turn * parties)):
            items, version, even = next(todo)
            for one, other in zip(items[::2], items[1::2]):
                got, changed = (one, other) if even else (other, one)
                check(got, shared[got])
                put(changed, version)

    return get if case.endswith("get") else mix if "mix" in case else insert


def on_list(case, shared, me, parties, keys, turn):
    todo = turns(me, keys, turn, int)
    length = count = 0

    def index(operations):
        for _ in range(operations // turn):
            for at in next(todo)[0]:
                assert shared[at] == key_of(at), "what is there is not what was put there"

    def append(operations):
        nonlocal length, count
        for _ in range(operations // turn):
            if length == keys:
                assert shared[keys - 1] == count, "it was not appended"
                del shared[:]
                length = 0
            for _ in range(turn):
                count += 1
                shared.append(count)
            length += turn

    return append if case == "list_append" else index


def on_array(name, shared, me, parties, items, words):
    """A piece at a time: element by element would be slower still."""
    piece = 1 << 16
    start = me * (words // parties)
    end = start + words // parties
    view = memoryview(shared).cast("B").cast("Q") if name == "shared" else shared
    first = 0

    def fill(bytes_):
        nonlocal first
        for _ in range(bytes_ // items):
            first += 1
            for at in range(start, end, piece):
                view[at:at + piece] = array.array("Q", range(first + at, first + at + piece))
        assert view[end - 1] == first + end - 1, "it was not filled"

    fill(items)
    return fill


def die_with_parent():
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def work(prepare, others, orders, finished):
    die_with_parent()
    for other in others:
        os.close(other)
    part = prepare()
    os.write(finished, b"x")
    while order := os.read(orders, 8):
        part(int.from_bytes(order, "little"))
        os.write(finished, b"x")


def collection(case, name, manager, keys, words):
    if case.startswith("array"):
        if name == "shared":
            return multiprocessing.RawArray("Q", words)
        return manager.Array("Q", array.array("Q", bytes(8 * words)))
    if case.startswith("list"):
        return manager.list([key_of(number) for number in range(keys)] if case == "list_index" else [])
    if "string" in case:
        return manager.dict({name_of(number): Player(name_of(number), 0) for number in range(keys)})
    return manager.dict({key_of(number): value_of(key_of(number), 0) for number in range(keys)})


def hear_of_all(done, parties):
    for _ in range(parties):
        assert os.read(done, 1), "a worker has died"


def main():
    case, name = sys.argv[1:3]
    parties, items, keys, turn, words = map(int, sys.argv[3:])
    context = multiprocessing.get_context("fork")
    manager = None
    if name == "manager":
        manager = SyncManager(ctx=context)
        manager.start(initializer=die_with_parent)
    shared = collection(case, name, manager, keys, words)
    done, finished = os.pipe()
    orders = []
    for me in range(parties):
        def prepare(me=me):
            if case.startswith("array"):
                return on_array(name, shared, me, parties, items, words)
            on = on_list if case.startswith("list") else on_map
            return on(case, shared, me, parties, keys, turn)
        receive, send = os.pipe()
        # One that dies leaves nobody else to write here, and is noticed.
        others = [*orders, send, done]
        context.Process(target=work, args=(prepare, others, receive, finished), daemon=True).start()
        orders.append(send)
    os.close(finished)
    hear_of_all(done, parties)
    for line in sys.stdin:
        begin = time.perf_counter_ns()
        for send in orders:
            os.write(send, (int(line) * items).to_bytes(8, "little"))
        hear_of_all(done, parties)
        print(time.perf_counter_ns() - begin, flush=True)
    for send in orders:
        os.close(send)
    if manager:
        manager.shutdown()


if __name__ == "__main__":
    main()
