//! `Condvar`: who is notified, how many, in which order, and where notifications go when somebody dies.

use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::SeqCst;
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill as send};
use nix::unistd::Pid;
use offspring::sync::{Condvar, LockError, Mutex, MutexGuard};
use offspring::{Process, Shared, process, shared};

use crate::support::{A_WHILE, DEADLINE, kill, until, until_asleep};

/// A room to wait in, and what happened there.
#[shared]
struct Room {
    book: Mutex<Book>,
    changed: Condvar,
}

#[shared]
#[derive(Clone, Copy, Default)]
struct Book {
    /// How many have come to wait. They wait, once the mutex can be had.
    came: u32,
    /// How many were notified, and who was the last.
    woken: u32,
    last: u32,
    value: u32,
}

fn room() -> Shared<Room> {
    Shared::new(Room { book: Mutex::new(Book::default()), changed: Condvar::new() }).unwrap()
}

fn book(room: &Room) -> MutexGuard<'_, Book> {
    room.book.try_lock_for(DEADLINE).unwrap().expect("the lock comes")
}

/// Waits for one notification, and says whether it came.
fn wait_in(room: &Room, time: Duration) -> bool {
    let mut guard = book(room);
    guard.came += 1;
    let (mut guard, result) = room.changed.wait_timeout(guard, time).unwrap();
    if !result.timed_out() {
        guard.woken += 1;
        guard.last = std::process::id();
    }
    !result.timed_out()
}

#[process]
fn wait_once(room: &Shared<Room>) -> bool {
    wait_in(room, DEADLINE)
}

#[process]
fn wait_in_vain(room: &Shared<Room>) -> bool {
    wait_in(room, A_WHILE)
}

/// Waits as a process and as a thread of it.
#[process]
fn wait_twice(room: &Shared<Room>) -> bool {
    thread::scope(|scope| {
        let other = scope.spawn(|| wait_in(room, DEADLINE));
        wait_in(room, DEADLINE) && other.join().unwrap()
    })
}

/// One more process that waits, and has come after all before it.
fn one_more(room: &Shared<Room>) -> Process<bool> {
    let before = book(room).came;
    let waiter = wait_once::spawn(room).unwrap();
    until(|| book(room).came == before + 1);
    waiter
}

fn some(room: &Shared<Room>, count: usize) -> Vec<Process<bool>> {
    (0..count).map(|_| one_more(room)).collect()
}

fn all_were_notified(waiters: Vec<Process<bool>>) {
    waiters.into_iter().for_each(|waiter| assert!(waiter.join().unwrap()));
}

/// So many have been notified, and it stays so.
fn exactly(room: &Room, woken: u32) {
    until(|| book(room).woken >= woken);
    thread::sleep(A_WHILE);
    assert_eq!(book(room).woken, woken);
}

#[process]
fn die_with_the_lock(room: &Shared<Room>) {
    let _guard = book(room);
    loop {
        thread::park();
    }
}

/// Whether it was told of the death of somebody who had the lock meanwhile.
#[process]
fn wait_and_mend(room: &Shared<Room>) -> bool {
    let mut guard = book(room);
    guard.came += 1;
    match room.changed.wait_timeout(guard, DEADLINE) {
        Err(LockError::OwnerDied((guard, result))) => {
            guard.mark_consistent();
            assert!(!result.timed_out());
            true
        }
        other => other.map(|_| false).unwrap(),
    }
}

#[process]
fn wait_for_four(room: &Shared<Room>, time: Duration) -> bool {
    let mut guard = book(room);
    guard.came += 1;
    let start = Instant::now();
    let not_four = |book: &mut Book| book.value != 4;
    let (guard, result) = room.changed.wait_timeout_while(guard, time, not_four).unwrap();
    assert_eq!(result.timed_out(), guard.value != 4);
    assert!(!result.timed_out() || start.elapsed() >= time);
    !result.timed_out()
}

