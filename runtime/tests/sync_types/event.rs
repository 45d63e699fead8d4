//! Events: Python's meaning, waiters that go on also when it is cleared at once, `set` in signal handlers, and deaths.

#![allow(unsafe_code, reason = "a signal handler that sets an event")]

use std::sync::OnceLock;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::SeqCst;
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, Signal, sigaction};
use offspring::sync;
use offspring::{Event, Process, Shared, process};

use crate::support::{A_WHILE, DEADLINE, kill, until, until_asleep};

#[process]
fn set_after(event: &Event, time: Duration) {
    thread::sleep(time);
    event.set();
}

#[process]
fn wait_for(event: &Event) -> bool {
    event.wait_timeout(DEADLINE)
}

#[process]
fn wait_for_ever(event: &Event) {
    event.wait();
}

/// Sets and clears, as often as it is killed later.
#[process]
fn flicker(event: &Event) {
    loop {
        event.set();
        event.clear();
    }
}

#[process]
fn answer(question: &Event, answered: &Event, rounds: usize) {
    for _ in 0..rounds {
        question.wait();
        question.clear();
        answered.set();
    }
}

fn asleep_at(event: &Event) -> Process<bool> {
    let waiter = wait_for::spawn(event).unwrap();
    until_asleep(waiter.pid());
    waiter
}

under_each_method! {
    /// CPython's `_TestEvent.test_event`.
    fn as_in_python() {
        let event = Event::new().unwrap();
        assert!(!event.is_set());
        let start = Instant::now();
        assert!(!event.wait_timeout(Duration::ZERO));
        assert!(!event.wait_timeout(A_WHILE));
        assert!(start.elapsed() >= A_WHILE, "not earlier");
        event.set();
        assert!(event.is_set());
        event.wait();
        assert!(event.wait_timeout(Duration::ZERO));
        assert!(event.wait_until(Instant::now()));
        event.clear();
        assert!(!event.is_set() && !event.wait_timeout(Duration::ZERO));
        let child = set_after::spawn(&event, A_WHILE).unwrap();
        event.wait();
        child.join().unwrap();
    }

    /// Each waiter was asleep when the event was set, so that each goes on, although none can have looked before it was
    /// cleared.
    fn who_waited_goes_on_though_it_is_cleared_at_once() {
        let event = Event::new().unwrap();
        let waiters: Vec<_> = (0..3).map(|_| asleep_at(&event)).collect();
        event.set();
        event.clear();
        for waiter in waiters {
            assert!(waiter.join().unwrap());
        }
        assert!(!event.is_set());
    }

    /// The dead neither keep the setter nor take anything from the living.
    fn killed_waiters_change_nothing() {
        let event = Event::new().unwrap();
        let doomed: Vec<_> = (0..2).map(|_| wait_for_ever::spawn(&event).unwrap()).collect();
        doomed.iter().for_each(|it| until_asleep(it.pid()));
        let waiter = asleep_at(&event);
        doomed.into_iter().for_each(kill);
        event.set();
        assert!(waiter.join().unwrap());
    }

    /// Killed anywhere in between, it leaves an event that others can use.
    fn killed_setters_leave_it_usable() {
        let event = Event::new().unwrap();
        for time in 0..20 {
            let setter = flicker::spawn(&event).unwrap();
            until(|| event.is_set());
            thread::sleep(Duration::from_micros(37 * time));
            kill(setter);
            event.clear();
            assert!(!event.wait_timeout(Duration::from_millis(1)));
            let waiter = asleep_at(&event);
            event.set();
            assert!(waiter.join().unwrap());
            event.clear();
        }
    }

    fn there_and_back() {
        let [question, answered] = [(); 2].map(|()| Event::new().unwrap());
        let other = answer::spawn(&question, &answered, 10_000).unwrap();
        for _ in 0..10_000 {
            question.set();
            answered.wait();
            answered.clear();
        }
        other.join().unwrap();
        assert!(!question.is_set() && !answered.is_set());
    }
}

#[test]
fn shows_whether_it_is_set() {
    let event = sync::Event::new();
    assert!(format!("{event:?}").contains("set: false"), "{event:?}");
    event.set();
    assert!(format!("{event:?}").contains("set: true"), "{event:?}");
}

/// On the stack, threads only.
#[test]
fn works_between_threads_outside_shared_memory() {
    let event = sync::Event::new();
    let passed = AtomicUsize::new(0);
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                event.wait();
                passed.fetch_add(1, SeqCst);
            });
        }
        event.set();
    });
    assert_eq!(passed.into_inner(), 4);
}

