//! `Mutex` as a user sees it, between the threads of one process.

#![allow(
    unsafe_code,
    reason = "expands `#[shared] impl` by hand: these tests are about the runtime"
)]

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use offspring::sync::{LockError, Mutex, MutexGuard};
use offspring::{Error, Shareable, Shared};

/// Longer than any machine takes; only a failure ever waits for it.
const DEADLINE: Duration = Duration::from_secs(60);

#[test]
fn threads_exclude_each_other() {
    let total = Shared::new(Mutex::new((0_u64, 0_u64))).unwrap();
    let threads: Vec<_> = (0..4)
        .map(|_| {
            let total = total.clone();
            thread::spawn(move || {
                for _ in 0..50_000 {
                    let mut pair = total.lock().unwrap();
                    pair.0 += 1;
                    pair.1 += 1;
                }
            })
        })
        .collect();
    threads.into_iter().for_each(|thread| thread.join().unwrap());
    assert_eq!(*total.lock().unwrap(), (200_000, 200_000));
}

#[test]
fn a_held_lock_is_refused_or_waited_for() {
    let mutex = Arc::new(Mutex::new(0));
    let guard = mutex.lock().unwrap();
    let other = Arc::clone(&mutex);
    thread::spawn(move || {
        assert!(other.is_locked());
        assert_eq!(other.holder(), Some(std::process::id()));
        assert!(other.try_lock().unwrap().is_none());
        let wait = Duration::from_millis(20);
        let start = Instant::now();
        assert!(other.try_lock_for(wait).unwrap().is_none());
        assert!(other.try_lock_until(start + 2 * wait).unwrap().is_none());
        assert!(start.elapsed() >= 2 * wait);
        assert!(other.try_lock_for(Duration::ZERO).unwrap().is_none());
    })
    .join()
    .unwrap();
    drop(guard);
    assert!(!mutex.is_locked());
    assert_eq!(mutex.holder(), None);
    assert!(mutex.try_lock().unwrap().is_some());
    assert!(mutex.try_lock_for(Duration::MAX).unwrap().is_some());
    assert!(mutex.try_lock_until(Instant::now()).unwrap().is_some());
}

#[test]
fn a_sleeper_gets_the_lock_when_it_is_given_back() {
    let mutex = Shared::new(Mutex::new(1)).unwrap();
    for round in 0..20 {
        let guard = mutex.lock().unwrap();
        let (started, other) = (mpsc::channel(), mutex.clone());
        let sleeper = thread::spawn(move || {
            started.0.send(()).unwrap();
            *other.try_lock_for(DEADLINE).unwrap().expect("the lock comes before the deadline") +=
                1;
        });
        started.1.recv().unwrap();
        if round % 2 == 0 {
            // Long enough to be asleep more often than not; nothing depends on it.
            thread::sleep(Duration::from_millis(2));
        }
        drop(guard);
        sleeper.join().unwrap();
    }
    assert_eq!(*mutex.lock().unwrap(), 21);
}

#[test]
fn locking_twice_is_a_deadlock_at_once() {
    let mutex = Shared::new(Mutex::new(())).unwrap();
    let _guard = mutex.lock().unwrap();
    assert!(matches!(mutex.lock(), Err(LockError::Deadlock)));
    assert!(matches!(mutex.try_lock(), Err(LockError::Deadlock)));
    assert!(matches!(mutex.try_lock_for(DEADLINE), Err(LockError::Deadlock)));
    assert!(matches!(mutex.try_lock_until(Instant::now() + DEADLINE), Err(LockError::Deadlock)));
    assert!(mutex.lock().unwrap_err().into_guard().is_none());
}

#[test]
fn a_panicking_holder_leaves_the_data_in_doubt_until_it_is_healed() {
    let mutex = Shared::new(Mutex::new([1, 1])).unwrap();
    let other = mutex.clone();
    let panicked = thread::spawn(move || {
        let mut pair = other.lock().unwrap();
        pair[0] = 2;
        panic!("in the middle, as this test wants");
    });
    assert!(panicked.join().is_err());
    assert!(!mutex.is_consistent());
    for _ in 0..2 {
        let error = mutex.lock().unwrap_err();
        assert_eq!(
            error.to_string(),
            "a holder of this lock died, and its data may be half changed"
        );
        let guard = error.into_guard().expect("the guard comes with the error");
        assert!(mutex.is_locked() && !guard.is_consistent());
    }
    assert!(matches!(mutex.try_lock(), Err(LockError::OwnerDied(_))));
    assert!(matches!(mutex.try_lock_for(DEADLINE), Err(LockError::OwnerDied(_))));
    let guard = mutex.lock().or_else(|error| error.recover(|pair| pair[1] = pair[0])).unwrap();
    assert!(guard.is_consistent());
    drop(guard);
    assert_eq!(*mutex.lock().unwrap(), [2, 2]);
}

