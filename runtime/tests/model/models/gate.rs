//! `Gate`: whoever is asleep at its bell, or wants to go in, is woken by whoever goes out, or by the death of that one at any step.
//!
//! As a queue has it (`channel::wait`): who puts goes through one gate, who takes through another, and sleeps at the bell of
//! the first; of those who wait, one at a time does so.

use real::cell::Cell;

use super::World;
use crate::kernel::{self, Ended, Thread, spawn, spawn_mortal};
use crate::locks::gate::Gate;
use crate::locks::patience::{NAP, Patience};
use crate::locks::raw::RawLock;
use crate::sync::atomic::AtomicU32;
use crate::sync::atomic::Ordering::SeqCst;

struct Queue {
    put: Gate,
    take: Gate,
    turn: RawLock,
    /// How many were ever put, and taken.
    tail: AtomicU32,
    head: AtomicU32,
    closed: AtomicU32,
    /// Who is inside of the gate for putting, according to themselves.
    inside: Cell<u32>,
}

fn queue() -> World<Queue> {
    let [put, take] = [Gate::new(), Gate::new()];
    let [tail, head, closed] = [0; 3].map(AtomicU32::new);
    World::new(Queue { put, take, turn: RawLock::new(), tail, head, closed, inside: Cell::new(0) })
}

impl Queue {
    fn put(&self) {
        let inside = self.put.enter(Patience::Endless).expect("nothing is in the way");
        let before = self.inside.replace(kernel::tid());
        assert!(before == 0 || kernel::is_dead(before), "two at a time");
        kernel::point();
        self.tail.store(self.tail.load(SeqCst) + 1, SeqCst);
        self.inside.set(0);
        drop(inside);
    }

    fn close(&self) {
        let _take = self.take.enter(Patience::Endless).expect("nothing is in the way");
        let _put = self.put.enter(Patience::Endless).expect("nothing is in the way");
        self.closed.store(1, SeqCst);
    }

    fn has_item(&self) -> bool {
        self.tail.load(SeqCst) > self.head.load(SeqCst)
    }

    fn is_ready(&self) -> bool {
        self.has_item() || self.closed.load(SeqCst) != 0
    }

    /// Whether there was one.
    fn try_take(&self) -> bool {
        let _inside = self.take.enter(Patience::Endless).expect("nothing is in the way");
        let has = self.has_item();
        if has {
            self.head.store(self.head.load(SeqCst) + 1, SeqCst);
        }
        has
    }

    /// Waits for an item, or the end.
    fn take(&self) {
        if self.has_item() && self.try_take() {
            return;
        }
        let held = self.turn.lock(Patience::Endless).expect("nothing is in the way");
        while !(self.has_item() && self.try_take()) {
            if self.closed.load(SeqCst) != 0 {
                break;
            }
            if self.put.sleep(&[], || !self.is_ready(), NAP) {
                self.put.finish_waking();
            }
        }
        self.turn.unlock(held);
        self.put.finish_waking();
    }

    fn left(&self) -> u32 {
        self.tail.load(SeqCst) - self.head.load(SeqCst)
    }
}

/// Puts, as long as some of these wait.
fn serve(queue: World<Queue>, takers: Vec<Thread>) {
    for _ in &takers {
        queue.put();
    }
    for taker in takers {
        taker.join();
    }
}

/// Two who want something, and one who dies while it puts. What it has put wakes somebody, also when it could not say so.
pub(crate) fn mortal_putter() {
    let queue = queue();
    let taker = spawn(move || queue.take());
    let putter = spawn_mortal(move || queue.put());
    let other = spawn(move || queue.take());
    if putter.join() == Ended::Killed && queue.tail.load(SeqCst) == 0 {
        queue.put();
    }
    // One of them had it; the other one gets this.
    queue.put();
    taker.join();
    other.join();
    assert_eq!(queue.left(), 0);
}

/// The one who was woken dies before it has taken anything, or after that.
pub(crate) fn mortal_taker() {
    let queue = queue();
    let mortal = spawn_mortal(move || queue.take());
    let taker = spawn(move || queue.take());
    let putter = spawn(move || (0..2).for_each(|_| queue.put()));
    putter.join();
    taker.join();
    mortal.join();
    assert!(queue.left() <= 1);
}

/// One wants to go in, and another sleeps at the bell, when the one who is inside dies.
pub(crate) fn both_kinds() {
    let queue = queue();
    let takers = vec![spawn(move || queue.take()), spawn(move || queue.take())];
    let mortal = spawn_mortal(move || (0..2).for_each(|_| queue.put()));
    let putter = spawn(move || queue.put());
    mortal.join();
    putter.join();
    serve(queue, takers);
    assert!(queue.left() <= 3);
}

/// Two sleep when it is closed by one who dies.
pub(crate) fn mortal_closer() {
    let queue = queue();
    let takers = [spawn(move || queue.take()), spawn(move || queue.take())];
    let closer = spawn_mortal(move || queue.close());
    if closer.join() == Ended::Killed && queue.closed.load(SeqCst) == 0 {
        queue.close();
    }
    takers.into_iter().for_each(|taker| assert_eq!(taker.join(), Ended::Well));
}
