//! A child that runs one operation an instruction at a time, and is killed when we say.

use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::SeqCst;

use nix::libc;
use nix::sys::ptrace;
use nix::sys::signal::{Signal, kill, raise};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::{ForkResult, Pid, fork};
use offspring::Shared;

use crate::scenes::Lock;

/// The operation has begun.
const BEGUN: u32 = 1;
/// The operation is over.
const OVER: u32 = 2;

/// The owner's part of a lock's first word; a victim has one thread, whose id is that of the process.
const TID_MASK: u32 = 0x3fff_ffff;

/// What is known of a victim's death.
#[derive(Debug)]
pub(crate) struct Death {
    /// For each lock of the scene: it was the victim's at the moment of death.
    pub(crate) held: Vec<bool>,
    /// For each lock of the scene: it was the victim's at some boundary of the operation.
    pub(crate) had: Vec<bool>,
}

/// A process in our hands.
pub(crate) struct Victim {
    pid: Pid,
    mark: Shared<AtomicU32>,
    had: Vec<bool>,
    /// Where its thread's list of held locks begins.
    head: usize,
}

/// Runs `body` in a child that ends with code 0, or 1 if it panics, and that dies with this program.
pub(crate) fn child(body: impl FnOnce()) -> Pid {
    // SAFETY: this program has one thread.
    match unsafe { fork() }.expect("a process more") {
        ForkResult::Parent { child } => child,
        ForkResult::Child => {
            nix::sys::prctl::set_pdeathsig(Signal::SIGKILL).expect("a valid signal");
            let ended = std::panic::catch_unwind(std::panic::AssertUnwindSafe(body));
            // SAFETY: ends the process without running what the parent left to run at exit.
            unsafe { libc::_exit(i32::from(ended.is_err())) }
        }
    }
}

/// The state of a process in `ps`: `S` is asleep.
pub(crate) fn is_asleep(pid: Pid) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(") ").is_some_and(|(_, rest)| rest.starts_with('S'))
}

/// Where the list of the locks that a process holds begins, in its memory.
fn head_of(pid: Pid) -> usize {
    let (mut head, mut len) = (0_usize, 0_usize);
    // SAFETY: the kernel writes one word into each variable.
    let failed =
        unsafe { libc::syscall(libc::SYS_get_robust_list, pid.as_raw(), &mut head, &mut len) };
    assert_eq!(failed, 0, "the kernel tells of its tracees");
    head
}

/// The bytes of a lock.
fn words(lock: &Lock) -> [u64; size_of::<Lock>() / size_of::<u64>()] {
    let first = std::ptr::from_ref(lock).cast::<u64>();
    std::array::from_fn(|index| {
        // SAFETY: inside the lock, which is made of words.
        let word = unsafe { first.add(index) };
        // SAFETY: as above. Volatile, because helpers may be changing it.
        unsafe { word.read_volatile() }
    })
}

impl Victim {
    /// Makes a child that has done `before`, and stands still before `operation`.
    pub(crate) fn new<T>(before: impl FnOnce() -> T, operation: impl FnOnce(T)) -> Self {
        let mark = Shared::new(AtomicU32::new(0)).expect("memory");
        let pid = child(|| {
            ptrace::traceme().expect("ptrace is allowed");
            let prepared = before();
            raise(Signal::SIGSTOP).expect("a valid signal");
            mark.store(BEGUN, SeqCst);
            operation(prepared);
            mark.store(OVER, SeqCst);
        });
        let stopped = waitpid(pid, None).expect("a child of ours");
        assert_eq!(stopped, WaitStatus::Stopped(pid, Signal::SIGSTOP), "the victim is not ready");
        Self { pid, mark, had: Vec::new(), head: head_of(pid) }
    }

    /// Lets it come to the first instruction of the operation.
    pub(crate) fn enter(&mut self) {
        while self.mark.load(SeqCst) < BEGUN {
            self.single_step(None);
        }
    }

    /// One instruction more; false when the operation is over. `unblock` is called when it sleeps in the kernel.
    pub(crate) fn step(&mut self, unblock: Option<&mut dyn FnMut()>) -> bool {
        self.single_step(unblock);
        self.mark.load(SeqCst) < OVER
    }

    fn single_step(&self, mut unblock: Option<&mut dyn FnMut()>) {
        ptrace::step(self.pid, None).expect("a stopped child of ours");
        let flags = unblock.is_some().then_some(WaitPidFlag::WNOHANG);
        let mut looks = 0_u32;
        loop {
            let status = waitpid(self.pid, flags).expect("a child of ours");
            match status {
                WaitStatus::Stopped(_, Signal::SIGTRAP) => return,
                WaitStatus::StillAlive => {}
                other => panic!("the victim did not stop after an instruction: {other:?}"),
            }
            looks += 1;
            if looks.is_multiple_of(500)
                && is_asleep(self.pid)
                && let Some(unblock) = unblock.as_mut()
            {
                unblock();
            }
            std::thread::yield_now();
        }
    }

    /// Remembers which of the locks it holds now.
    pub(crate) fn note_holding(&mut self, locks: &[&Lock]) {
        let held = self.holding(locks);
        self.had.resize(held.len(), false);
        self.had.iter_mut().zip(held).for_each(|(had, held)| *had |= held);
    }

    fn holding(&self, locks: &[&Lock]) -> Vec<bool> {
        locks.iter().map(|lock| words(lock)[0] as u32 & TID_MASK == self.own()).collect()
    }

    fn own(&self) -> u32 {
        self.pid.as_raw().unsigned_abs()
    }

    /// Kills it where it stands, and waits until it is gone.
    pub(crate) fn kill(mut self, locks: &[&Lock]) -> Death {
        self.note_holding(locks);
        let held = self.holding(locks);
        let named = locks.iter().map(|lock| lock.holder() == Some(self.own()));
        assert!(named.eq(held.iter().copied()), "the lock names its holder");
        kill(self.pid, Signal::SIGKILL).expect("a child of ours");
        let status = waitpid(self.pid, None).expect("a child of ours");
        assert!(matches!(status, WaitStatus::Signaled(_, Signal::SIGKILL, _)), "{status:?}");
        Death { held, had: self.had.clone() }
    }

    /// All that others can see of it: the bytes of the locks, and the head of its list of held locks.
    pub(crate) fn traces(&self, locks: &[&Lock]) -> Vec<u64> {
        let mut traces: Vec<u64> = locks.iter().flat_map(|lock| words(lock)).collect();
        traces.extend([0, 16].map(|offset| self.read(self.head + offset)));
        traces
    }

    fn read(&self, address: usize) -> u64 {
        let word = ptrace::read(self.pid, address as ptrace::AddressType).expect("mapped there");
        word.cast_unsigned()
    }

    /// Whether the next instruction is a system call.
    #[cfg(target_arch = "x86_64")]
    pub(crate) fn is_at_system_call(&self) -> bool {
        let at = ptrace::getregs(self.pid).expect("a stopped child of ours").rip;
        self.read(usize::try_from(at).expect("64 bits")) & 0xffff == 0x050f
    }

    /// Whether the next instruction is a system call: not known here, so that only what it changes counts.
    #[cfg(not(target_arch = "x86_64"))]
    pub(crate) fn is_at_system_call(&self) -> bool {
        false
    }
}