under_each_method! {
    /// CPython's `test_notify` and `test_notify_n`: exactly as many as notified, and no more.
    fn as_many_as_notified() {
        let room = room();
        let waiters: Vec<_> = (0..3).map(|_| wait_twice::spawn(&room).unwrap()).collect();
        until(|| book(&room).came == 6);
        assert_eq!(room.changed.notify_one(), 1);
        exactly(&room, 1);
        assert_eq!(room.changed.notify(2), 2);
        exactly(&room, 3);
        assert_eq!(room.changed.notify(0), 0);
        assert_eq!(room.changed.notify(4), 3);
        all_were_notified(waiters);
        assert_eq!(room.changed.notify(3), 0);
        assert_eq!(book(&room).woken, 6);
    }

    /// Whoever has waited longest is notified first.
    fn the_oldest_first() {
        let room = room();
        for waiter in some(&room, 5) {
            assert_eq!(room.changed.notify_one(), 1);
            let own = waiter.pid();
            assert!(waiter.join().unwrap());
            assert_eq!(book(&room).last, own);
        }
    }

    /// CPython's `test_notify_all`: timed waiters time out, and untimed ones after them are all notified.
    fn all_at_once() {
        let room = room();
        let in_vain: Vec<_> = (0..3).map(|_| wait_in_vain::spawn(&room).unwrap()).collect();
        in_vain.into_iter().for_each(|waiter| assert!(!waiter.join().unwrap()));
        assert_eq!(room.changed.notify_all(), 0);
        let waiters = some(&room, 6);
        assert_eq!(room.changed.notify_all(), 6);
        all_were_notified(waiters);
        assert_eq!(room.changed.notify_all(), 0);
    }

    /// A notification is for those who wait when it is given.
    fn latecomers_get_nothing() {
        let room = room();
        let early = one_more(&room);
        let guard = book(&room);
        assert_eq!(room.changed.notify(2), 1);
        drop(guard);
        assert!(early.join().unwrap());
        assert!(!wait_in(&room, A_WHILE));
    }

    /// CPython's `test_waitfor` and `test_waitfor_timeout`.
    fn predicates_are_looked_at_again() {
        for (steps, comes) in [(4, true), (3, false)] {
            let room = room();
            let time = if comes { DEADLINE } else { A_WHILE };
            let waiter = wait_for_four::spawn(&room, time).unwrap();
            until(|| book(&room).came == 1);
            for _ in 0..steps {
                thread::sleep(Duration::from_millis(5));
                book(&room).value += 1;
                room.changed.notify_one();
            }
            assert_eq!(waiter.join().unwrap(), comes);
        }
    }

    /// A process killed while it waits is not there any more: the next one is notified.
    fn the_dead_are_not_notified() {
        let room = room();
        let mut waiters = some(&room, 4);
        kill(waiters.remove(2));
        kill(waiters.remove(0));
        assert_eq!(room.changed.notify_one(), 1);
        exactly(&room, 1);
        assert_eq!(room.changed.notify_all(), 1);
        all_were_notified(waiters);
    }

    /// A process killed between its notification and its return passes it on.
    fn the_dead_pass_on_what_they_got() {
        let room = room();
        let mut waiters = some(&room, 4);
        let guard = book(&room);
        assert_eq!(room.changed.notify(2), 2);
        // They cannot return: this thread has the lock.
        kill(waiters.remove(1));
        kill(waiters.remove(0));
        drop(guard);
        all_were_notified(waiters);
        assert_eq!(room.changed.notify_all(), 0);
    }

    /// But not to those who were not there when it was given.
    fn the_dead_leave_nothing_to_latecomers() {
        let room = room();
        let victim = one_more(&room);
        let guard = book(&room);
        assert_eq!(room.changed.notify_one(), 1);
        kill(victim);
        drop(guard);
        assert!(!wait_in(&room, A_WHILE));
        let next = one_more(&room);
        assert_eq!(room.changed.notify_one(), 1);
        assert!(next.join().unwrap());
    }

    /// Waiters are killed one after the other while they are notified: no notification is lost, none is given twice.
    fn chains_of_deaths() {
        let room = room();
        let mut waiters = some(&room, 6);
        let guard = book(&room);
        assert_eq!(room.changed.notify(2), 2);
        for _ in 0..3 {
            kill(waiters.remove(0));
        }
        // The next ones have it now, sooner or later; then one of them is killed as well.
        kill(waiters.remove(0));
        drop(guard);
        all_were_notified(waiters);
        assert_eq!(book(&room).woken, 2);
    }

    /// Somebody dies with the lock while another one waits: that is reported with the guard.
    fn waiting_reports_the_death_of_a_holder() {
        let room = room();
        let waiter = wait_and_mend::spawn(&room).unwrap();
        until(|| book(&room).came == 1);
        let holder = die_with_the_lock::spawn(&room).unwrap();
        until(|| room.book.holder() == Some(holder.pid()));
        assert_eq!(room.changed.notify_one(), 1);
        kill(holder);
        assert!(waiter.join().unwrap());
        assert!(room.book.is_consistent());
    }

    /// Neither a stop nor a signal ends a wait, and the deadline stays where it is.
    fn signals_end_no_wait() {
        let room = room();
        let start = Instant::now();
        let waiter = wait_in_vain::spawn(&room).unwrap();
        let pid = Pid::from_raw(waiter.pid().cast_signed());
        until(|| book(&room).came == 1);
        for _ in 0..5 {
            send(pid, Signal::SIGSTOP).unwrap();
            send(pid, Signal::SIGCONT).unwrap();
        }
        assert!(!waiter.join().unwrap());
        assert!(start.elapsed() >= A_WHILE);
    }

    fn debug_names_those_who_wait() {
        let room = room();
        assert_eq!(format!("{:?}", room.changed), "Condvar { waiting: [], .. }");
        let waiters = some(&room, 2);
        let pids: Vec<_> = waiters.iter().map(Process::pid).collect();
        assert_eq!(format!("{:?}", room.changed), format!("Condvar {{ waiting: {pids:?}, .. }}"));
        room.changed.notify_all();
        all_were_notified(waiters);
    }
}

