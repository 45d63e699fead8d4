//! Locks that would be waited for for ever: the calls say so, name everybody, and the others go on.

use std::sync::Barrier;
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
use std::thread;
use std::time::Duration;

use offspring::sync::{Cycle, LockError, Mutex, Once, RwLock, detect_deadlocks};
use offspring::{Lock, Process, Shared, process, shared};

use crate::support::{DEADLINE, StartMethod, kill, until};

/// Longer than a call waits before it looks for deadlocks, and looks again.
const LOOKED: Duration = Duration::from_millis(2_600);

/// Locks for a round, and who has arrived with one in its hands.
#[shared]
struct Table {
    forks: [Mutex<u16>; 3],
    seated: AtomicU32,
}

impl Table {
    fn new() -> Self {
        Self { forks: [const { Mutex::new(0) }; 3], seated: AtomicU32::new(0) }
    }

    /// Waits until all have taken their first one.
    fn sit(&self, guests: u32) {
        self.seated.fetch_add(1, SeqCst);
        until(|| self.seated.load(SeqCst) >= guests);
    }
}

/// The circle, if that is what the call found.
fn cycle<T, G>(taken: Result<T, LockError<G>>) -> Option<Cycle> {
    match taken {
        Ok(_) => None,
        Err(LockError::Cycle(cycle)) => Some(cycle),
        Err(error) => panic!("{error}"),
    }
}

/// Takes one fork and then the next; what the second call said, and on which line it stands.
#[process(name = "philosopher")]
fn dine(table: &Shared<Table>, place: usize, guests: usize) -> (Option<String>, u32) {
    let first = table.forks[place].lock().unwrap();
    table.sit(guests as u32);
    let (second, line) = (table.forks[(place + 1) % guests].lock(), line!());
    let refused = cycle(second);
    // Whoever is refused still has what it had.
    assert_eq!(table.forks[place].holder(), Some(std::process::id()));
    if let Some(cycle) = &refused {
        let [me, ..] = cycle.waiters() else { panic!("nobody waits") };
        assert_eq!((me.pid, &*me.process), (std::process::id(), &*process::current().name));
    }
    drop(first);
    (refused.map(|cycle| cycle.to_string()), line)
}

/// So many take one fork each and want the next; what those said who were refused.
#[track_caller]
fn dinner(guests: usize) -> Vec<String> {
    let table = Shared::new(Table::new()).unwrap();
    let seated = |place| {
        let name = format!("guest {place}");
        dine::task(&table, place, guests).name(name).spawn().unwrap()
    };
    let children: Vec<_> = (0..guests).map(seated).collect();
    let pids: Vec<u32> = children.iter().map(Process::pid).collect();
    let said: Vec<_> = children.into_iter().map(|child| child.join().unwrap()).collect();
    let line = said[0].1;
    let refused: Vec<String> = said.into_iter().filter_map(|(text, _)| text).collect();
    for text in &refused {
        for (place, pid) in pids.iter().enumerate() {
            let one = format!("`guest {place}` (process {pid}) waits at ");
            assert_eq!(text.matches(&one).count(), 1, "{one:?} in {text}");
        }
        let place = format!("{}:{line}:", file!().rsplit('/').next().unwrap());
        assert_eq!(text.matches(&place).count(), guests, "{place:?} in {text}");
        assert_eq!(text.matches("`Mutex<u16>` at byte ").count(), guests, "{text}");
    }
    refused
}

under_each_method! {
    fn two_processes() {
        assert!(!dinner(2).is_empty());
    }

    fn three_in_a_ring() {
        assert!(!dinner(3).is_empty());
    }

    fn handles() {
        let pair = [Lock::new().unwrap(), Lock::new().unwrap()];
        let table = Shared::new(Table::new()).unwrap();
        let child = acquire_crosswise::spawn(&pair[1], &pair[0], &table).unwrap();
        let own = acquire_crosswise(&pair[0], &pair[1], &table);
        let theirs = child.join().unwrap();
        let text = own.or(theirs).unwrap();
        assert_eq!(text.matches("deadlock.rs:").count(), 2, "{text}");
    }

    /// The death of one of them is not a deadlock: the next one learns of it as ever.
    fn a_participant_is_killed() {
        let table = Shared::new(Table::new()).unwrap();
        // Each waits for the one before.
        let mut row = Vec::new();
        for place in [2, 1, 0] {
            row.push(wait_in_row::spawn(&table, place).unwrap());
            until(|| table.seated.load(SeqCst) == row.len() as u32);
        }
        thread::sleep(LOOKED);
        kill(row.remove(1));
        assert_eq!(row.remove(1).join().unwrap(), "OwnerDied(..)");
        table.seated.store(GO, SeqCst);
        assert_eq!(row.remove(0).join().unwrap(), "");
    }
}

