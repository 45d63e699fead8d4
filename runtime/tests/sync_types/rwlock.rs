//! `RwLock`: who may be in it together, who waits for whom, and what the others find when one of them dies.

use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::Ordering::SeqCst;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64};
use std::sync::mpsc::channel;
use std::thread;
use std::time::{Duration, Instant};

use offspring::sync::{LockError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use offspring::{Process, Shared, process, shared};

use crate::support::{A_WHILE, DEADLINE, kill, until, until_asleep};

/// Two numbers that are equal whenever nobody writes and the data is not in doubt.
type Pair = RwLock<(u64, u64)>;

fn pair() -> Shared<Pair> {
    Shared::new(RwLock::new((0, 0))).unwrap()
}

fn read(lock: &Pair) -> RwLockReadGuard<'_, (u64, u64)> {
    lock.try_read_for(DEADLINE).unwrap().expect("the lock comes")
}

fn write(lock: &Pair) -> RwLockWriteGuard<'_, (u64, u64)> {
    lock.try_write_for(DEADLINE).unwrap().expect("the lock comes")
}

fn add(pair: &mut (u64, u64)) {
    pair.0 += 1;
    std::hint::black_box(&mut *pair);
    pair.1 += 1;
}

fn pause() -> ! {
    loop {
        thread::park();
    }
}

#[process]
fn read_and_stay(lock: &Shared<Pair>) {
    let _guard = lock.read().unwrap();
    pause();
}

/// Leaves one number changed.
#[process]
fn write_and_stay(lock: &Shared<Pair>) {
    let mut guard = lock.write().unwrap();
    guard.0 += 1;
    std::hint::black_box(&mut *guard);
    pause();
}

/// Whether it was told of a death.
#[process]
fn read_once(lock: &Shared<Pair>) -> bool {
    matches!(lock.try_read_for(DEADLINE), Err(LockError::OwnerDied(_)))
}

/// Whether it was told of a death; leaves the data mended.
#[process]
fn write_once(lock: &Shared<Pair>) -> bool {
    match lock.try_write_for(DEADLINE) {
        Ok(guard) => {
            add(&mut guard.expect("the lock comes"));
            false
        }
        Err(died) => {
            assert!(died.recover(|pair| pair.1 = pair.0).unwrap().recovered());
            true
        }
    }
}

#[process]
fn write_often(lock: &Shared<Pair>, times: u64) {
    (0..times).for_each(|_| add(&mut lock.write().unwrap()));
}

/// Reads until the first number is so large.
#[process]
fn read_until(lock: &Shared<Pair>, large: u64) {
    loop {
        let pair = lock.read().unwrap();
        assert_eq!(pair.0, pair.1, "a writer is beside a reader");
        if pair.0 >= large {
            return;
        }
    }
}

fn holding(process: &Process<()>, lock: &Pair, so: impl Fn(&Pair) -> bool) {
    until(|| so(lock));
    until_asleep(process.pid());
}

fn asleep(process: Process<bool>) -> Process<bool> {
    until_asleep(process.pid());
    process
}

under_each_method! {
    /// Counts are exact, and nobody reads what is half written.
    fn writers_are_alone() {
        let lock = pair();
        let readers: Vec<_> = (0..2).map(|_| read_until::spawn(&lock, 4000).unwrap()).collect();
        let writers: Vec<_> = (0..2).map(|_| write_often::spawn(&lock, 2000).unwrap()).collect();
        writers.into_iter().chain(readers).for_each(|it| it.join().unwrap());
        assert_eq!(*lock.read().unwrap(), (4000, 4000));
        assert!(!lock.is_locked());
    }

    /// Who was waiting goes on and is told of it, and so is everybody until the data is mended.
    fn a_killed_writer_is_reported() {
        let lock = pair();
        let victim = write_and_stay::spawn(&lock).unwrap();
        holding(&victim, &lock, Pair::is_locked_exclusive);
        assert_eq!(lock.holder(), Some(victim.pid()));
        let readers: Vec<_> = (0..2).map(|_| asleep(read_once::spawn(&lock).unwrap())).collect();
        kill(victim);
        assert!(readers.into_iter().all(|it| it.join().unwrap()));
        assert!(!lock.is_consistent() && !lock.is_locked());
        assert!(matches!(lock.read(), Err(LockError::OwnerDied(guard)) if *guard == (1, 0)));
        assert!(write_once::spawn(&lock).unwrap().join().unwrap());
        assert!(lock.is_consistent());
        assert_eq!(*lock.read().unwrap(), (1, 1));
        assert!(!write_once::spawn(&lock).unwrap().join().unwrap());
    }

    /// Nobody else can have seen it change anything.
    fn a_killed_reader_is_not_noticed() {
        let lock = pair();
        let victim = read_and_stay::spawn(&lock).unwrap();
        holding(&victim, &lock, |lock| lock.readers() == 1);
        assert!(lock.try_write().unwrap().is_none());
        let writer = asleep(write_once::spawn(&lock).unwrap());
        kill(victim);
        assert!(!writer.join().unwrap());
        assert_eq!(*lock.try_write().unwrap().unwrap(), (1, 1));
    }
}

