//! Scenes of `Mutex`: a survivor gets every lock, is told of a death exactly when the victim held it, and finds data that
//! is whole or reported to be in doubt.

use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::SeqCst;
use std::time::{Duration, Instant};

use offspring::Shared;
use offspring::sync::{LockError, Mutex, MutexGuard};

use crate::DEADLINE;
use crate::compound::Succession;
use crate::helper::Helper;
use crate::scenes::{Entry, Scene, scene, warm};
use crate::victim::{Death, Memory, Victim};

pub(crate) const SCENES: &[Entry] = &[
    scene::<Alone>(),
    scene::<HandOverHand>(),
    scene::<WakingOthers>(),
    scene::<Waiting>(),
    scene::<InVain>(),
    scene::<BehindTheDead>(),
    scene::<Mending>(),
    (<Alone as Succession>::NAME, crate::compound::run::<Alone>),
];

/// The owner's part of a lock's first word.
const TID_MASK: u32 = 0x3fff_ffff;

/// Two numbers that are equal whenever the lock is free and its data not in doubt.
type Pair = [u64; 2];
type Lock = Mutex<Pair>;

/// Fresh locks, in a process whose children have nothing left to do for the first time when they take one.
fn set_up(count: usize) -> Shared<[Lock]> {
    warm();
    set_up_cold(count)
}

fn set_up_cold(count: usize) -> Shared<[Lock]> {
    Shared::from_fn(count, |_| Mutex::new([5, 5])).expect("memory")
}

/// Whether the thread has this lock; `Mutex::holder` would read a file at each instruction.
fn has(lock: &Lock, thread: u32) -> bool {
    // SAFETY: a lock begins with its word (`sync::raw`), and is borrowed.
    let word = unsafe { &*std::ptr::from_ref(lock).cast::<AtomicU32>() };
    word.load(SeqCst) & TID_MASK == thread
}

fn which(locks: &[Lock], thread: u32) -> Vec<bool> {
    locks.iter().map(|lock| has(lock, thread)).collect()
}

/// Changes the data so that a death in the middle shows.
fn change(pair: &mut Pair) {
    pair[0] += 1;
    std::hint::black_box(&mut *pair);
    pair[1] += 1;
}

fn mend(pair: &mut Pair) {
    pair[1] = pair[0];
}

/// What a survivor gets: whether it was told of a death, and the guard.
fn taken<'a>(
    result: Result<Option<MutexGuard<'a, Pair>>, LockError<MutexGuard<'a, Pair>>>,
) -> (bool, MutexGuard<'a, Pair>) {
    match result {
        Ok(Some(guard)) => (false, guard),
        Err(LockError::OwnerDied(guard)) => (true, guard),
        Ok(None) => panic!("the lock never comes"),
        Err(other) => panic!("{other}"),
    }
}

/// Takes a lock and leaves it healed; whether a death was reported, and how long it took since then. Without waiting:
/// the kernel gives back what the dead held before they are gone.
fn inherit(lock: &Lock, death: &Death) -> (bool, Duration) {
    let (told, mut guard) = taken(lock.try_lock());
    let took = death.age();
    if told {
        let [one, two] = *guard;
        assert!(one == two || one == two + 1, "{guard:?}");
        mend(&mut guard);
        guard.mark_consistent();
    }
    assert_eq!(guard[0], guard[1], "the data is whole");
    drop(guard);
    let (again, guard) = taken(lock.try_lock());
    assert!(!again, "a healed lock is healed");
    assert_eq!(guard[0], guard[1]);
    (told, took)
}

/// `inherit` by one who knows whether a death must be reported.
fn inherit_as(lock: &Lock, reported: bool, death: &Death) -> Duration {
    let (told, took) = inherit(lock, death);
    assert_eq!(told, reported, "a death is reported exactly when the lock was held");
    took
}

/// The lock was the victim's, and it has given it back.
fn finished(death: &Death) -> bool {
    death.had[0] && !death.held[0]
}

/// Somebody who sleeps until it gets the lock, mends what has to be mended, and says whether that was so.
fn sleeper(lock: &Lock) -> Helper {
    Helper::asleep(|| {
        let (told, mut guard) = taken(lock.try_lock_for(DEADLINE));
        if told {
            mend(&mut guard);
            guard.mark_consistent();
        }
        assert_eq!(guard[0], guard[1]);
        u8::from(told)
    })
}

/// All sleepers end, and the death is reported once if it has to be: to one of them, or, when all of them have had
/// their turn before it, to whoever comes next.
fn all_wake(sleepers: Vec<Helper>, lock: &Lock, reported: bool, death: &Death) -> Duration {
    let told: u8 = sleepers.into_iter().map(Helper::end).sum();
    let took = death.age();
    assert!(told <= u8::from(reported), "a death is reported exactly when the lock was held");
    inherit_as(lock, reported && told == 0, death);
    took
}

/// Take, change, give back, with nobody else about.
struct Alone(Shared<[Lock]>);

impl Scene for Alone {
    const NAME: &'static str = "mutex: lock, change, unlock";

