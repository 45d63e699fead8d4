//! Scenes of `RwLock`: only one who died while it could write leaves doubt, and whoever waits goes on.

use std::time::{Duration, Instant};

use offspring::Shared;
use offspring::sync::{LockError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use crate::DEADLINE;
use crate::compound::Succession;
use crate::helper::Helper;
use crate::scenes::{Entry, Scene, scene, warm};
use crate::victim::{Death, Memory, Victim};

pub(crate) const SCENES: &[Entry] = &[
    scene::<Reading>(),
    scene::<Writing>(),
    scene::<LeavingToOthers>(),
    scene::<EndingForOthers>(),
    scene::<ReadingAgain>(),
    scene::<WaitingToRead>(),
    scene::<WaitingToWrite>(),
    scene::<InVain>(),
    (<Writing as Succession>::NAME, crate::compound::run::<Writing>),
];

/// Two numbers that are equal whenever nobody writes and the data is not in doubt.
type Pair = [u64; 2];
type Lock = RwLock<Pair>;
/// Whether a death was reported.
type Told = bool;

fn set_up() -> Shared<Lock> {
    warm();
    Shared::new(RwLock::new([5, 5])).expect("memory")
}

/// The same, for guards that this process holds across calls; a few hundred pages.
fn leaked(lock: &Shared<Lock>) -> &'static Lock {
    Box::leak(Box::new(lock.clone()))
}

fn change(pair: &mut Pair) {
    pair[0] += 1;
    std::hint::black_box(&mut *pair);
    pair[1] += 1;
}

fn mend(pair: &mut Pair) {
    pair[1] = pair[0];
}

fn taken<G>(result: Result<Option<G>, LockError<G>>) -> (Told, G) {
    match result {
        Ok(Some(guard)) => (false, guard),
        Err(LockError::OwnerDied(guard)) => (true, guard),
        Ok(None) => panic!("the lock never comes"),
        Err(other) => panic!("{other}"),
    }
}

fn check(told: Told, [one, two]: Pair) {
    assert!(one == two || (told && one == two + 1), "{one} {two}, told {told}");
}

/// Whether the victim could write when it died.
fn may_write(lock: &Lock, thread: u32) -> Vec<bool> {
    vec![lock.is_locked_exclusive() && lock.holder_thread() == Some(thread)]
}

fn reader(lock: &Lock) -> Helper {
    Helper::asleep(|| {
        let (told, guard) = taken(lock.try_read_for(DEADLINE));
        check(told, *guard);
        u8::from(told)
    })
}

fn writer(lock: &Lock) -> Helper {
    Helper::asleep(|| {
        let (told, mut guard) = taken(lock.try_write_for(DEADLINE));
        check(told, *guard);
        mend(&mut guard);
        guard.mark_consistent();
        u8::from(told)
    })
}

/// Takes the lock both ways and leaves it healed; how long it took. Without waiting: the kernel gives
/// back what the dead held before they are gone.
fn inherit(lock: &Lock, reported: Told, death: &Death) -> Duration {
    let (told, guard) = taken(lock.try_read());
    let took = death.age();
    assert_eq!(told, reported, "a death is reported exactly when one could write");
    check(told, *guard);
    drop(guard);
    let (told, mut guard) = taken(lock.try_write());
    assert_eq!(told, reported);
    mend(&mut guard);
    guard.mark_consistent();
    drop(guard);
    assert!(lock.try_read().expect("healed").is_some() && lock.readers() == 0);
    took
}

/// All of them go on, and none of them is told of anything; nor is who comes next.
fn all_go_on(sleepers: Vec<Helper>, lock: &Lock, death: &Death) -> Duration {
    assert!(sleepers.into_iter().all(|sleeper| sleeper.end() == 0));
    let took = death.age();
    inherit(lock, false, death);
    took
}

/// Reading, twice at a time, with nobody else about.
struct Reading(Shared<Lock>);

impl Scene for Reading {
    const NAME: &'static str = "rwlock: read twice, leave";

    fn set() -> Self {
        Self(set_up())
    }
    fn memory(&self) -> Memory {
        Memory::of(&*self.0)
    }
    fn start(&self) -> Victim {
        Victim::new(
            || (),
            |(), _| {
                let guards = (self.0.read().unwrap(), self.0.read().unwrap());
                assert_eq!(guards.0[0], guards.1[1]);
            },
        )
    }
    fn aftermath(self, death: &Death) -> Duration {
        inherit(&self.0, false, death)
    }
}

