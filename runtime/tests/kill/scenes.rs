//! What the victim is doing when it dies, and what the survivors must find.

use std::sync::Once;
use std::time::{Duration, Instant};

use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::Pid;
use offspring::Shared;
use offspring::sync::{LockError, Mutex, MutexGuard};

use crate::DEADLINE;
use crate::victim::{Death, Victim, child, is_asleep};

/// Two numbers that are equal whenever the lock is free and its data not in doubt.
pub(crate) type Pair = [u64; 2];
pub(crate) type Lock = Mutex<Pair>;

/// An operation, the world around it, and what must be true after a death in the middle of it.
pub(crate) trait Scene: Sized {
    const NAME: &'static str;
    /// What to do when the victim sleeps in the kernel; `None` when it never does.
    const UNBLOCK: Option<fn(&mut Self)> = None;

    /// Fresh shared memory.
    fn set() -> Self;
    /// The victim, standing before the operation.
    fn start(&self) -> Victim;
    /// The locks that the operation is about.
    fn locks(&self) -> Vec<&Lock>;
    /// The victim stands before the operation: others may take their places.
    fn victim_is_ready(&mut self, _victim: &Victim) {}
    /// The victim is dead. Panics if what is left is not as it must be; says how long the slowest survivor took.
    fn aftermath(self, death: &Death) -> Duration;
}

pub(crate) fn set_up(count: usize, data: Pair) -> Shared<[Lock]> {
    Shared::from_fn(count, |_| Mutex::new(data)).expect("memory")
}

/// As `set_up`, in a process whose children have nothing left to do for the first time when they take a lock.
fn set_up_warm(count: usize, data: Pair) -> Shared<[Lock]> {
    static WARM: Once = Once::new();
    WARM.call_once(|| {
        let lock = set_up(1, data);
        let _guard = lock[0].lock().unwrap();
        // A waiter, for what is done only by those who find a lock taken.
        let status = waitpid(child(|| assert!(lock[0].try_lock().unwrap().is_none())), None);
        assert!(matches!(status, Ok(WaitStatus::Exited(_, 0))));
    });
    set_up(count, data)
}

/// Changes the data so that a death in the middle shows.
pub(crate) fn change(pair: &mut Pair) {
    pair[0] += 1;
    std::hint::black_box(&mut *pair);
    pair[1] += 1;
}