    fn set() -> Self {
        Self(set_up(1))
    }
    fn memory(&self) -> Memory {
        Memory::of(&*self.0)
    }
    fn start(&self) -> Victim {
        Victim::new(|| (), |(), _| change(&mut self.0[0].lock().unwrap()))
    }
    fn holds(&self, thread: u32) -> Vec<bool> {
        which(&self.0, thread)
    }
    fn aftermath(self, death: &Death) -> Duration {
        let took = inherit_as(&self.0[0], death.held[0], death);
        let [value, _] = *self.0[0].lock().unwrap();
        let all = finished(death);
        assert!(if all { value == 6 } else { value == 5 || (death.held[0] && value == 6) });
        took
    }
}

impl Succession for Alone {
    const NAME: &'static str = "mutex: two deaths in a row";

    fn successor(&self, first: &Death) -> Victim {
        let lock = &self.0[0];
        let held = first.held[0];
        Victim::new(
            || (),
            move |(), _| match lock.lock() {
                Ok(guard) if !held => drop(guard),
                Err(died) if held => drop(died.recover(mend).unwrap()),
                other => panic!("{other:?}"),
            },
        )
    }
    fn after_both(self, first: &Death, second: &Death) -> Duration {
        // In doubt before, and not yet mended and given back; or the second one died with it.
        let reported = second.held[0] || (first.held[0] && !finished(second));
        inherit_as(&self.0[0], reported, second)
    }
}

/// The same, and it is the first lock that the process ever takes. The survivors are children, so that this process
/// takes none either, which the next victim would inherit.
pub(crate) struct First(Alone);

impl Scene for First {
    const NAME: &'static str = "mutex: first lock of a process, change, unlock";

    fn set() -> Self {
        Self(Alone(set_up_cold(1)))
    }
    fn memory(&self) -> Memory {
        self.0.memory()
    }
    fn start(&self) -> Victim {
        self.0.start()
    }
    fn holds(&self, thread: u32) -> Vec<bool> {
        self.0.holds(thread)
    }
    fn aftermath(self, death: &Death) -> Duration {
        let survivor = Helper::new(|| {
            self.0.aftermath(death);
            0
        });
        assert_eq!(survivor.end(), 0);
        death.age()
    }
}

/// Several locks at a time, given back in another order than they were taken.
struct HandOverHand(Shared<[Lock]>);

impl Scene for HandOverHand {
    const NAME: &'static str = "mutex: three locks, hand over hand";

    fn set() -> Self {
        Self(set_up(3))
    }
    fn memory(&self) -> Memory {
        Memory::of(&*self.0)
    }
    fn start(&self) -> Victim {
        Victim::new(
            || (),
            |(), _| {
                let mut first = self.0[0].lock().unwrap();
                let second = self.0[1].try_lock().unwrap().expect("nobody else is about");
                change(&mut first);
                drop(first);
                let third =
                    self.0[2].try_lock_for(DEADLINE).unwrap().expect("nobody else is about");
                drop(second);
                drop(third);
            },
        )
    }
    fn holds(&self, thread: u32) -> Vec<bool> {
        which(&self.0, thread)
    }
    fn aftermath(self, death: &Death) -> Duration {
        let all = self.0.iter().zip(&death.held).map(|(lock, held)| inherit_as(lock, *held, death));
        all.max().expect("three locks")
    }
}

/// Giving back a lock that two others sleep for.
struct WakingOthers {
    locks: Shared<[Lock]>,
    sleepers: Vec<Helper>,
}

impl Scene for WakingOthers {
    const NAME: &'static str = "mutex: unlock with two asleep";

    fn set() -> Self {
        Self { locks: set_up(1), sleepers: Vec::new() }
    }
    fn memory(&self) -> Memory {
        Memory::of(&*self.locks)
    }
    fn start(&self) -> Victim {
        Victim::new(|| self.locks[0].lock().unwrap(), |guard, _| drop(guard))
    }
    fn holds(&self, thread: u32) -> Vec<bool> {
        which(&self.locks, thread)
    }
    fn victim_is_ready(&mut self, _victim: &Victim) {
        self.sleepers = (0..2).map(|_| sleeper(&self.locks[0])).collect();
    }
    fn aftermath(self, death: &Death) -> Duration {
        all_wake(self.sleepers, &self.locks[0], death.held[0], death)
    }
}

/// This process holds the lock, and others sleep for it.
struct Taken {
    locks: Shared<[Lock]>,
    holder: Option<MutexGuard<'static, Pair>>,
    sleepers: Vec<Helper>,
}

impl Taken {
    fn new() -> Self {
        let locks = set_up(1);
        // Leaked, so that this process can hold the lock across calls; a few hundred pages.
        let lock: &'static Shared<[Lock]> = Box::leak(Box::new(locks.clone()));
        Self { locks, holder: Some(lock[0].lock().unwrap()), sleepers: Vec::new() }
    }
    fn one_more(&mut self) {
        self.sleepers.push(sleeper(&self.locks[0]));
    }
    fn release(mut self, death: &Death) -> Duration {
        self.holder = None;
        all_wake(self.sleepers, &self.locks[0], death.held[0], death)
    }
}