/// In all of the family, whoever has said it. One test for all methods: they are of one family, too.
#[test]
fn off_means_off() {
    for method in [StartMethod::ForkServer, StartMethod::Spawn] {
        detect_deadlocks(false);
        let table = Shared::new(Table::new()).unwrap();
        let start = |place| wait_in_vain::task(&table, place).start_method(method).spawn().unwrap();
        for child in [0, 1].map(start) {
            assert_eq!(child.join().unwrap(), None);
        }
        switch_on::task().start_method(method).spawn().unwrap().join().unwrap();
        assert!(!dinner(2).is_empty());
    }
}

/// A lock call with an end, so that what nobody reports comes to one.
#[process]
fn wait_in_vain(table: &Shared<Table>, place: usize) -> Option<String> {
    let _first = table.forks[place].lock().unwrap();
    table.sit(2);
    let second = table.forks[1 - place].try_lock_for(LOOKED);
    second.err().map(|error| error.to_string())
}

#[process]
fn switch_on() {
    detect_deadlocks(true);
}

/// More than any number of guests: those who hold something for long stop now.
const GO: u32 = 1_000;

/// Holds one fork, and says what became of its wait for the next; who has the last one waits for `GO`.
#[process]
fn wait_in_row(table: &Shared<Table>, place: usize) -> String {
    let _first = table.forks[place].lock().unwrap();
    table.seated.fetch_add(1, SeqCst);
    match table.forks.get(place + 1).map(Mutex::lock) {
        Some(Err(error)) => return format!("{error:?}"),
        Some(Ok(_)) => {}
        None => until(|| table.seated.load(SeqCst) >= GO),
    }
    String::new()
}

#[process]
fn acquire_crosswise(one: &Lock, other: &Lock, table: &Shared<Table>) -> Option<String> {
    one.acquire().unwrap();
    table.sit(2);
    let refused = other.acquire();
    one.release().unwrap();
    match refused {
        Ok(()) => {
            other.release().unwrap();
            None
        }
        Err(error) => Some(offspring::Error::from(error).to_string()),
    }
}

/// Runs both at a time, each in a thread of its own with that name, once both have arrived.
fn two_threads<R: Send>(
    one: impl FnOnce(&Barrier) -> R + Send,
    other: impl FnOnce(&Barrier) -> R + Send,
) -> [R; 2] {
    let met = Barrier::new(2);
    thread::scope(|scope| {
        let named = |name: &str| thread::Builder::new().name(name.to_owned());
        let one = named("one").spawn_scoped(scope, || one(&met)).unwrap();
        let other = named("other").spawn_scoped(scope, || other(&met)).unwrap();
        [one.join().unwrap(), other.join().unwrap()]
    })
}

/// One of the two was refused, at least.
#[track_caller]
fn refused(said: [Option<Cycle>; 2]) -> Cycle {
    said.into_iter().flatten().next().expect("both have got everything")
}

/// In the memory of one process alone, too.
#[test]
fn threads() {
    let (left, right) = (Mutex::new(1_u8), Mutex::new("text"));
    let found = refused(two_threads(
        |met| {
            let _left = left.lock().unwrap();
            met.wait();
            cycle(right.lock())
        },
        |met| {
            let _right = right.lock().unwrap();
            met.wait();
            // Patience with an end is told as well.
            cycle(left.try_lock_for(DEADLINE))
        },
    ));
    let text = found.to_string();
    for part in [" `one`)", " `other`)", "`Mutex<u8>` at 0x", "`Mutex<&str>` at 0x"] {
        assert!(text.contains(part), "{part:?} in {text}");
    }
    assert!(found.waiters().iter().all(|waiter| waiter.pid == std::process::id()));
    assert!(!left.is_locked() && !right.is_locked());
}

/// A reader that others wait for is as much a holder as a writer is; and so is whoever does something once.
#[test]
fn readers_and_doers() {
    let (list, once) = (RwLock::new(0), Once::new());
    let found = refused(two_threads(
        |met| {
            let _read = list.read().unwrap();
            met.wait();
            cycle(once.call_once(|| {}))
        },
        |met| {
            let mut found = None;
            let done = once.call_once(|| {
                met.wait();
                found = cycle(list.write());
            });
            assert!(done.is_ok());
            found
        },
    ));
    let text = found.to_string();
    assert!(text.contains("`RwLock<i32>` at 0x") && text.contains("`Once` at 0x"), "{text}");
}

/// Two who read, and each want to write what the other one reads.
#[test]
fn readers_who_would_write() {
    let pair = [RwLock::new(0), RwLock::new(0)];
    let crosswise = |met: &Barrier, own: usize| {
        let _read = pair[own].read().unwrap();
        met.wait();
        cycle(pair[1 - own].write())
    };
    refused(two_threads(|met| crosswise(met, 0), |met| crosswise(met, 1)));
    assert!(pair.iter().all(|lock| lock.try_write().unwrap().is_some()), "nothing is left behind");
}