/// Writing, with nobody else about.
struct Writing(Shared<Lock>);

impl Scene for Writing {
    const NAME: &'static str = "rwlock: write, change, leave";

    fn set() -> Self {
        Self(set_up())
    }
    fn memory(&self) -> Memory {
        Memory::of(&*self.0)
    }
    fn holds(&self, thread: u32) -> Vec<bool> {
        may_write(&self.0, thread)
    }
    fn start(&self) -> Victim {
        Victim::new(|| (), |(), _| change(&mut self.0.write().unwrap()))
    }
    fn aftermath(self, death: &Death) -> Duration {
        let took = inherit(&self.0, death.held[0], death);
        let [value, _] = *self.0.read().unwrap();
        let all = death.had[0] && !death.held[0];
        assert!(if all { value == 6 } else { value == 5 || (death.held[0] && value == 6) });
        took
    }
}

impl Succession for Writing {
    const NAME: &'static str = "rwlock: two deaths of writers in a row";

    fn successor(&self, first: &Death) -> Victim {
        let lock = &self.0;
        let held = first.held[0];
        Victim::new(
            || (),
            move |(), _| match lock.write() {
                Ok(guard) if !held => drop(guard),
                Err(died) if held => drop(died.recover(mend).unwrap()),
                other => panic!("{other:?}"),
            },
        )
    }
    fn after_both(self, first: &Death, second: &Death) -> Duration {
        // In doubt before, and not yet mended and given back; or the second one died with it.
        let finished = second.had[0] && !second.held[0];
        inherit(&self.0, second.held[0] || (first.held[0] && !finished), second)
    }
}

/// A reader gives back what a writer sleeps for, and another reader behind that.
struct LeavingToOthers(Shared<Lock>, Vec<Helper>);

impl Scene for LeavingToOthers {
    const NAME: &'static str = "rwlock: last reader leaves, a writer and a reader asleep";

    fn set() -> Self {
        Self(set_up(), Vec::new())
    }
    fn memory(&self) -> Memory {
        Memory::of(&*self.0)
    }
    fn start(&self) -> Victim {
        Victim::new(|| self.0.read().unwrap(), |guard, _| drop(guard))
    }
    fn victim_is_ready(&mut self, _victim: &Victim) {
        self.1 = vec![writer(&self.0), reader(&self.0)];
    }
    fn aftermath(self, death: &Death) -> Duration {
        all_go_on(self.1, &self.0, death)
    }
}

/// A writer gives back what others sleep for.
struct EndingForOthers(Shared<Lock>, Vec<Helper>);

impl Scene for EndingForOthers {
    const NAME: &'static str = "rwlock: writer leaves, two readers and a writer asleep";

    fn set() -> Self {
        Self(set_up(), Vec::new())
    }
    fn memory(&self) -> Memory {
        Memory::of(&*self.0)
    }
    fn holds(&self, thread: u32) -> Vec<bool> {
        may_write(&self.0, thread)
    }
    fn start(&self) -> Victim {
        Victim::new(|| self.0.write().unwrap(), |guard, _| drop(guard))
    }
    fn victim_is_ready(&mut self, _victim: &Victim) {
        self.1 = vec![reader(&self.0), writer(&self.0), reader(&self.0)];
    }
    fn aftermath(self, death: &Death) -> Duration {
        let told: u8 = self.1.into_iter().map(Helper::end).sum();
        let took = death.age();
        // One of them is the first, and the writer heals it.
        assert_eq!(told > 0, death.held[0]);
        inherit(&self.0, false, death);
        took
    }
}

/// A reader reads once more while a writer waits for it.
struct ReadingAgain(Shared<Lock>, Vec<Helper>);

impl Scene for ReadingAgain {
    const NAME: &'static str = "rwlock: read again before a sleeping writer, leave";

    fn set() -> Self {
        Self(set_up(), Vec::new())
    }
    fn memory(&self) -> Memory {
        Memory::of(&*self.0)
    }
    fn start(&self) -> Victim {
        let read = || self.0.read().unwrap();
        Victim::new(read, move |guard, _| drop((guard, read())))
    }
    fn victim_is_ready(&mut self, _victim: &Victim) {
        self.1 = vec![writer(&self.0)];
    }
    fn aftermath(self, death: &Death) -> Duration {
        all_go_on(self.1, &self.0, death)
    }
}

