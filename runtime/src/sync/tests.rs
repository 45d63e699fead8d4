//! A lock in a child made by a raw `clone`, which libc knows nothing of.

#![allow(unsafe_code, reason = "raw clone, kill and wait")]

use super::{LockError, Mutex};
use crate::Shared;
use crate::sys::robust;

/// Runs `body` in a child that then kills itself, and waits for its end.
fn in_cloned_child(body: impl FnOnce()) {
    robust::prepare();
    // SAFETY: a fork in all but name: no memory is shared, and the child runs only `body`, which takes locks of ours
    // and allocates nothing.
    let pid = unsafe { libc::syscall(libc::SYS_clone, libc::SIGCHLD, 0, 0, 0, 0) };
    if pid == 0 {
        robust::renew_in_child();
        body();
        // SAFETY: ends this child, at once.
        unsafe { libc::raise(libc::SIGKILL) };
    }
    assert!(pid > 0);
    let mut status = 0;
    // SAFETY: a child of ours that nobody else waits for.
    let waited = unsafe { libc::waitpid(pid as libc::pid_t, &mut status, 0) };
    assert_eq!((i64::from(waited), status), (pid, libc::SIGKILL));
}

#[test]
fn a_cloned_child_that_dies_with_a_lock_is_reported() {
    let mutex = Shared::new(Mutex::new(0)).unwrap();
    let outer = Shared::new(Mutex::new(0)).unwrap();
    *mutex.lock().unwrap() += 1;
    let held = outer.lock().unwrap();
    in_cloned_child(|| {
        // The parent's, not this child's: neither a deadlock nor given back at the child's death.
        if matches!(outer.try_lock(), Ok(None)) {
            *mutex.lock().unwrap() += 1;
            std::mem::forget(mutex.lock());
        }
    });
    match mutex.try_lock() {
        Err(LockError::OwnerDied(guard)) => assert_eq!(*guard, 2),
        other => panic!("{other:?}"),
    }
    drop(held);
    assert!(outer.try_lock().unwrap().is_some());
}

#[test]
fn a_thread_knows_whether_it_holds_a_lock_in_shared_memory() {
    let locks = Shared::from_fn(40, Mutex::new).unwrap();
    let private = Mutex::new(0);
    let in_private = private.lock().unwrap();
    // Copied with the rest of the process: nobody else sees it.
    assert!(!robust::holds_any());
    let guards: Vec<_> = locks.iter().map(|lock| lock.lock().unwrap()).collect();
    assert!(robust::holds_any());
    assert!(!std::thread::spawn(robust::holds_any).join().unwrap());
    let in_child = Shared::new(Mutex::new(true)).unwrap();
    in_cloned_child(|| {
        let holds_any = robust::holds_any();
        *in_child.lock().unwrap() = holds_any;
    });
    assert!(!*in_child.lock().unwrap());
    for guard in guards {
        assert!(robust::holds_any());
        drop(guard);
    }
    assert!(!robust::holds_any());
    drop(in_private);
    // In a child, because a process that was left a lock has it for good.
    in_cloned_child(|| {
        std::mem::forget(locks[0].lock());
        let holds_any = robust::holds_any();
        *in_child.lock().unwrap() = holds_any;
    });
    assert!(*in_child.lock().unwrap());
}