/// Many threads that wait for every setting, while it is cleared at once each time: nobody misses one that it waited for.
#[test]
fn no_setting_is_missed_by_who_waits_for_it() {
    let event = Shared::new(sync::Event::new()).unwrap();
    let (waiting, done) = (AtomicUsize::new(0), AtomicUsize::new(0));
    thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                for _ in 0..200 {
                    waiting.fetch_add(1, SeqCst);
                    assert!(event.wait_timeout(DEADLINE));
                    waiting.fetch_sub(1, SeqCst);
                }
                done.fetch_add(1, SeqCst);
            });
        }
        while done.load(SeqCst) < 3 {
            event.set();
            event.clear();
            thread::yield_now();
        }
    });
    assert_eq!(waiting.into_inner(), 0);
}

/// What this process's handler sets.
static RUNG: OnceLock<Event> = OnceLock::new();
static HANDLED: AtomicUsize = AtomicUsize::new(0);

extern "C" fn ring(_: i32) {
    if let Some(event) = RUNG.get() {
        event.set();
    }
    HANDLED.fetch_add(1, SeqCst);
}

/// From now on, SIGUSR1 sets the event.
fn ring_at_signal(event: &Event) {
    RUNG.set(event.clone()).unwrap();
    let action = SigAction::new(SigHandler::Handler(ring), SaFlags::empty(), SigSet::empty());
    // SAFETY: the handler calls what is said to be async-signal-safe, and changes an atomic.
    unsafe { sigaction(Signal::SIGUSR1, &action) }.unwrap();
}

/// Sets, clears and waits all the time, and is interrupted by a handler that sets.
#[process]
fn set_while_interrupted(event: &Event, ready: &Event, end: &Event) -> usize {
    ring_at_signal(event);
    ready.set();
    while !end.is_set() {
        event.set();
        event.clear();
        event.wait_timeout(Duration::from_micros(50));
    }
    HANDLED.load(SeqCst)
}

/// Waits, and is set free by a handler that runs on its own thread, in the middle of the wait.
#[process]
fn wait_for_own_handler(event: &Event, ready: &Event) -> bool {
    ring_at_signal(event);
    ready.set();
    event.wait_timeout(DEADLINE)
}

under_each_method! {
    fn is_set_by_a_handler_that_interrupts_the_wait() {
        let [event, ready] = [(); 2].map(|()| Event::new().unwrap());
        let waiter = wait_for_own_handler::spawn(&event, &ready).unwrap();
        ready.wait();
        until_asleep(waiter.pid());
        waiter.signal(offspring::Signal::SIGUSR1).unwrap();
        assert!(waiter.join().unwrap());
    }

    fn is_set_by_handlers_that_interrupt_everything() {
        let [event, ready, end] = [(); 3].map(|()| Event::new().unwrap());
        let setter = set_while_interrupted::spawn(&event, &ready, &end).unwrap();
        ready.wait();
        for _ in 0..2000 {
            setter.signal(offspring::Signal::SIGUSR1).unwrap();
            event.wait_timeout(Duration::from_micros(50));
        }
        end.set();
        assert!(setter.join().unwrap() > 0);
        event.set();
        event.wait();
    }
}

/// A handler without SA_RESTART, which does nothing: the wait goes on, and is not over too soon.
#[process]
fn wait_among_signals(ready: &Event, never: &Event) -> bool {
    extern "C" fn nothing(_: i32) {}
    let action = SigAction::new(SigHandler::Handler(nothing), SaFlags::empty(), SigSet::empty());
    // SAFETY: the handler does nothing.
    unsafe { sigaction(Signal::SIGUSR1, &action) }.unwrap();
    ready.set();
    let start = Instant::now();
    let set = never.wait_timeout(3 * A_WHILE);
    !set && start.elapsed() >= 3 * A_WHILE
}

under_each_method! {
    fn signals_do_not_end_a_wait() {
        let [ready, never] = [(); 2].map(|()| Event::new().unwrap());
        let waiter = wait_among_signals::spawn(&ready, &never).unwrap();
        ready.wait();
        for _ in 0..50 {
            let _ = waiter.signal(offspring::Signal::SIGUSR1);
            thread::sleep(Duration::from_millis(2));
        }
        assert!(waiter.join().unwrap());
    }
}
