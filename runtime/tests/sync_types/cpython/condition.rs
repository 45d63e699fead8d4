//! `_TestCondition`: `Condition`, with a `Lock` as everywhere in Rust, where Python hides one inside.

use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::SeqCst;
use std::thread;
use std::time::{Duration, Instant};

use offspring::{Condition, JoinError, Lock, Semaphore, Shared, Signal, process};

use crate::support::{A_WHILE, until, until_asleep};

/// What the tests pass around.
#[derive(Clone)]
#[offspring::message]
struct World {
    lock: Lock,
    cond: Condition,
    sleeping: Semaphore,
    woken: Semaphore,
}

impl World {
    fn new() -> Self {
        Self {
            lock: Lock::new().unwrap(),
            cond: Condition::new().unwrap(),
            sleeping: Semaphore::new(0).unwrap(),
            woken: Semaphore::new(0).unwrap(),
        }
    }

    /// The body of all waiters: says that it is about to sleep, waits, says that it was woken.
    fn wait(&self, time: Option<Duration>) {
        let held = self.lock.lock().unwrap();
        self.sleeping.release();
        let held = match time {
            None => self.cond.wait(held).unwrap(),
            Some(time) => self.cond.wait_timeout(held, time).unwrap().0,
        };
        self.woken.release();
        drop(held);
    }

    /// So many threads and so many processes wait; returns when all of them sleep. Processes first: a fork wants this
    /// process to have one thread.
    fn waiters(&self, each: usize, time: Option<Duration>) -> Waiters {
        let millis = time.map(|time| time.as_millis() as u64);
        let processes = (0..each).map(|_| wait::spawn(self.clone(), millis).unwrap()).collect();
        let threads = (0..each).map(|_| {
            let world = self.clone();
            thread::spawn(move || world.wait(time))
        });
        let waiters = Waiters { processes, threads: threads.collect() };
        // Each said so with the lock in hand: when the last one has given it back, it is waiting.
        (0..2 * each).for_each(|_| self.sleeping.acquire().forget());
        drop(self.lock.lock().unwrap());
        waiters
    }

    fn woken_are(&self, count: usize) {
        until(|| self.woken.available() == count);
        thread::sleep(A_WHILE);
        assert_eq!(self.woken.available(), count);
    }
}

struct Waiters {
    processes: Vec<offspring::Process<()>>,
    threads: Vec<thread::JoinHandle<()>>,
}

impl Waiters {
    fn join(self) {
        self.processes.into_iter().for_each(|it| it.join().unwrap());
        self.threads.into_iter().for_each(|it| it.join().unwrap());
    }
}

#[process]
fn wait(world: World, millis: Option<u64>) {
    world.wait(millis.map(Duration::from_millis));
}

/// Waits until the state is 4, in a time or as long as it takes: whether it came to that, and how long that took.
#[process]
fn wait_for_four(
    world: World,
    state: &Shared<AtomicU32>,
    limit: Option<Duration>,
) -> (bool, Duration) {
    let start = Instant::now();
    let held = world.lock.lock().unwrap();
    world.sleeping.release();
    let other = |_: &mut ()| state.load(SeqCst) != 4;
    let in_time = match limit {
        None => world.cond.wait_while(held, other).map(|_| true).unwrap(),
        Some(time) => !world.cond.wait_timeout_while(held, time, other).unwrap().1.timed_out(),
    };
    (in_time, start.elapsed())
}

/// Steps the state so many times, each with a notification.
fn step(world: &World, state: &AtomicU32, times: u32) {
    world.sleeping.acquire().forget();
    for _ in 0..times {
        thread::sleep(Duration::from_millis(10));
        let _held = world.lock.lock().unwrap();
        state.fetch_add(1, SeqCst);
        world.cond.notify_one();
    }
}

/// What Python's `test_wait_result` does in a child: nothing comes, nothing comes, then a notification.
#[process]
fn wait_thrice(world: World) -> [bool; 3] {
    let held = world.lock.lock().unwrap();
    let (held, one) = world.cond.wait_timeout(held, Duration::ZERO).unwrap();
    let (held, two) = world.cond.wait_timeout(held, A_WHILE).unwrap();
    world.sleeping.release();
    let (held, three) = world.cond.wait_timeout(held, crate::support::DEADLINE).unwrap();
    drop(held);
    [one, two, three].map(|it| it.timed_out())
}

under_each_method! {
    fn test_notify() {
        let world = World::new();
        let waiters = world.waiters(1, None);
        world.woken_are(0);
        for count in 1..=2 {
            let held = world.lock.lock().unwrap();
            assert_eq!(world.cond.notify_one(), 1);
            drop(held);
            world.woken_are(count);
        }
        waiters.join();
        assert_eq!(world.cond.notify_one(), 0);
    }

    fn test_notify_all() {
        let world = World::new();
        let waiters = world.waiters(3, Some(A_WHILE));
        waiters.join();
        world.woken_are(6);
        // Python looks into its counters here: nobody waits any more.
        assert_eq!(world.cond.notify_all(), 0);
        let world = World { woken: Semaphore::new(0).unwrap(), ..world };
        let waiters = world.waiters(3, None);
        world.woken_are(0);
        let held = world.lock.lock().unwrap();
        assert_eq!(world.cond.notify_all(), 6);
        drop(held);
        waiters.join();
        world.woken_are(6);
    }

    fn test_notify_n() {
        let world = World::new();
        let waiters = world.waiters(3, None);
        world.woken_are(0);
        for (count, notified, woken) in [(2, 2, 2), (4, 4, 6), (3, 0, 6)] {
            let held = world.lock.lock().unwrap();
            assert_eq!(world.cond.notify(count), notified);
            drop(held);
            world.woken_are(woken);
        }
        waiters.join();
    }

    fn test_timeout() {
        let world = World::new();
        let start = Instant::now();
        let held = world.lock.lock().unwrap();
        let (_held, result) = world.cond.wait_timeout(held, A_WHILE).unwrap();
        assert!(result.timed_out());
        assert!(start.elapsed() >= A_WHILE);
    }

    fn test_waitfor() {
        let (world, state) = (World::new(), Shared::new(AtomicU32::new(0)).unwrap());
        let child = wait_for_four::spawn(world.clone(), &state, None).unwrap();
        step(&world, &state, 4);
        assert!(child.join().unwrap().0);
    }

    fn test_waitfor_timeout() {
        let (world, state) = (World::new(), Shared::new(AtomicU32::new(0)).unwrap());
        let child = wait_for_four::spawn(world.clone(), &state, Some(A_WHILE)).unwrap();
        step(&world, &state, 3);
        let (in_time, took) = child.join().unwrap();
        assert!(!in_time);
        assert!(took >= A_WHILE);
    }

    fn test_wait_result() {
        let world = World::new();
        let child = wait_thrice::spawn(world.clone()).unwrap();
        world.sleeping.acquire().forget();
        let held = world.lock.lock().unwrap();
        assert_eq!(world.cond.notify_one(), 1);
        drop(held);
        assert_eq!(child.join().unwrap(), [true, true, false]);
        // Ctrl-C in the middle of a wait: an exception there, an end here, and nobody else is worse off.
        let child = wait::spawn(world.clone(), None).unwrap();
        world.sleeping.acquire().forget();
        drop(world.lock.lock().unwrap());
        until_asleep(child.pid());
        child.interrupt().unwrap();
        let ended = child.join();
        assert!(matches!(ended, Err(JoinError::Signaled(Signal::SIGINT))), "{ended:?}");
        until(|| world.cond.notify_all() == 0);
    }
}