/// A buffer with room for a few numbers.
#[shared]
struct Belt {
    state: Mutex<Numbers>,
    filled: Condvar,
    emptied: Condvar,
}

#[shared]
#[derive(Clone, Copy, Default)]
struct Numbers {
    numbers: [u64; 8],
    len: usize,
    /// How many producers are still at work.
    producers: usize,
}

#[process]
fn produce(belt: &Shared<Belt>, numbers: std::ops::Range<u64>) {
    for number in numbers {
        let state = belt.state.lock().unwrap();
        let mut state = belt.emptied.wait_while(state, |it| it.len == it.numbers.len()).unwrap();
        let at = state.len;
        state.numbers[at] = number;
        state.len += 1;
        belt.filled.notify_one();
    }
    belt.state.lock().unwrap().producers -= 1;
    belt.filled.notify_all();
}

/// How many, and their sum.
#[process]
fn consume(belt: &Shared<Belt>) -> (u64, u64) {
    let (mut count, mut sum) = (0, 0);
    loop {
        let state = belt.state.lock().unwrap();
        let mut state =
            belt.filled.wait_while(state, |it| it.len == 0 && it.producers > 0).unwrap();
        if state.len == 0 {
            return (count, sum);
        }
        state.len -= 1;
        (count, sum) = (count + 1, sum + state.numbers[state.len]);
        belt.emptied.notify_one();
    }
}

