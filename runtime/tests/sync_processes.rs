//! `Mutex` between processes, and what their deaths do to it. Forks, so that it is a single-threaded program.

#![allow(unsafe_code, reason = "fork, and glibc's own robust mutexes beside ours")]

use std::mem::MaybeUninit;
use std::sync::atomic::Ordering::SeqCst;
use std::sync::atomic::{AtomicU32, AtomicU64};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::{ForkResult, Pid, fork};
use offspring::Shared;
use offspring::sync::{LockError, Mutex, MutexGuard};

/// Longer than any machine takes; only a failure ever waits for it.
const DEADLINE: Duration = Duration::from_secs(60);

/// Runs `body` in a child, which ends with code 0, or 1 if it panics.
fn child(body: impl FnOnce()) -> Pid {
    // SAFETY: this program has one thread.
    match unsafe { fork() }.expect("a process more") {
        ForkResult::Parent { child } => child,
        ForkResult::Child => {
            // A failed test must not leave its children behind.
            nix::sys::prctl::set_pdeathsig(Signal::SIGKILL).unwrap();
            let ended = std::panic::catch_unwind(std::panic::AssertUnwindSafe(body));
            // SAFETY: ends the process without running what the parent left to run at exit.
            unsafe { nix::libc::_exit(i32::from(ended.is_err())) }
        }
    }
}

fn assert_ends_well(pid: Pid) {
    assert_eq!(waitpid(pid, None).unwrap(), WaitStatus::Exited(pid, 0));
}

fn kill_and_reap(pid: Pid) {
    kill(pid, Signal::SIGKILL).unwrap();
    assert!(matches!(waitpid(pid, None).unwrap(), WaitStatus::Signaled(_, Signal::SIGKILL, _)));
}

/// For ever, until a signal.
fn sleep_until_killed() -> ! {
    loop {
        thread::park();
    }
}

#[track_caller]
fn wait_until(what: impl Fn() -> bool) {
    let start = Instant::now();
    while !what() {
        assert!(start.elapsed() < DEADLINE, "it never happens");
        thread::sleep(Duration::from_micros(200));
    }
}

/// The state of a process in `ps`: `S` is asleep.
fn is_asleep(pid: Pid) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    stat.rsplit_once(") ").unwrap().1.starts_with('S')
}

fn died<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    match mutex.try_lock_for(DEADLINE) {
        Err(LockError::OwnerDied(guard)) => guard,
        Err(other) => panic!("{other}"),
        Ok(None) => panic!("the lock of the dead is never given back"),
        Ok(Some(_)) => panic!("the death is not reported"),
    }
}

fn a_million_increments_by_four_processes_are_all_there() {
    let total = Shared::new(Mutex::new(0_u64)).unwrap();
    let add = || (0..250_000).for_each(|_| *total.lock().unwrap() += 1);
    let children: Vec<_> = (0..4).map(|_| child(add)).collect();
    children.into_iter().for_each(assert_ends_well);
    assert_eq!(*total.lock().unwrap(), 1_000_000);
}

fn a_killed_holder_is_reported_until_its_data_is_healed() {
    let mutex = Shared::new(Mutex::new((0, 0))).unwrap();
    let holder = child(|| {
        mutex.lock().unwrap().0 = 1;
        let _guard = mutex.lock().unwrap();
        sleep_until_killed();
    });
    wait_until(|| mutex.holder() == Some(holder.as_raw().unsigned_abs()));
    wait_until(|| is_asleep(holder));
    assert!(mutex.try_lock().unwrap().is_none());
    kill_and_reap(holder);
    // No waiting: the kernel gave the lock back before the process was gone.
    assert!(matches!(mutex.try_lock(), Err(LockError::OwnerDied(_))));
    assert_ends_well(child(|| assert_eq!(died(&mutex).0, 1)));
    let mut guard = died(&mutex);
    guard.1 = guard.0;
    guard.mark_consistent();
    drop(guard);
    assert_ends_well(child(|| assert_eq!(*mutex.lock().unwrap(), (1, 1))));
}

fn a_holder_that_exits_is_reported() {
    let mutex = Shared::new(Mutex::new(())).unwrap();
    assert_ends_well(child(|| std::mem::forget(mutex.lock().unwrap())));
    drop(died(&mutex));
}

fn a_sleeper_learns_of_the_death_of_the_holder() {
    let mutex = Shared::new(Mutex::new(())).unwrap();
    let holder = child(|| {
        let _guard = mutex.lock().unwrap();
        sleep_until_killed();
    });
    wait_until(|| mutex.is_locked());
    let sleepers: Vec<_> = (0..3).map(|_| child(|| drop(died(&mutex)))).collect();
    wait_until(|| sleepers.iter().all(|pid| is_asleep(*pid)));
    kill_and_reap(holder);
    sleepers.into_iter().for_each(assert_ends_well);
}