#[test]
fn processes_read_together() {
    #[process]
    fn meet(lock: &Shared<Pair>, inside: &Shared<AtomicU32>) {
        let _guard = lock.read().unwrap();
        inside.fetch_add(1, SeqCst);
        until(|| inside.load(SeqCst) == 3);
    }
    let (lock, inside) = (pair(), Shared::new(AtomicU32::new(0)).unwrap());
    let all: Vec<_> = (0..3).map(|_| meet::spawn(&lock, &inside).unwrap()).collect();
    all.into_iter().for_each(|it| it.join().unwrap());
    assert!(write(&lock).is_consistent());
}

#[test]
fn a_stream_of_readers_does_not_keep_a_writer_out() {
    // Each waits for the other to be in before it goes, so that there is a reader at every moment.
    #[process]
    fn hold_in_turn(lock: &Shared<Pair>, turns: &Shared<AtomicU64>, stop: &Shared<AtomicBool>) {
        while !stop.load(SeqCst) {
            let _guard = read(lock);
            let turn = turns.fetch_add(1, SeqCst);
            let patience = Instant::now() + Duration::from_millis(20);
            while turns.load(SeqCst) == turn + 1 && Instant::now() < patience {
                thread::yield_now();
            }
        }
    }
    let (lock, turns) = (pair(), Shared::new(AtomicU64::new(0)).unwrap());
    let stop = Shared::new(AtomicBool::new(false)).unwrap();
    let readers: Vec<_> =
        (0..3).map(|_| hold_in_turn::spawn(&lock, &turns, &stop).unwrap()).collect();
    until(|| turns.load(SeqCst) > 20);
    (0..20).for_each(|_| add(&mut write(&lock)));
    let after = turns.load(SeqCst);
    until(|| turns.load(SeqCst) > after + 20);
    stop.store(true, SeqCst);
    readers.into_iter().for_each(|it| it.join().unwrap());
    assert_eq!(*read(&lock), (20, 20));
}

#[test]
fn a_stream_of_writers_does_not_keep_readers_out() {
    #[process]
    fn write_until(lock: &Shared<Pair>, stop: &Shared<AtomicBool>) {
        while !stop.load(SeqCst) {
            add(&mut lock.write().unwrap());
        }
    }
    let (lock, stop) = (pair(), Shared::new(AtomicBool::new(false)).unwrap());
    let writers: Vec<_> = (0..3).map(|_| write_until::spawn(&lock, &stop).unwrap()).collect();
    until(|| read(&lock).0 > 100);
    for _ in 0..50 {
        let pair = read(&lock);
        assert_eq!(pair.0, pair.1);
    }
    stop.store(true, SeqCst);
    writers.into_iter().for_each(|it| it.join().unwrap());
}

#[test]
fn one_who_is_killed_while_it_waits_changes_nothing() {
    let lock = pair();
    let reading = read(&lock);
    let writer = asleep(write_once::spawn(&lock).unwrap());
    // It lets no new readers in, until it is dead.
    let reader = asleep(read_once::spawn(&lock).unwrap());
    kill(writer);
    assert!(!reader.join().unwrap());
    let others = lock.clone();
    let other = thread::spawn(move || *others.try_read().unwrap().unwrap());
    assert_eq!(other.join().unwrap(), (0, 0));
    drop(reading);
    let writing = lock.try_write().unwrap().unwrap();
    assert!(!writing.recovered() && writing.is_consistent());
    let reader = asleep(read_once::spawn(&lock).unwrap());
    let next = asleep(read_once::spawn(&lock).unwrap());
    kill(reader);
    drop(writing);
    assert!(!next.join().unwrap());
    assert!(lock.is_consistent() && !lock.is_locked());
}

