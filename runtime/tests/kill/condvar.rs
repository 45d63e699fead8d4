//! Scenes of `Condvar`: waiters and notifiers die, and those who are left get what was given.

use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use offspring::sync::{Condvar, LockError, Mutex, MutexGuard};
use offspring::{Shared, shared};

use crate::DEADLINE;
use crate::compound::{self, Succession};
use crate::helper::Helper;
use crate::scenes::{Entry, Scene, scene, warm};
use crate::victim::{Death, Memory, Victim};

pub(crate) const SCENES: &[Entry] = &[
    scene::<Oldest>(),
    scene::<Heir>(),
    scene::<Beside>(),
    scene::<InVain>(),
    scene::<Notifying<1>>(),
    scene::<Notifying<2>>(),
    scene::<Notifying<3>>(),
    (<Notifying<3> as Succession>::NAME, compound::run::<Notifying<3>>),
];

/// Where everybody waits.
#[shared]
struct Room {
    mutex: Mutex<()>,
    changed: Condvar,
}

impl Room {
    fn set() -> Shared<Self> {
        warm();
        Shared::new(Self { mutex: Mutex::new(()), changed: Condvar::new() }).expect("memory")
    }

    /// The lock, whoever had it before.
    fn lock(&self) -> MutexGuard<'_, ()> {
        match self.mutex.try_lock_for(DEADLINE) {
            Ok(Some(guard)) | Err(LockError::OwnerDied(guard)) => guard,
            other => panic!("{other:?}"),
        }
    }

    /// Waits for one notification, and returns with the lock.
    fn wait(&self) -> MutexGuard<'_, ()> {
        match self.changed.wait_timeout(self.lock(), DEADLINE) {
            Ok((guard, result)) | Err(LockError::OwnerDied((guard, result))) => {
                assert!(!result.timed_out(), "the notification never comes");
                guard
            }
            other => panic!("{other:?}"),
        }
    }

    /// A process that waits for one notification.
    fn waiter(&self) -> Helper {
        Helper::asleep(|| {
            drop(self.wait());
            0
        })
    }

    /// Whether this process waits, and is not notified.
    fn has_waiting(&self, id: u32) -> bool {
        let shown = format!("{:?}", self.changed);
        shown.split(|it: char| !it.is_ascii_digit()).any(|number| number == id.to_string())
    }
}

/// The last notification was the victim's, who is dead: it belongs to this helper now, unless the victim had returned
/// with it. If it may have been just about to, whichever way it went.
fn inherits(room: &Room, heir: Helper, death: &Death) -> Duration {
    let mut passed = death.step == 0;
    if passed && death.held[0] {
        // It had the lock again.
        let patience = Duration::from_secs(1);
        while room.has_waiting(heir.id()) && death.age() < patience {
            std::thread::yield_now();
        }
        passed = !room.has_waiting(heir.id());
    }
    if !passed {
        assert_eq!(room.changed.notify_all(), 1, "only one had the notification");
    }
    assert_eq!(heir.end(), 0);
    let took = death.age();
    assert_eq!(room.changed.notify_all(), 0, "nobody is left");
    if passed { took } else { Duration::ZERO }
}

/// Waiting before another one, being notified, and returning.
struct Oldest {
    room: Shared<Room>,
    younger: Option<Helper>,
}

impl Scene for Oldest {
    const NAME: &'static str = "condvar: wait, notified, another one behind";
    const UNBLOCK: Option<fn(&mut Self)> = Some(|scene| {
        if scene.younger.is_none() {
            scene.younger = Some(scene.room.waiter());
            assert_eq!(scene.room.changed.notify_one(), 1);
        }
    });