/// Two producers and two consumers: each of the numbers arrives once.
#[test]
fn what_is_produced_is_consumed() {
    const EACH: u64 = 50_000;
    let state = Mutex::new(Numbers { producers: 2, ..Numbers::default() });
    let belt = Belt { state, filled: Condvar::new(), emptied: Condvar::new() };
    let belt = Shared::new(belt).unwrap();
    let consumers: Vec<_> = (0..2).map(|_| consume::spawn(&belt).unwrap()).collect();
    let ranges = [0..EACH, EACH..2 * EACH];
    let producers: Vec<_> =
        ranges.map(|numbers| produce::spawn(&belt, numbers).unwrap()).into_iter().collect();
    producers.into_iter().for_each(|producer| producer.join().unwrap());
    let results = consumers.into_iter().map(|consumer| consumer.join().unwrap());
    let (count, sum) = results.fold((0, 0), |all, one| (all.0 + one.0, all.1 + one.1));
    assert_eq!((count, sum), (2 * EACH, EACH * (2 * EACH - 1)));
}

/// More than there are seats: all are notified, by one call or by many.
#[test]
fn a_crowd_is_notified() {
    for at_once in [usize::MAX, 1] {
        let (waiting, changed) = (Mutex::new(0), Condvar::new());
        let woken = AtomicU32::new(0);
        thread::scope(|scope| {
            for _ in 0..100 {
                scope.spawn(|| {
                    let mut guard = waiting.lock().unwrap();
                    *guard += 1;
                    drop(changed.wait(guard).unwrap());
                    woken.fetch_add(1, SeqCst);
                });
            }
            until(|| *waiting.lock().unwrap() == 100);
            // Nobody has a reason to wait for long if it was not notified: so the number of calls is bounded.
            for _ in 0..100 {
                changed.notify(at_once);
            }
        });
        assert_eq!(woken.load(SeqCst), 100);
    }
}

/// Each takes its own mutex again.
#[test]
fn waiters_may_have_different_mutexes() {
    let (one, two, changed) = (Mutex::new(0), Mutex::new("text"), Condvar::new());
    thread::scope(|scope| {
        let guards = [scope.spawn(|| *changed.wait(one.lock().unwrap()).unwrap() == 0)];
        let others = [scope.spawn(|| *changed.wait(two.lock().unwrap()).unwrap() == "text")];
        let mut notified = 0;
        while notified < 2 {
            notified += changed.notify_all();
        }
        guards.into_iter().chain(others).for_each(|it| assert!(it.join().unwrap()));
    });
}

/// No time at all is time enough to time out, and to give the lock back for a moment.
#[test]
fn without_time_nobody_waits() {
    let (mutex, changed) = (Mutex::new(()), Condvar::new());
    let (guard, result) = changed.wait_timeout(mutex.lock().unwrap(), Duration::ZERO).unwrap();
    assert!(result.timed_out());
    let (guard, result) = changed.wait_until(guard, Instant::now() - A_WHILE).unwrap();
    assert!(result.timed_out());
    drop(guard);
    assert!(!mutex.is_locked());
    assert_eq!(changed.notify_all(), 0);
}

/// Data that is in doubt comes with the result, and can be mended there.
#[test]
fn doubt_can_be_mended_after_a_timed_wait() {
    let (mutex, changed) = (Mutex::new(1), Condvar::new());
    let panicked = thread::scope(|scope| {
        let holder = scope.spawn(|| {
            let _guard = mutex.lock().unwrap();
            panic!("in the middle of a change");
        });
        holder.join()
    });
    assert!(panicked.is_err());
    let guard = mutex.lock().unwrap_err().into_guard().unwrap();
    let died = changed.wait_timeout(guard, Duration::ZERO).unwrap_err();
    let (guard, result) = died.recover(|number| *number = 2).unwrap();
    assert!(result.timed_out() && guard.is_consistent());
    assert_eq!(*guard, 2);
}

/// A waiter uses no processor: it sleeps.
#[test]
fn waiters_sleep() {
    let room = room();
    let waiter = one_more(&room);
    until_asleep(waiter.pid());
    room.changed.notify_one();
    assert!(waiter.join().unwrap());
}
