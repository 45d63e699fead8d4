"""CPython's agent: rounds in, nanoseconds out, a line each, as in agent.rs."""

import mmap
import multiprocessing
import sys
import time

SENT = 41
BURST = 64


def add_one(number):
    # An exit code is the cheapest result that a Process can give.
    sys.exit(number + 1)


def run(context, at_once):
    children = [context.Process(target=add_one, args=(SENT,)) for _ in range(at_once)]
    for child in children:
        child.start()
    for child in children:
        child.join()
        if child.exitcode != SENT + 1:
            sys.exit("the number did not come back")


def hold(size):
    memory = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    memory.madvise(mmap.MADV_NOHUGEPAGE)
    for page in range(0, size, mmap.PAGESIZE):
        memory[page] = 1
    return memory


def main():
    method, shape, size = sys.argv[1:]
    context = multiprocessing.get_context(method)
    memory = hold(int(size)) if shape == "spawn_gib" else None
    at_once = BURST if shape == "spawn_burst" else 1
    for line in sys.stdin:
        begin = time.perf_counter_ns()
        for _ in range(int(line)):
            run(context, at_once)
        print((time.perf_counter_ns() - begin) // at_once, flush=True)
    del memory


if __name__ == "__main__":
    main()