/// A reader waits until this process has written, between others.
struct WaitingToRead {
    lock: Shared<Lock>,
    writing: Option<RwLockWriteGuard<'static, Pair>>,
    sleepers: Vec<Helper>,
}

impl Scene for WaitingToRead {
    const NAME: &'static str = "rwlock: read, asleep behind a writer, between others";
    const UNBLOCK: Option<fn(&mut Self)> = Some(|scene| {
        if scene.writing.is_some() {
            scene.sleepers.push(reader(&scene.lock));
            scene.writing = None;
        }
    });

    fn set() -> Self {
        let lock = set_up();
        let writing = Some(leaked(&lock).write().unwrap());
        Self { lock, writing, sleepers: Vec::new() }
    }
    fn memory(&self) -> Memory {
        Memory::of(&*self.lock)
    }
    fn start(&self) -> Victim {
        Victim::new(|| (), |(), _| assert_eq!(*self.lock.read().unwrap(), [5, 5]))
    }
    fn victim_is_ready(&mut self, _victim: &Victim) {
        self.sleepers.push(writer(&self.lock));
    }
    fn aftermath(mut self, death: &Death) -> Duration {
        self.writing = None;
        all_go_on(self.sleepers, &self.lock, death)
    }
}

/// A writer waits until this process has read, and a reader behind it.
struct WaitingToWrite {
    lock: Shared<Lock>,
    reading: Option<RwLockReadGuard<'static, Pair>>,
    sleeper: Option<Helper>,
}

impl Scene for WaitingToWrite {
    const NAME: &'static str = "rwlock: write, asleep behind a reader, before another";
    const UNBLOCK: Option<fn(&mut Self)> = Some(|scene| {
        if scene.reading.is_some() {
            scene.sleeper = Some(reader(&scene.lock));
            scene.reading = None;
        }
    });

    fn set() -> Self {
        let lock = set_up();
        let reading = Some(leaked(&lock).read().unwrap());
        Self { lock, reading, sleeper: None }
    }
    fn memory(&self) -> Memory {
        Memory::of(&*self.lock)
    }
    fn holds(&self, thread: u32) -> Vec<bool> {
        may_write(&self.lock, thread)
    }
    fn start(&self) -> Victim {
        Victim::new(|| (), |(), _| change(&mut self.lock.write().unwrap()))
    }
    fn aftermath(mut self, death: &Death) -> Duration {
        // What the victim asked for is in nobody's way any more.
        let newcomer = Helper::new(|| u8::from(taken(self.lock.try_read_for(DEADLINE)).0));
        let told = [Some(newcomer), self.sleeper].map(|it| it.map_or(0, Helper::end));
        assert_eq!(told.contains(&1), death.held[0]);
        let took = death.age();
        self.reading = None;
        inherit(&self.lock, death.held[0], death);
        took
    }
}

/// A writer waits for a while only, while this process reads.
struct InVain(Shared<Lock>, Option<RwLockReadGuard<'static, Pair>>);

impl Scene for InVain {
    const NAME: &'static str = "rwlock: try_write and try_write_for in vain";

    fn set() -> Self {
        let lock = set_up();
        let reading = Some(leaked(&lock).read().unwrap());
        Self(lock, reading)
    }
    fn memory(&self) -> Memory {
        Memory::of(&*self.0)
    }
    fn start(&self) -> Victim {
        Victim::new(
            || (),
            |(), _| {
                assert!(self.0.try_write().unwrap().is_none());
                assert!(self.0.try_write_for(Duration::from_millis(50)).unwrap().is_none());
            },
        )
    }
    fn aftermath(mut self, death: &Death) -> Duration {
        let newcomer = Helper::new(|| u8::from(taken(self.0.try_read()).0));
        assert_eq!(newcomer.end(), 0);
        let took = death.age();
        let sleeper = writer(&self.0);
        let start = Instant::now();
        self.1 = None;
        assert_eq!(sleeper.end(), 0);
        let took = took.max(start.elapsed());
        inherit(&self.0, false, death);
        took
    }
}