fn a_killed_sleeper_is_not_noticed() {
    let mutex = Shared::new(Mutex::new(())).unwrap();
    let guard = mutex.lock().unwrap();
    let wait = || drop(mutex.lock().unwrap());
    let (one, two) = (child(wait), child(wait));
    wait_until(|| is_asleep(one) && is_asleep(two));
    kill_and_reap(one);
    drop(guard);
    assert_ends_well(two);
    assert!(mutex.is_consistent() && !mutex.is_locked());
}

fn a_forked_copy_of_a_guard_gives_nothing_back() {
    let mutex = Shared::new(Mutex::new(5)).unwrap();
    let mut guard = Some(mutex.lock().unwrap());
    assert_ends_well(child(|| {
        // Not a deadlock: it is the parent that has the lock.
        assert!(mutex.try_lock().unwrap().is_none());
        drop(guard.take());
        assert!(mutex.try_lock().unwrap().is_none());
    }));
    assert_ends_well(child(|| assert!(mutex.is_locked())));
    assert_eq!(guard.as_deref(), Some(&5));
    drop(guard);
    assert_ends_well(child(|| assert_eq!(*mutex.lock().unwrap(), 5)));
    assert!(mutex.is_consistent());
}

fn children_of_children_lock_in_their_own_name() {
    let mutex = Shared::new(Mutex::new(())).unwrap();
    let check = || {
        let _guard = mutex.lock().unwrap();
        assert_eq!(mutex.holder(), Some(std::process::id()));
        assert!(matches!(mutex.lock(), Err(LockError::Deadlock)));
    };
    check();
    assert_ends_well(child(|| {
        check();
        assert_ends_well(child(check));
    }));
}

fn everything_that_one_process_held_is_reported() {
    let locks = Shared::from_fn(50, Mutex::new).unwrap();
    let other = Shared::new(Mutex::new(0)).unwrap();
    let holder = child(|| {
        let mut guards: Vec<_> = locks.iter().map(|lock| Some(lock.lock().unwrap())).collect();
        let _other = other.lock().unwrap();
        (0..50).step_by(7).for_each(|i| guards[i] = None);
        sleep_until_killed();
    });
    wait_until(|| other.is_locked());
    wait_until(|| (0..50).step_by(7).all(|i| !locks[i].is_locked()));
    kill_and_reap(holder);
    drop(died(&other));
    for (i, lock) in locks.iter().enumerate() {
        match i % 7 {
            0 => assert_eq!(*lock.lock().unwrap(), i),
            _ => assert_eq!(*died(lock), i),
        }
    }
}

fn what_an_ended_thread_held_is_reported_while_its_process_lives() {
    // More than one, with one between them that is given back: the kernel's list must be in order after that.
    let locks = Shared::from_fn(4, Mutex::new).unwrap();
    let own = Shared::new(Mutex::new(0)).unwrap();
    let holder = child(|| {
        let in_thread = locks.clone();
        thread::spawn(move || {
            std::mem::forget(in_thread[0].lock().unwrap());
            let between = in_thread[1].lock().unwrap();
            std::mem::forget(in_thread[2].lock().unwrap());
            drop(between);
        })
        .join()
        .unwrap();
        assert_eq!(*locks[1].lock().unwrap(), 1);
        let _own = own.lock().unwrap();
        sleep_until_killed();
    });
    wait_until(|| own.is_locked());
    // No waiting: they were free before the thread was gone.
    assert!(matches!(locks[0].try_lock(), Err(LockError::OwnerDied(_))));
    assert!(matches!(locks[2].try_lock(), Err(LockError::OwnerDied(_))));
    assert!(matches!(locks[3].try_lock(), Ok(Some(_))));
    kill_and_reap(holder);
    assert_eq!(*locks[1].lock().unwrap(), 1);
    drop(died(&own));
}

fn one_asleep_gets_what_a_thread_of_another_process_held_when_it_ends() {
    let mutex = Shared::new(Mutex::new(())).unwrap();
    let end = Shared::new(AtomicU32::new(0)).unwrap();
    let holder = child(|| {
        thread::scope(|scope| {
            scope.spawn(|| {
                std::mem::forget(mutex.lock().unwrap());
                wait_until(|| end.load(SeqCst) == 1);
            });
        });
        wait_until(|| end.load(SeqCst) == 2);
    });
    wait_until(|| mutex.is_locked());
    assert_eq!(mutex.holder(), Some(holder.as_raw().unsigned_abs()));
    assert_ne!(mutex.holder_thread(), mutex.holder());
    let sleepers: Vec<_> = (0..3).map(|_| child(|| drop(died(&mutex)))).collect();
    wait_until(|| sleepers.iter().all(|pid| is_asleep(*pid)));
    end.store(1, SeqCst);
    sleepers.into_iter().for_each(assert_ends_well);
    end.store(2, SeqCst);
    assert_ends_well(holder);
}