#[test]
fn who_takes_over_knows_it_and_may_die_of_it() {
    let lock = pair();
    for round in 1..4 {
        let victim = write_and_stay::spawn(&lock).unwrap();
        until(|| lock.holder() == Some(victim.pid()));
        until_asleep(victim.pid());
        kill(victim);
        // One that could only look, or had no time, heals nothing.
        assert!(matches!(lock.try_read(), Err(LockError::OwnerDied(_))));
        match lock.write() {
            Err(LockError::OwnerDied(mut guard)) => {
                assert!(guard.recovered() && !guard.is_consistent());
                assert_eq!(*guard, (round, round - 1));
                guard.1 = round;
                if round == 2 {
                    drop(guard);
                    let Err(LockError::OwnerDied(again)) = lock.write() else { panic!("in doubt") };
                    assert!(!again.recovered());
                    again.mark_consistent();
                } else {
                    guard.mark_consistent();
                    assert!(guard.is_consistent());
                }
            }
            other => panic!("{other:?}"),
        }
        assert!(lock.write().unwrap().is_consistent());
    }
}

#[test]
fn a_writer_that_panics_leaves_doubt_and_a_reader_does_not() {
    let lock = RwLock::new(5);
    let panics = |f: &dyn Fn()| assert!(catch_unwind(AssertUnwindSafe(f)).is_err());
    panics(&|| {
        let guard = lock.read().unwrap();
        panic!("with {guard}");
    });
    assert!(lock.is_consistent() && !lock.is_locked());
    panics(&|| {
        let _guard = lock.write().unwrap();
        panic!("in the middle of it");
    });
    assert!(matches!(lock.read(), Err(LockError::OwnerDied(guard)) if !guard.is_consistent()));
    assert_eq!(*lock.write().or_else(|it| it.recover(|data| *data += 1)).unwrap(), 6);
    assert!(lock.read().unwrap().is_consistent());
}

#[test]
fn what_a_thread_left_at_its_end_is_free() {
    let lock = pair();
    let in_thread = |body: fn(&Pair)| {
        let lock = lock.clone();
        thread::spawn(move || body(&lock)).join().unwrap();
    };
    in_thread(|lock| mem::forget(lock.read().unwrap()));
    assert!(lock.try_write().unwrap().is_some());
    in_thread(|lock| mem::forget(lock.write().unwrap()));
    assert!(matches!(lock.try_read(), Err(LockError::OwnerDied(_))));
    lock.write().unwrap_err().into_guard().unwrap().mark_consistent();
    // Somebody may still be looking at the data.
    let leaked: &'static Shared<Pair> = Box::leak(Box::new(lock.clone()));
    thread::spawn(|| assert_eq!(**Box::leak(Box::new(leaked.read().unwrap())), (0, 0)))
        .join()
        .unwrap();
    assert!(lock.try_read().unwrap().is_some());
    assert!(lock.try_write().unwrap().is_none());
    assert_eq!(lock.readers(), 1);
}

#[test]
fn patience_is_kept() {
    let lock = pair();
    let guard = lock.write().unwrap();
    thread::scope(|scope| {
        scope.spawn(|| {
            let start = Instant::now();
            assert!(lock.try_read().unwrap().is_none());
            assert!(lock.try_write().unwrap().is_none());
            assert!(lock.try_read_for(A_WHILE).unwrap().is_none());
            assert!(lock.try_write_for(A_WHILE).unwrap().is_none());
            assert!(lock.try_read_until(start + 3 * A_WHILE).unwrap().is_none());
            assert!(lock.try_write_until(start + 4 * A_WHILE).unwrap().is_none());
            assert!(start.elapsed() >= 4 * A_WHILE);
            assert!(lock.try_read_until(start).unwrap().is_none());
        });
    });
    drop(guard);
    let guard = lock.read().unwrap();
    thread::scope(|scope| {
        scope.spawn(|| {
            let start = Instant::now();
            assert!(lock.try_write_for(A_WHILE).unwrap().is_none());
            assert!(start.elapsed() >= A_WHILE);
            // One who gave up is in nobody's way.
            assert!(lock.try_read().unwrap().is_some());
        });
    });
    drop(guard);
    assert!(lock.try_write_for(Duration::MAX).unwrap().is_some());
}

#[test]
fn one_thread_reads_again_whoever_waits() {
    let lock = pair();
    let first = lock.read().unwrap();
    let second = lock.read().unwrap();
    assert_eq!(lock.readers(), 2);
    let (thread_id, tell) = channel();
    thread::scope(|scope| {
        let writer = scope.spawn(|| {
            thread_id.send(nix::unistd::gettid().as_raw().unsigned_abs()).unwrap();
            add(&mut write(&lock));
        });
        until_asleep(tell.recv().unwrap());
        scope.spawn(|| assert!(lock.try_read().unwrap().is_none()));
        // In any order.
        let third = lock.read().unwrap();
        drop(first);
        let fourth = lock.try_read().unwrap().unwrap();
        drop(second);
        drop(third);
        thread::sleep(A_WHILE);
        assert_eq!(*fourth, (0, 0));
        drop(fourth);
        writer.join().unwrap();
    });
    assert_eq!(*lock.read().unwrap(), (1, 1));
    assert_eq!(lock.readers(), 0);
}