pub(crate) fn mend(pair: &mut Pair) {
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

/// Takes a lock as a survivor who knows whether a death must be reported, and leaves it healed. Without waiting: the
/// kernel gives back what the dead held before they are gone.
pub(crate) fn inherit(lock: &Lock, reported: bool) -> Duration {
    let start = Instant::now();
    let (told, mut guard) = taken(lock.try_lock());
    let took = start.elapsed();
    assert_eq!(told, reported, "a death is reported exactly when the lock was held");
    if told {
        let [one, two] = *guard;
        assert!(one == two || one == two + 1, "{guard:?}");
        mend(&mut guard);
        guard.mark_consistent();
    }
    assert_eq!(guard[0], guard[1], "the data is whole");
    drop(guard);
    let (told, guard) = taken(lock.try_lock());
    assert!(!told, "a healed lock is healed");
    assert_eq!(guard[0], guard[1]);
    took
}

/// Take, change, give back, with nobody else about.
pub(crate) struct Alone(Shared<[Lock]>);

impl Scene for Alone {
    const NAME: &'static str = "lock, change, unlock";

    fn set() -> Self {
        Self(set_up_warm(1, [5, 5]))
    }
    fn start(&self) -> Victim {
        Victim::new(|| (), |()| change(&mut self.0[0].lock().unwrap()))
    }
    fn locks(&self) -> Vec<&Lock> {
        self.0.iter().collect()
    }
    fn aftermath(self, death: &Death) -> Duration {
        let took = inherit(&self.0[0], death.held[0]);
        let [value, _] = *self.0[0].lock().unwrap();
        let finished = death.had[0] && !death.held[0];
        assert!(if finished { value == 6 } else { value == 5 || (death.held[0] && value == 6) });
        took
    }
}

/// The same, and it is the first lock that the process ever takes. The survivors are children, so that this process
/// takes none either, which the next victim would inherit.
pub(crate) struct First(Alone);

impl Scene for First {
    const NAME: &'static str = "first lock of a process, change, unlock";

    fn set() -> Self {
        Self(Alone(set_up(1, [5, 5])))
    }
    fn start(&self) -> Victim {
        self.0.start()
    }
    fn locks(&self) -> Vec<&Lock> {
        self.0.locks()
    }
    fn aftermath(self, death: &Death) -> Duration {
        let start = Instant::now();
        let survivor = child(|| {
            let _ = self.0.aftermath(death);
        });
        let status = waitpid(survivor, None).expect("a child of ours");
        assert_eq!(status, WaitStatus::Exited(survivor, 0), "the survivor says why");
        start.elapsed()
    }
}

/// Several locks at a time, given back in another order than they were taken.
pub(crate) struct HandOverHand(Shared<[Lock]>);

impl Scene for HandOverHand {
    const NAME: &'static str = "three locks, hand over hand";

    fn set() -> Self {
        Self(set_up_warm(3, [5, 5]))
    }
    fn start(&self) -> Victim {
        Victim::new(
            || (),
            |()| {
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
    fn locks(&self) -> Vec<&Lock> {
        self.0.iter().collect()
    }
    fn aftermath(self, death: &Death) -> Duration {
        let all = self.0.iter().zip(&death.held).map(|(lock, held)| inherit(lock, *held));
        all.max().expect("three locks")
    }
}

/// Somebody who sleeps until it gets the lock, and ends badly if it is told something else than it should be.
struct Sleeper(Pid);

impl Sleeper {
    /// Ends with code 0 if it got the lock without, and 3 if it got it with the report of a death.
    fn new(lock: &Lock) -> Self {
        let pid = child(|| {
            let (told, mut guard) = taken(lock.try_lock_for(DEADLINE));
            if told {
                mend(&mut guard);
                guard.mark_consistent();
                drop(guard);
                // SAFETY: ends this child.
                unsafe { nix::libc::_exit(3) };
            }
            assert_eq!(guard[0], guard[1]);
        });
        let start = Instant::now();
        while !is_asleep(pid) {
            assert!(start.elapsed() < DEADLINE, "the sleeper never sleeps");
            std::thread::yield_now();
        }
        Self(pid)
    }

    /// Waits for its end: whether it was told of a death.
    fn was_told(self) -> bool {
        match waitpid(self.0, None).expect("a child of ours") {
            WaitStatus::Exited(_, 0) => false,
            WaitStatus::Exited(_, 3) => true,
            other => panic!("a sleeper failed: {other:?}"),
        }
    }
}

/// All sleepers end, and the death is reported once if it has to be: to one of them, or, when all of them have had
/// their turn before it, to whoever comes next.
fn all_wake(sleepers: Vec<Sleeper>, lock: &Lock, reported: bool) -> Duration {
    let start = Instant::now();
    let told = sleepers.into_iter().map(Sleeper::was_told).filter(|told| *told).count();
    let took = start.elapsed();
    assert!(told <= usize::from(reported), "a death is reported exactly when the lock was held");
    took.max(inherit(lock, reported && told == 0))
}

/// Giving back a lock that two others sleep for.
pub(crate) struct WakingOthers {
    locks: Shared<[Lock]>,
    sleepers: Vec<Sleeper>,
}

impl Scene for WakingOthers {
    const NAME: &'static str = "unlock with two asleep";

    fn set() -> Self {
        Self { locks: set_up_warm(1, [5, 5]), sleepers: Vec::new() }
    }
    fn start(&self) -> Victim {
        Victim::new(|| self.locks[0].lock().unwrap(), drop)
    }
    fn locks(&self) -> Vec<&Lock> {
        self.locks.iter().collect()
    }
    fn victim_is_ready(&mut self, _victim: &Victim) {
        self.sleepers = (0..2).map(|_| Sleeper::new(&self.locks[0])).collect();
    }
    fn aftermath(self, death: &Death) -> Duration {
        all_wake(self.sleepers, &self.locks[0], death.held[0])
    }
}

/// Taking a lock that is held, between two others who want it: going to sleep, being woken, taking it.
pub(crate) struct Waiting {
    locks: Shared<[Lock]>,
    holder: Option<MutexGuard<'static, Pair>>,
    sleepers: Vec<Sleeper>,
}

impl Scene for Waiting {
    const NAME: &'static str = "lock, asleep before it";
    const UNBLOCK: Option<fn(&mut Self)> = Some(|scene| {
        if scene.holder.is_some() {
            scene.sleepers.push(Sleeper::new(&scene.locks[0]));
            scene.holder = None;
        }
    });

    fn set() -> Self {
        let locks = set_up_warm(1, [5, 5]);
        // Leaked, so that this process can hold the lock across calls; a few hundred pages.
        let lock: &'static Shared<[Lock]> = Box::leak(Box::new(locks.clone()));
        Self { locks, holder: Some(lock[0].lock().unwrap()), sleepers: Vec::new() }
    }
    fn start(&self) -> Victim {
        Victim::new(|| (), |()| change(&mut self.locks[0].lock().unwrap()))
    }
    fn locks(&self) -> Vec<&Lock> {
        self.locks.iter().collect()
    }
    fn victim_is_ready(&mut self, _victim: &Victim) {
        self.sleepers.push(Sleeper::new(&self.locks[0]));
    }
    fn aftermath(mut self, death: &Death) -> Duration {
        self.holder = None;
        all_wake(self.sleepers, &self.locks[0], death.held[0])
    }
}

/// Taking over what a dead holder left half changed, mending it, and giving it back.
pub(crate) struct Mending(Shared<[Lock]>);

impl Scene for Mending {
    const NAME: &'static str = "take over from the dead, mend, unlock";

    fn set() -> Self {
        let locks = set_up_warm(1, [5, 5]);
        let dead = child(|| {
            let mut guard = locks[0].lock().unwrap();
            guard[0] += 1;
            std::mem::forget(guard);
        });
        assert_eq!(waitpid(dead, None).expect("a child of ours"), WaitStatus::Exited(dead, 0));
        Self(locks)
    }
    fn start(&self) -> Victim {
        Victim::new(|| (), |()| drop(self.0[0].lock().unwrap_err().recover(mend).unwrap()))
    }
    fn locks(&self) -> Vec<&Lock> {
        self.0.iter().collect()
    }
    fn aftermath(self, death: &Death) -> Duration {
        let finished = death.had[0] && !death.held[0];
        inherit(&self.0[0], !finished)
    }
}