fn what_a_leaked_guard_of_an_ended_thread_lent_is_reported_when_its_process_is_dead() {
    let locks: &'static Shared<[Mutex<usize>]> =
        Box::leak(Box::new(Shared::from_fn(2, Mutex::new).unwrap()));
    let own = Shared::new(Mutex::new(0)).unwrap();
    let holder = child(|| {
        let leak = |at: usize| {
            let guard = Box::leak(Box::new(locks[at].lock().unwrap()));
            **guard += 1;
        };
        thread::spawn(move || (0..2).for_each(leak)).join().unwrap();
        // In this thread's name now, which does not have the guard.
        assert!(matches!(locks[0].try_lock(), Err(LockError::Deadlock)));
        assert!(matches!(locks[1].lock(), Err(LockError::Deadlock)));
        let _own = own.lock().unwrap();
        sleep_until_killed();
    });
    wait_until(|| own.is_locked());
    let naps = Duration::from_millis(700);
    assert!(locks[0].try_lock_for(naps).unwrap().is_none());
    assert_eq!(locks[1].holder(), Some(holder.as_raw().unsigned_abs()));
    kill_and_reap(holder);
    assert_eq!((*died(&locks[0]), *died(&locks[1])), (1, 2));
    drop(died(&own));
}

/// A process-shared robust mutex of glibc, in memory that is shared already.
type Pthread = MaybeUninit<nix::libc::pthread_mutex_t>;

fn make_pthread(at: *mut Pthread) {
    use nix::libc;
    let mut attributes = MaybeUninit::uninit();
    // SAFETY: uninitialised attributes, to be initialised.
    let made = unsafe { libc::pthread_mutexattr_init(attributes.as_mut_ptr()) };
    let all = attributes.as_mut_ptr();
    // SAFETY: initialised above.
    let shared = unsafe { libc::pthread_mutexattr_setpshared(all, libc::PTHREAD_PROCESS_SHARED) };
    // SAFETY: initialised above.
    let robust = unsafe { libc::pthread_mutexattr_setrobust(all, libc::PTHREAD_MUTEX_ROBUST) };
    // SAFETY: memory that is large enough, aligned, and in nobody's use.
    let ready = unsafe { libc::pthread_mutex_init(at.cast(), all) };
    assert_eq!([made, shared, robust, ready], [0; 4]);
}

fn glibc_and_we_share_one_list() {
    use nix::libc::{EOWNERDEAD, pthread_mutex_lock, pthread_mutex_trylock, pthread_mutex_unlock};
    let ours = Shared::from_fn(3, Mutex::new).unwrap();
    let memory = Shared::from_fn(3 * 16, |_| AtomicU64::new(0)).unwrap();
    let glibcs: Vec<*mut nix::libc::pthread_mutex_t> =
        (0..3).map(|i| std::ptr::from_ref(&memory[i * 16]).cast_mut().cast()).collect();
    glibcs.iter().for_each(|at| make_pthread(at.cast()));
    let holder = child(|| {
        // SAFETY: initialised above, locked and unlocked by this thread.
        let (lock, unlock) = (
            |i: usize| assert_eq!(unsafe { pthread_mutex_lock(glibcs[i]) }, 0),
            |i: usize| assert_eq!(unsafe { pthread_mutex_unlock(glibcs[i]) }, 0),
        );
        let first = ours[0].lock().unwrap();
        lock(0);
        let second = ours[1].lock().unwrap();
        lock(1);
        let third = ours[2].lock().unwrap();
        lock(2);
        // Out of the middle, each between neighbours of the other kind.
        drop(second);
        unlock(1);
        drop(first);
        unlock(2);
        std::mem::forget(third);
        sleep_until_killed();
    });
    wait_until(|| ours[2].is_locked() && is_asleep(holder));
    kill_and_reap(holder);
    assert_eq!((*ours[0].lock().unwrap(), *ours[1].lock().unwrap()), (0, 1));
    assert_eq!(*died(&ours[2]), 2);
    // SAFETY: initialised above.
    let states = glibcs.iter().map(|at| unsafe { pthread_mutex_trylock(*at) });
    assert_eq!(states.collect::<Vec<_>>(), [EOWNERDEAD, 0, 0]);
    // They must not be on this thread's list any more when their memory is unmapped.
    for at in &glibcs {
        // SAFETY: initialised above, and locked by this thread.
        assert_eq!(unsafe { pthread_mutex_unlock(*at) }, 0);
    }
}