#[test]
fn waiting_for_oneself_is_refused() {
    let lock = pair();
    let writing = lock.write().unwrap();
    assert!(matches!(lock.read(), Err(LockError::Deadlock)));
    assert!(matches!(lock.write(), Err(LockError::Deadlock)));
    assert!(matches!(lock.try_read(), Err(LockError::Deadlock)));
    assert!(matches!(lock.try_write(), Err(LockError::Deadlock)));
    drop(writing);
    let reading = lock.read().unwrap();
    assert!(matches!(lock.write(), Err(LockError::Deadlock)));
    assert!(matches!(lock.try_write(), Err(LockError::Deadlock)));
    // Also when a writer is waiting for this very thread.
    let writer = asleep(write_once::spawn(&lock).unwrap());
    assert!(matches!(lock.write(), Err(LockError::Deadlock)));
    drop(reading);
    assert!(!writer.join().unwrap());
}

#[test]
fn more_readers_than_there_is_room_for_take_turns() {
    const READERS: u32 = 80;
    let (lock, inside) = (pair(), AtomicU32::new(0));
    let leave = AtomicBool::new(false);
    thread::scope(|scope| {
        for _ in 0..READERS {
            scope.spawn(|| {
                let guard = read(&lock);
                assert_eq!(guard.0, guard.1);
                inside.fetch_add(1, SeqCst);
                until(|| leave.load(SeqCst));
            });
        }
        until(|| inside.load(SeqCst) == 64);
        let writer = scope.spawn(|| add(&mut write(&lock)));
        thread::sleep(A_WHILE);
        assert_eq!((inside.load(SeqCst), lock.readers()), (64, 64));
        leave.store(true, SeqCst);
        writer.join().unwrap();
    });
    assert_eq!(inside.load(SeqCst), READERS);
    assert_eq!(*lock.read().unwrap(), (1, 1));
}

#[test]
fn it_says_who_has_it() {
    let lock = RwLock::new(7);
    let shown = |lock: &RwLock<i32>| format!("{lock:?}");
    assert_eq!(shown(&lock), "RwLock { data: 7, readers: 0, consistent: true, .. }");
    let one = lock.read().unwrap();
    let other = lock.read().unwrap();
    assert_eq!(shown(&lock), "RwLock { data: 7, readers: 2, consistent: true, .. }");
    assert!(lock.is_locked() && !lock.is_locked_exclusive());
    assert_eq!((lock.holder(), lock.holder_thread(), lock.readers()), (None, None, 2));
    assert_eq!(format!("{one} {other:?}"), "7 7");
    drop((one, other));
    let writing = lock.write().unwrap();
    let (pid, tid) = (std::process::id(), nix::unistd::gettid().as_raw().unsigned_abs());
    assert_eq!((lock.holder(), lock.holder_thread()), (Some(pid), Some(tid)));
    assert!(lock.is_locked() && lock.is_locked_exclusive());
    let expected = format!(
        "RwLock {{ locked: true, holder: Some({pid}), thread: Some({tid}), readers: 0, consistent: true, .. }}"
    );
    assert_eq!(shown(&lock), expected);
    drop(writing);
    let mut lock = lock;
    *lock.get_mut() += 1;
    assert_eq!(lock.into_inner(), 8);
    assert_eq!(*RwLock::<u8>::default().read().unwrap(), *RwLock::from(0).read().unwrap());
}

#[test]
fn it_stands_in_structs_and_statics() {
    #[shared]
    struct Board {
        names: RwLock<[u32; 3]>,
        marks: RwLock<u64>,
    }
    #[shared]
    static EVERYWHERE: RwLock<u32> = RwLock::new(1);
    #[process]
    fn raise(board: &Shared<Board>) -> u32 {
        *board.marks.write().unwrap() += 1;
        *EVERYWHERE.write().unwrap() += 1;
        board.names.read().unwrap()[2]
    }
    let board = Board { names: RwLock::new([1, 2, 3]), marks: RwLock::new(4) };
    let board = Shared::new(board).unwrap();
    let reading = board.names.read().unwrap();
    assert_eq!(raise::spawn(&board).unwrap().join().unwrap(), 3);
    assert_eq!((*board.marks.read().unwrap(), *EVERYWHERE.read().unwrap()), (5, 2));
    assert_eq!(*reading, [1, 2, 3]);
}