#[test]
fn a_guard_used_while_unwinding_is_no_panic_of_its_holder() {
    struct LocksWhenDropped(Shared<Mutex<u32>>);
    impl Drop for LocksWhenDropped {
        fn drop(&mut self) {
            *self.0.lock().unwrap() += 1;
        }
    }
    let mutex = Shared::new(Mutex::new(0)).unwrap();
    let inside = LocksWhenDropped(mutex.clone());
    let panicked = thread::spawn(move || {
        let _inside = inside;
        panic!("as this test wants");
    });
    assert!(panicked.join().is_err());
    assert_eq!(*mutex.lock().unwrap(), 1);
}

/// What a forgotten guard in an ended thread leaves to the next taker.
fn assert_died<T: std::fmt::Debug>(
    taken: Result<Option<MutexGuard<'_, T>>, LockError<MutexGuard<'_, T>>>,
) {
    match taken {
        Err(LockError::OwnerDied(guard)) => assert!(guard.recovered() && !guard.is_consistent()),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_thread_that_ends_with_the_lock_is_a_holder_that_died() {
    let shared = Shared::new(Mutex::new(3)).unwrap();
    let other = shared.clone();
    thread::spawn(move || std::mem::forget(other.lock().unwrap())).join().unwrap();
    // No waiting: the lock was free before the thread was gone.
    assert_died(shared.try_lock());
    let guard = shared.lock().unwrap_err().into_guard().unwrap();
    assert!(!guard.recovered(), "the one before has done that");
    guard.mark_consistent();
    drop(guard);
    assert!(!shared.lock().unwrap().recovered());

    // Outside shared memory nobody sees to it but a sleeper that looks around.
    let private = Arc::new(Mutex::new(3));
    let other = Arc::clone(&private);
    thread::spawn(move || std::mem::forget(other.lock().unwrap())).join().unwrap();
    assert!(private.try_lock().unwrap().is_none());
    assert_died(private.try_lock_for(DEADLINE));
}

#[test]
fn what_a_forgotten_guard_was_used_for_in_its_thread_keeps_nothing() {
    let mutex = Shared::new(Mutex::new(0)).unwrap();
    let other = mutex.clone();
    let forget = move || {
        let mut guard = other.lock().unwrap();
        *guard += 1;
        std::mem::forget(guard);
    };
    thread::spawn(forget).join().unwrap();
    assert_died(mutex.try_lock());
}

#[test]
fn a_leaked_guard_that_lent_nothing_keeps_nothing() {
    let mutex: &'static Shared<_> = Box::leak(Box::new(Shared::new(Mutex::new(0)).unwrap()));
    let leak = || {
        Box::leak(Box::new(mutex.lock().unwrap()));
    };
    thread::spawn(leak).join().unwrap();
    assert_died(mutex.try_lock());
}

/// Long enough for a sleeper to look around; the lock must still be locked then, however slow the machine.
const LOOKED_AROUND: Duration = Duration::from_millis(700);

#[test]
fn what_a_leaked_guard_lends_stays_exclusive_after_its_thread() {
    let mutex: &'static Shared<_> = Box::leak(Box::new(Shared::new(Mutex::new(0)).unwrap()));
    let leak = move || &mut **Box::leak(Box::new(mutex.lock().unwrap()));
    let data: &'static mut i32 = thread::spawn(leak).join().unwrap();
    assert!(mutex.try_lock_for(LOOKED_AROUND).unwrap().is_none());
    assert_eq!(mutex.holder(), Some(std::process::id()));
    *data += 1;

    // Outside shared memory too.
    let private: &'static Mutex<i32> = Box::leak(Box::new(Mutex::new(0)));
    let leak = move || &mut **Box::leak(Box::new(private.lock().unwrap()));
    let data: &'static mut i32 = thread::spawn(leak).join().unwrap();
    assert!(private.try_lock_for(LOOKED_AROUND).unwrap().is_none());
    *data += 1;
    assert!(private.is_locked() && mutex.is_locked());
}

#[test]
fn those_asleep_while_the_holding_thread_ends_get_the_lock() {
    for _ in 0..10 {
        let mutex = Shared::new(Mutex::new(0)).unwrap();
        let (locked, is_locked) = mpsc::channel();
        let (end, is_to_end) = mpsc::channel::<()>();
        let in_thread = mutex.clone();
        let holder = thread::spawn(move || {
            std::mem::forget(in_thread.lock().unwrap());
            locked.send(()).unwrap();
            is_to_end.recv().unwrap();
        });
        is_locked.recv().unwrap();
        let sleeper = || {
            let mutex = mutex.clone();
            thread::spawn(move || match mutex.try_lock_for(DEADLINE) {
                Err(LockError::OwnerDied(guard)) => guard.recovered(),
                other => panic!("{other:?}"),
            })
        };
        let sleepers = [sleeper(), sleeper(), sleeper()];
        thread::sleep(Duration::from_millis(20));
        end.send(()).unwrap();
        holder.join().unwrap();
        let first = sleepers.map(|it| it.join().unwrap()).into_iter().filter(|it| *it);
        assert_eq!(first.count(), 1, "one takes over, and the others hear of it");
    }
}

#[test]
fn a_guard_in_a_thread_local_is_given_back_at_the_end_of_the_thread() {
    thread_local!(static KEPT: RefCell<Option<MutexGuard<'static, i32>>> = const { RefCell::new(None) });
    let mutex: &'static Shared<_> = Box::leak(Box::new(Shared::new(Mutex::new(0)).unwrap()));
    thread::spawn(|| {
        // Known to the thread before its first lock, so that it is destroyed after what locking needs itself.
        KEPT.with_borrow(|kept| assert!(kept.is_none()));
        KEPT.set(Some(mutex.lock().unwrap()));
    })
    .join()
    .unwrap();
    assert!(mutex.try_lock().unwrap().is_some());
}

#[test]
fn memory_with_a_forgotten_lock_outlives_its_handles_and_its_thread() {
    for round in 0..50 {
        let shared = Shared::new(Mutex::new(round)).unwrap();
        thread::spawn(move || std::mem::forget(shared.lock().unwrap())).join().unwrap();
        let next = Shared::new(Mutex::new(round)).unwrap();
        assert_eq!(*next.lock().unwrap(), round);
    }
}

#[test]
fn forgotten_guards_outside_shared_memory_leave_nothing_dangling() {
    for round in 0..100 {
        let boxed = Box::new(Mutex::new([round; 16]));
        std::mem::forget(boxed.lock().unwrap());
        drop(boxed);
        let shared = Shared::new(Mutex::new(round)).unwrap();
        assert_eq!(*shared.lock().unwrap(), round);
    }
}

#[test]
fn many_locks_are_given_back_in_any_order() {
    let locks = Shared::from_fn(100, Mutex::new).unwrap();
    // Every third in order, then the others backwards: first out of the middle, then from both ends.
    let mut guards: Vec<_> = locks.iter().map(|lock| Some(lock.lock().unwrap())).collect();
    (0..100).step_by(3).for_each(|i| guards[i] = None);
    (0..100).rev().for_each(|i| guards[i] = None);
    let free: BTreeSet<_> = locks.iter().map(|lock| *lock.try_lock().unwrap().unwrap()).collect();
    assert_eq!(free.len(), 100);
    drop(guards);
}

#[test]
fn a_used_mutex_may_be_moved_into_shared_memory() {
    static FIXED: Mutex<u8> = Mutex::new(4);
    assert_eq!(*FIXED.lock().unwrap(), 4);

    let mut mutex = Mutex::new(1);
    *mutex.lock().unwrap() += 1;
    *mutex.get_mut() += 1;
    let shared = Shared::new(mutex).unwrap();
    *shared.lock().unwrap() += 1;
    assert_eq!(*shared.lock().unwrap(), 4);
    assert_eq!(Mutex::from(7).into_inner(), 7);
    assert_eq!(Mutex::<u8>::default().into_inner(), 0);
}

#[test]
fn what_is_printed_says_who_has_the_lock() {
    let mutex = Mutex::new("data");
    assert_eq!(format!("{mutex:?}"), r#"Mutex { data: "data", consistent: true, .. }"#);
    let guard = mutex.lock().unwrap();
    assert_eq!((format!("{guard:?}"), format!("{guard}")), ("\"data\"".into(), "data".into()));
    let pid = std::process::id();
    let thread = mutex.holder_thread().unwrap();
    assert_eq!(
        format!("{mutex:?}"),
        format!(
            "Mutex {{ locked: true, holder: Some({pid}), thread: Some({thread}), consistent: true, .. }}"
        )
    );
    drop(guard);
    assert_eq!((mutex.holder(), mutex.holder_thread()), (None, None));
}

#[test]
fn lock_errors_become_errors_of_the_crate() {
    fn twice(mutex: &Mutex<u8>) -> offspring::Result<u8> {
        let first = mutex.lock()?;
        let second = mutex.lock()?;
        Ok(*first + *second)
    }
    let error = twice(&Mutex::new(1)).unwrap_err();
    assert!(matches!(error, Error::Lock(LockError::Deadlock)));
    assert_eq!(error.to_string(), "this thread holds this lock already");
}

/// What `#[shared] impl` expands into.
#[derive(Debug)]
struct Account {
    balance: i64,
}

// SAFETY: a number.
unsafe impl Shareable for Account {
    const LAYOUT: u64 = 1;
}

impl Account {
    fn deposit(&mut self, amount: i64) -> i64 {
        assert!(amount >= 0, "as a test wants");
        self.balance += amount;
        self.balance
    }
    fn balance(&self) -> i64 {
        self.balance
    }
}

const _: () = {
    #[repr(transparent)]
    #[allow(unreachable_pub, reason = "as the macro writes it")]
    pub struct AccountMethods(Mutex<Account>);

    // SAFETY: transparent, around `Mutex<Account>`.
    unsafe impl offspring::__private::Locked for Account {
        type Methods = AccountMethods;
    }

    impl AccountMethods {
        fn deposit(&self, amount: i64) -> Result<i64, LockError> {
            let mut guard = self.0.lock().map_err(LockError::without_guard)?;
            Ok(Account::deposit(&mut guard, amount))
        }
        fn balance(&self) -> Result<i64, LockError> {
            let guard = self.0.lock().map_err(LockError::without_guard)?;
            Ok(Account::balance(&guard))
        }
    }
};

#[test]
fn methods_of_the_data_are_methods_of_its_mutex() {
    let account = Shared::new(Mutex::new(Account { balance: 10 })).unwrap();
    assert_eq!(account.deposit(5).unwrap(), 15);
    assert_eq!(account.balance().unwrap(), 15);
    assert!(thread::scope(|scope| scope.spawn(|| account.deposit(-1)).join()).is_err());
    assert!(matches!(account.balance(), Err(LockError::OwnerDied(()))));
    account.lock().unwrap_err().into_guard().unwrap().mark_consistent();
    let guard = account.lock().unwrap();
    assert!(matches!(account.balance(), Err(LockError::Deadlock)));
    assert_eq!(guard.balance(), 15);
}

/// `cargo test --release --test sync -- --ignored --nocapture`
#[test]
#[ignore = "a measurement"]
fn cost_of_lock_and_unlock_beside_that_of_std() {
    fn nanoseconds(mut step: impl FnMut()) -> f64 {
        const STEPS: u32 = 2_000_000;
        let round = |_| {
            let start = Instant::now();
            (0..STEPS).for_each(|_| step());
            start.elapsed().as_secs_f64() * 1e9 / f64::from(STEPS)
        };
        (0..15).map(round).fold(f64::INFINITY, f64::min)
    }
    let std = Arc::new(std::sync::Mutex::new(0_u64));
    let ours = Shared::new(Mutex::new(0_u64)).unwrap();
    let theirs = nanoseconds(|| *std::hint::black_box(&std).lock().unwrap() += 1);
    let own = nanoseconds(|| *std::hint::black_box(&ours).lock().unwrap() += 1);
    println!("std {theirs:.1} ns, ours {own:.1} ns, ratio {:.2}", own / theirs);
}