fn killing_at_random_tears_nothing_and_stops_nobody() {
    const ROUNDS: usize = 60;
    let pair = Shared::new(Mutex::new((0_u64, 0_u64))).unwrap();
    let seen_dead = Shared::new(AtomicU32::new(0)).unwrap();
    let work = || {
        loop {
            let mut pair = pair
                .lock()
                .or_else(|error| {
                    seen_dead.fetch_add(1, SeqCst);
                    error.recover(|pair| pair.1 = pair.0)
                })
                .unwrap();
            assert_eq!(pair.0, pair.1);
            pair.0 += 1;
            std::hint::black_box(&mut pair.0);
            pair.1 += 1;
        }
    };
    let mut workers: Vec<_> = (0..3).map(|_| child(work)).collect();
    for round in 0..ROUNDS {
        let before = pair.try_lock_for(DEADLINE);
        let before = match before {
            Ok(guard) => guard.expect("the lock comes").0,
            Err(error) => error.into_guard().unwrap().0,
        };
        wait_until(|| match pair.try_lock() {
            Ok(guard) => guard.is_some_and(|pair| pair.0 > before + 1000),
            Err(_) => false,
        });
        kill_and_reap(std::mem::replace(&mut workers[round % 3], child(work)));
    }
    workers.into_iter().for_each(kill_and_reap);
    let guard = pair.lock().or_else(|error| error.recover(|pair| pair.1 = pair.0)).unwrap();
    assert_eq!(guard.0, guard.1);
}

/// Nobody starves: of four that contend all the time, the slowest gets at least half of an equal share. (Counted until
/// that is so: what else the machine does meanwhile is not the lock's fault, and starving does not end.)
fn four_who_contend_all_get_their_share() {
    let lock = Shared::new(Mutex::new(())).unwrap();
    let counts = Shared::from_fn(4, |_| AtomicU64::new(0)).unwrap();
    let work = |at: usize| {
        loop {
            // In the end they are killed one after the other.
            let _guard = lock.lock().or_else(|error| error.recover(|()| ())).unwrap();
            counts[at].fetch_add(1, SeqCst);
        }
    };
    let workers: Vec<_> = (0..4).map(|at| child(|| work(at))).collect();
    wait_until(|| {
        thread::sleep(Duration::from_millis(500));
        let counts: Vec<_> = counts.iter().map(|count| count.load(SeqCst)).collect();
        let slowest = counts.iter().min().unwrap();
        *slowest > 1000 && slowest * 8 >= counts.iter().sum()
    });
    workers.into_iter().for_each(kill_and_reap);
}

/// Also over several looks around.
fn one_who_waits_uses_no_processor() {
    let lock = Shared::new(Mutex::new(())).unwrap();
    let guard = lock.lock().unwrap();
    let waiter = child(|| drop(lock.lock().unwrap()));
    wait_until(|| is_asleep(waiter));
    // User and system time, in hundredths of a second.
    let used = || {
        let stat = std::fs::read_to_string(format!("/proc/{waiter}/stat")).unwrap();
        let fields = stat.rsplit_once(") ").unwrap().1.split(' ');
        fields.skip(11).take(2).map(|field| field.parse::<u64>().unwrap()).sum::<u64>()
    };
    let before = used();
    thread::sleep(Duration::from_millis(1800));
    assert!(used() - before <= 2, "{} ticks", used() - before);
    drop(guard);
    assert_ends_well(waiter);
}

macro_rules! cases {
    ($($case:ident)*) => { [$((stringify!($case), $case as fn())),*] };
}

fn main() {
    let cases = cases! {
        a_million_increments_by_four_processes_are_all_there
        a_killed_holder_is_reported_until_its_data_is_healed
        a_holder_that_exits_is_reported
        a_sleeper_learns_of_the_death_of_the_holder
        a_killed_sleeper_is_not_noticed
        a_forked_copy_of_a_guard_gives_nothing_back
        children_of_children_lock_in_their_own_name
        everything_that_one_process_held_is_reported
        what_an_ended_thread_held_is_reported_while_its_process_lives
        one_asleep_gets_what_a_thread_of_another_process_held_when_it_ends
        what_a_leaked_guard_of_an_ended_thread_lent_is_reported_when_its_process_is_dead
        glibc_and_we_share_one_list
        killing_at_random_tears_nothing_and_stops_nobody
        four_who_contend_all_get_their_share
        one_who_waits_uses_no_processor
    };
    let filter = std::env::args().skip(1).find(|argument| !argument.starts_with('-'));
    for (name, case) in cases {
        if filter.as_ref().is_none_or(|filter| name.contains(filter.as_str())) {
            case();
            println!("test {name} ... ok");
        }
    }
}