    fn set() -> Self {
        Self { room: Room::set(), younger: None }
    }
    fn memory(&self) -> Memory {
        Memory::of(&*self.room)
    }
    fn start(&self) -> Victim {
        Victim::new(
            || (),
            |(), steps| {
                let guard = self.room.wait();
                steps.done(1);
                drop(guard);
            },
        )
    }
    fn holds(&self, thread: u32) -> Vec<bool> {
        vec![self.room.mutex.holder_thread() == Some(thread)]
    }
    fn aftermath(self, death: &Death) -> Duration {
        match self.younger {
            Some(younger) => inherits(&self.room, younger, death),
            None => {
                // It never slept; whether it waited or not, it is not there any more.
                let younger = self.room.waiter();
                assert_eq!(self.room.changed.notify_all(), 1);
                assert_eq!(younger.end(), 0);
                death.age()
            }
        }
    }
}

/// Waiting behind one that is killed with its notification, and inheriting it, with another one behind.
struct Heir {
    room: Shared<Room>,
    first: Option<Helper>,
    last: Option<Helper>,
}

impl Scene for Heir {
    const NAME: &'static str = "condvar: wait behind one who is notified and killed";
    const UNBLOCK: Option<fn(&mut Self)> = Some(|scene| {
        if let Some(first) = scene.first.take() {
            scene.last = Some(scene.room.waiter());
            let guard = scene.room.lock();
            assert_eq!(scene.room.changed.notify_one(), 1);
            first.kill();
            drop(guard);
        }
    });

    fn set() -> Self {
        let room = Room::set();
        let first = Some(room.waiter());
        Self { room, first, last: None }
    }
    fn memory(&self) -> Memory {
        Memory::of(&*self.room)
    }
    fn start(&self) -> Victim {
        Victim::new(
            || (),
            |(), steps| {
                let guard = self.room.wait();
                steps.done(1);
                drop(guard);
            },
        )
    }
    fn holds(&self, thread: u32) -> Vec<bool> {
        vec![self.room.mutex.holder_thread() == Some(thread)]
    }
    fn aftermath(self, death: &Death) -> Duration {
        match (self.first, self.last) {
            (Some(first), None) => {
                assert_eq!(self.room.changed.notify_all(), 1);
                assert_eq!(first.end(), 0);
                death.age()
            }
            (_, last) => inherits(&self.room, last.expect("came before it"), death),
        }
    }
}

/// Being notified together with an older one, who is stopped and then killed, before a younger one.
struct Beside {
    room: Shared<Room>,
    older: Helper,
    younger: Option<Helper>,
}

impl Scene for Beside {
    const NAME: &'static str = "condvar: wait, notified together with one who dies later";
    const UNBLOCK: Option<fn(&mut Self)> = Some(|scene| {
        if scene.younger.is_none() {
            scene.younger = Some(scene.room.waiter());
            let older = Pid::from_raw(scene.older.id().cast_signed());
            kill(older, Signal::SIGSTOP).expect("a child of ours");
            assert_eq!(scene.room.changed.notify(2), 2);
        }
    });

    fn set() -> Self {
        let room = Room::set();
        let older = room.waiter();
        Self { room, older, younger: None }
    }
    fn memory(&self) -> Memory {
        Memory::of(&*self.room)
    }
    fn start(&self) -> Victim {
        Victim::new(|| (), |(), _| drop(self.room.wait()))
    }
    fn aftermath(self, _death: &Death) -> Duration {
        let start = Instant::now();
        self.older.kill();
        let Some(younger) = self.younger else {
            assert_eq!(self.room.changed.notify_all(), 0);
            return start.elapsed();
        };
        // One notification of two, or both, died with those who had them.
        assert_eq!(younger.end(), 0);
        let took = start.elapsed();
        assert_eq!(self.room.changed.notify_all(), 0);
        took
    }
}

/// Waiting between two others, and giving up.
struct InVain {
    room: Shared<Room>,
    older: Helper,
    younger: Option<Helper>,
}