/// Taking a lock that is held, between two others who want it: going to sleep, being woken, taking it.
struct Waiting(Taken);

impl Scene for Waiting {
    const NAME: &'static str = "mutex: lock, asleep before it, between two others";
    const UNBLOCK: Option<fn(&mut Self)> = Some(|Self(scene)| {
        if scene.holder.is_some() {
            scene.one_more();
            scene.holder = None;
        }
    });

    fn set() -> Self {
        Self(Taken::new())
    }
    fn memory(&self) -> Memory {
        Memory::of(&*self.0.locks)
    }
    fn start(&self) -> Victim {
        Victim::new(|| (), |(), _| change(&mut self.0.locks[0].lock().unwrap()))
    }
    fn holds(&self, thread: u32) -> Vec<bool> {
        which(&self.0.locks, thread)
    }
    fn victim_is_ready(&mut self, _victim: &Victim) {
        self.0.one_more();
    }
    fn aftermath(self, death: &Death) -> Duration {
        self.0.release(death)
    }
}

/// Trying, and waiting a while, for a lock that is not given back.
struct InVain(Taken);

impl Scene for InVain {
    const NAME: &'static str = "mutex: try_lock and try_lock_for in vain, before another one";

    fn set() -> Self {
        Self(Taken::new())
    }
    fn memory(&self) -> Memory {
        Memory::of(&*self.0.locks)
    }
    fn start(&self) -> Victim {
        let lock = &self.0.locks[0];
        Victim::new(
            || (),
            |(), _| {
                assert!(lock.try_lock().unwrap().is_none());
                assert!(lock.try_lock_for(Duration::from_millis(50)).unwrap().is_none());
            },
        )
    }
    fn aftermath(mut self, _death: &Death) -> Duration {
        // Only now: nobody but the victim has said that somebody sleeps.
        assert!(self.0.locks[0].is_locked() && self.0.locks[0].is_consistent());
        self.0.one_more();
        let start = Instant::now();
        self.0.holder = None;
        assert!(self.0.sleepers.into_iter().all(|sleeper| sleeper.end() == 0));
        start.elapsed()
    }
}

/// Taking over from a holder who dies while the victim sleeps, and another one after the victim.
struct BehindTheDead {
    locks: Shared<[Lock]>,
    holder: Option<Helper>,
    sleeper: Option<Helper>,
}

impl BehindTheDead {
    fn kill_holder(&mut self) {
        if let Some(holder) = self.holder.take() {
            self.sleeper = Some(sleeper(&self.locks[0]));
            holder.kill();
        }
    }
}

impl Scene for BehindTheDead {
    const NAME: &'static str = "mutex: lock, asleep, its holder killed";
    const UNBLOCK: Option<fn(&mut Self)> = Some(Self::kill_holder);

    fn set() -> Self {
        let locks = set_up(1);
        let holder = Helper::with(|| {
            let mut guard = locks[0].lock().unwrap();
            guard[0] += 1;
            guard
        });
        Self { locks, holder: Some(holder), sleeper: None }
    }
    fn memory(&self) -> Memory {
        Memory::of(&*self.locks)
    }
    fn start(&self) -> Victim {
        Victim::new(
            || (),
            |(), steps| {
                let guard = self.locks[0].lock().or_else(|error| {
                    steps.done(1);
                    error.recover(mend)
                });
                change(&mut guard.unwrap());
            },
        )
    }
    fn holds(&self, thread: u32) -> Vec<bool> {
        which(&self.locks, thread)
    }
    fn aftermath(mut self, death: &Death) -> Duration {
        self.kill_holder();
        let told = self.sleeper.expect("started with the holder's end").end();
        let took = death.age();
        let (last, _) = inherit(&self.locks[0], death);
        let reports = told + u8::from(last);
        match (death.held[0], finished(death)) {
            // The sleeper may have been told of the holder before the victim had its turn.
            (true, _) => assert!(last || told == 1, "the victim's death is not reported"),
            // The victim was told, or whoever came before it.
            (_, true) => assert!(reports <= 1, "a death is reported once"),
            _ => assert_eq!(reports, 1, "the holder's death is reported once"),
        }
        took
    }
}

/// Taking over what a dead holder left half changed, mending it, and giving it back.
struct Mending(Shared<[Lock]>);

impl Scene for Mending {
    const NAME: &'static str = "mutex: take over from the dead, mend, unlock";

    fn set() -> Self {
        let locks = set_up(1);
        let dead = Helper::new(|| {
            let mut guard = locks[0].lock().unwrap();
            guard[0] += 1;
            std::mem::forget(guard);
            0
        });
        assert_eq!(dead.end(), 0);
        Self(locks)
    }
    fn memory(&self) -> Memory {
        Memory::of(&*self.0)
    }
    fn start(&self) -> Victim {
        Victim::new(|| (), |(), _| drop(self.0[0].lock().unwrap_err().recover(mend).unwrap()))
    }
    fn holds(&self, thread: u32) -> Vec<bool> {
        which(&self.0, thread)
    }
    fn aftermath(self, death: &Death) -> Duration {
        inherit_as(&self.0[0], !finished(death), death)
    }
}