#[shared]
static LEFT: Mutex<i64> = Mutex::new(0);
#[shared]
static RIGHT: Mutex<i64> = Mutex::new(0);

#[shared]
struct Account {
    balance: i64,
}

#[shared]
impl Account {
    fn deposit(&mut self, amount: i64) {
        self.balance += amount;
    }
}

#[test]
fn shared_statics_are_called_by_their_names() {
    let found = refused(two_threads(
        |met| {
            let _left = LEFT.lock().unwrap();
            met.wait();
            cycle(RIGHT.lock())
        },
        |met| {
            let _right = RIGHT.lock().unwrap();
            met.wait();
            cycle(LEFT.lock())
        },
    ));
    let text = found.to_string();
    assert!(text.contains("`Mutex<i64>` in `sync_types::deadlock::LEFT` at byte "), "{text}");
    assert!(text.contains("`Mutex<i64>` in `sync_types::deadlock::RIGHT` at byte "), "{text}");
}

/// The place that is reported is the user's, not that of what the macro writes.
#[test]
fn methods_of_shared_structs_are_placed_where_they_are_called() {
    let pair = [0, 1].map(|_| Shared::new(Mutex::new(Account { balance: 0 })).unwrap());
    let crosswise = |met: &Barrier, own: usize| {
        let _own = pair[own].lock().unwrap();
        met.wait();
        cycle(pair[1 - own].deposit(1))
    };
    let found = refused(two_threads(|met| crosswise(met, 0), |met| crosswise(met, 1)));
    for waiter in found.waiters() {
        assert!(waiter.location.contains("deadlock.rs:"), "{found}");
        assert!(
            waiter.lock.starts_with("`Mutex<sync_types::deadlock::Account>` at byte "),
            "{found}"
        );
    }
}

/// Long waits in a row, behind somebody who is slow and waits for nobody.
#[test]
fn patience_is_not_a_deadlock() {
    let locks = [Mutex::new(()), Mutex::new(()), Mutex::new(())];
    let holding = AtomicU32::new(0);
    let slow = locks[2].lock().unwrap();
    thread::scope(|scope| {
        let wait = |place: usize| {
            let _own = locks[place].lock().unwrap();
            holding.fetch_add(1, SeqCst);
            let _next = locks[place + 1].lock().unwrap();
        };
        scope.spawn(move || wait(1));
        until(|| holding.load(SeqCst) == 1);
        // One of the two has its own lock and waits for the next, the other waits for its own.
        let _ = [0, 0].map(|place| scope.spawn(move || wait(place)));
        until(|| holding.load(SeqCst) == 2);
        thread::sleep(LOOKED);
        drop(slow);
    });
}

/// Of those who wait for long, more than there is room for, and many that died: neither keeps locks from working, nor
/// deadlocks from being found once there is room.
#[test]
fn crowds_of_waiters() {
    const CROWD: usize = 100;
    for _ in 0..3 {
        let lock = Shared::new((Mutex::new(()), AtomicU32::new(0))).unwrap();
        let own = lock.0.lock().unwrap();
        let child = crowd::spawn(&lock, CROWD).unwrap();
        until(|| lock.1.load(SeqCst) == CROWD as u32);
        thread::sleep(LOOKED / 2);
        kill(child);
        drop(own);
    }
    let lock = Shared::new((Mutex::new(()), AtomicU32::new(0))).unwrap();
    let own = lock.0.lock().unwrap();
    let child = crowd::spawn(&lock, 3 * CROWD).unwrap();
    until(|| lock.1.load(SeqCst) == 3 * CROWD as u32);
    thread::sleep(LOOKED / 2);
    let pair = [Mutex::new(()), Mutex::new(())];
    let crosswise = |met: &Barrier, own: usize| {
        let _own = pair[own].lock().unwrap();
        met.wait();
        cycle(pair[1 - own].lock())
    };
    thread::scope(|scope| {
        let found = scope.spawn(|| two_threads(|met| crosswise(met, 0), |met| crosswise(met, 1)));
        thread::sleep(LOOKED / 2);
        drop(own);
        child.join().unwrap();
        refused(found.join().unwrap());
    });
}

/// So many threads that wait for one lock.
#[process]
fn crowd(lock: &Shared<(Mutex<()>, AtomicU32)>, count: usize) {
    let enter = || {
        lock.1.fetch_add(1, SeqCst);
        drop(lock.0.lock().unwrap());
    };
    thread::scope(|scope| (0..count).for_each(|_| drop(scope.spawn(enter))));
}