impl Scene for InVain {
    const NAME: &'static str = "condvar: wait_timeout in vain, between two others";
    const UNBLOCK: Option<fn(&mut Self)> = Some(|scene| {
        let room = &scene.room;
        scene.younger.get_or_insert_with(|| room.waiter());
    });

    fn set() -> Self {
        let room = Room::set();
        let older = room.waiter();
        Self { room, older, younger: None }
    }
    fn memory(&self) -> Memory {
        Memory::of(&*self.room)
    }
    fn start(&self) -> Victim {
        Victim::new(
            || (),
            |(), _| {
                let guard = self.room.mutex.lock().unwrap();
                let time = Duration::from_millis(30);
                let (_guard, result) = self.room.changed.wait_timeout(guard, time).unwrap();
                assert!(result.timed_out());
            },
        )
    }
    fn aftermath(self, death: &Death) -> Duration {
        let younger = self.younger.unwrap_or_else(|| self.room.waiter());
        assert_eq!(self.room.changed.notify_one(), 1);
        assert_eq!(self.older.end(), 0);
        assert!(self.room.has_waiting(younger.id()), "one was notified, the oldest");
        assert_eq!(self.room.changed.notify_all(), 1);
        assert_eq!(younger.end(), 0);
        death.age()
    }
}

/// Notifying so many of three.
struct Notifying<const COUNT: usize> {
    room: Shared<Room>,
    waiters: Vec<Helper>,
}

impl<const COUNT: usize> Scene for Notifying<COUNT> {
    const NAME: &'static str = [
        "",
        "condvar: notify_one of three",
        "condvar: notify two of three",
        "condvar: notify_all three",
    ][COUNT];

    fn set() -> Self {
        let room = Room::set();
        let waiters = (0..3).map(|_| room.waiter()).collect();
        Self { room, waiters }
    }
    fn memory(&self) -> Memory {
        Memory::of(&*self.room)
    }
    fn start(&self) -> Victim {
        Victim::new(
            || (),
            |(), _| {
                let notified = match COUNT {
                    1 => self.room.changed.notify_one(),
                    2 => self.room.changed.notify(2),
                    _ => self.room.changed.notify_all(),
                };
                assert_eq!(notified, COUNT);
            },
        )
    }
    fn aftermath(mut self, death: &Death) -> Duration {
        let waiting: Vec<_> =
            self.waiters.iter().map(|it| self.room.has_waiting(it.id())).collect();
        let given = !waiting[0];
        let expected: Vec<_> = (0..3).map(|at| !given || at >= COUNT).collect();
        assert_eq!(waiting, expected, "all or none of the oldest");
        let others = self.waiters.split_off(if given { COUNT } else { 0 });
        self.waiters.into_iter().for_each(|waiter| assert_eq!(waiter.end(), 0));
        let took = if given { death.age() } else { Duration::ZERO };
        assert_eq!(self.room.changed.notify_all(), others.len());
        others.into_iter().for_each(|waiter| assert_eq!(waiter.end(), 0));
        took
    }
}

/// The next notifier is killed as well, and would have notified one.
impl Succession for Notifying<3> {
    const NAME: &'static str = "condvar: notify_all and notify_one, two deaths in a row";

    fn successor(&self, _first: &Death) -> Victim {
        Victim::new(|| (), |(), _| _ = self.room.changed.notify_one())
    }
    fn after_both(self, _first: &Death, second: &Death) -> Duration {
        let waits = |it: &Helper| self.room.has_waiting(it.id());
        let (waiting, notified): (Vec<_>, Vec<_>) = self.waiters.into_iter().partition(waits);
        assert!([0, 2, 3].contains(&waiting.len()), "all, one, or none");
        notified.into_iter().for_each(|waiter| assert_eq!(waiter.end(), 0));
        let took = second.age();
        assert_eq!(self.room.changed.notify_all(), waiting.len());
        waiting.into_iter().for_each(|waiter| assert_eq!(waiter.end(), 0));
        took
    }
}
