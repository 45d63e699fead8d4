"""CPython's agent for locks: rounds in, nanoseconds out, a line each, as in agent.rs."""

import multiprocessing
import os
import sys
import time

PARTIES = {
    "lock_uncontended": 1,
    "lock_contended_2": 2,
    "lock_contended_4": 4,
    "lock_semaphore": 1,
    "lock_event_awake": 2,
    "lock_event_asleep": 2,
    "lock_condvar": 2,
    "lock_barrier_2": 2,
    "lock_barrier_4": 4,
}


def counting(context):
    lock, value = context.Lock(), context.RawValue("Q", 0)

    def run(me, rounds):
        goes_on = True
        while goes_on:
            with lock:
                if value.value < rounds:
                    value.value += 1
                goes_on = value.value < rounds

    return run


def semaphore(context):
    permits = context.Semaphore(1)

    def run(me, rounds):
        for _ in range(rounds):
            permits.acquire()
            permits.release()

    return run


def event(context):
    events = [context.Event(), context.Event()]

    def run(me, rounds):
        own, other = events[me], events[1 - me]
        for _ in range(rounds):
            if me == 0:
                other.set()
            own.wait()
            own.clear()
            if me == 1:
                other.set()

    return run


def condvar(context):
    condition, turn = context.Condition(context.Lock()), context.RawValue("Q", 0)

    def take_turn(me, to):
        with condition:
            while turn.value != me:
                condition.wait()
            turn.value = to
            condition.notify()

    def run(me, rounds):
        for _ in range(rounds):
            take_turn(me, 1 - me)
        if me == 0:
            take_turn(0, 0)

    return run


def barrier(context, parties):
    barrier = context.Barrier(parties)

    def run(me, rounds):
        for _ in range(rounds):
            barrier.wait()

    return run


def subject(context, case, parties):
    if case.startswith("lock_barrier"):
        return barrier(context, parties)
    if case.startswith("lock_event"):
        return event(context)
    return {"lock_semaphore": semaphore, "lock_condvar": condvar}.get(case, counting)(context)


def work(run, me, orders, finished):
    while order := os.read(orders, 8):
        run(me, int.from_bytes(order, "little"))
        os.write(finished, b"x")


def main():
    case = sys.argv[1]
    if case == "lock_event_asleep":
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    context = multiprocessing.get_context("fork")
    parties = PARTIES[case]
    run = subject(context, case, parties)
    cumulative = "uncontended" in case or "contended" in case
    done, finished = os.pipe()
    orders = []
    for me in range(parties if parties > 1 else 0):
        receive, send = os.pipe()
        context.Process(target=work, args=(run, me, receive, finished), daemon=True).start()
        orders.append(send)
    total = 0
    for line in sys.stdin:
        rounds = int(line)
        total += rounds
        order = total if cumulative else rounds
        begin = time.perf_counter_ns()
        if parties == 1:
            run(0, order)
        for send in orders:
            os.write(send, order.to_bytes(8, "little"))
        for _ in orders:
            os.read(done, 1)
        print(time.perf_counter_ns() - begin, flush=True)


if __name__ == "__main__":
    main()
