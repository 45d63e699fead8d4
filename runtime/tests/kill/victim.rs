//! A child that runs one operation an instruction at a time, and is killed when we say.

use std::io::IoSliceMut;
use std::iter;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::SeqCst;
use std::time::{Duration, Instant};

use nix::libc;
use nix::sys::ptrace;
use nix::sys::signal::{Signal, kill, raise};
use nix::sys::uio::{RemoteIoVec, process_vm_readv};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::{ForkResult, Pid, fork};
use offspring::Shared;

use crate::DEADLINE;

/// The operation has begun; the steps that it tells of are counted on from here.
const BEGUN: u32 = 1;
/// The operation is over.
const OVER: u32 = u32::MAX;

/// Bytes of `struct robust_list_head`.
pub(crate) const HEAD_BYTES: usize = 24;

/// What is known of a victim's death.
#[derive(Debug)]
pub(crate) struct Death {
    /// When it was killed: what the survivors' time is measured from.
    pub(crate) at: Instant,
    /// For each thing that the scene asks about (`Scene::holds`): it was the victim's at the moment of death.
    pub(crate) held: Vec<bool>,
    /// The same: it was the victim's at some boundary of the operation.
    pub(crate) had: Vec<bool>,
    /// The last step that the operation said it had done ([`Steps`]). The next one may be done as well.
    pub(crate) step: u32,
    /// The operation was over.
    pub(crate) over: bool,
}

impl Death {
    /// How long ago that is.
    pub(crate) fn age(&self) -> Duration {
        self.at.elapsed()
    }
}

/// The operation's way to say how far it is, where the memory of the scene does not show it.
pub(crate) struct Steps<'a>(&'a AtomicU32);

impl Steps<'_> {
    /// From here on it is run one instruction at a time.
    pub(crate) fn begin(&self) {
        raise(Signal::SIGSTOP).expect("a valid signal");
        self.0.store(BEGUN, SeqCst);
    }

    /// All up to this line is done. Steps count up from 1.
    pub(crate) fn done(&self, step: u32) {
        self.0.store(BEGUN + step, SeqCst);
    }
}

/// Where the bytes are that outlive the victim: some pieces.
#[derive(Clone, Debug)]
pub(crate) struct Memory(Vec<RemoteIoVec>);

impl Memory {
    /// All of a value in shared memory.
    pub(crate) fn of<T: ?Sized>(value: &T) -> Self {
        Self::at([(std::ptr::from_ref(value).cast::<u8>().addr(), size_of_val(value))])
    }

    /// Pieces of memory by their addresses and sizes.
    pub(crate) fn at(pieces: impl IntoIterator<Item = (usize, usize)>) -> Self {
        Self(pieces.into_iter().map(|(base, len)| RemoteIoVec { base, len }).collect())
    }

    fn size(&self) -> usize {
        self.0.iter().map(|piece| piece.len).sum()
    }
}

/// A process in our hands.
pub(crate) struct Victim {
    pid: Pid,
    mark: Shared<AtomicU32>,
    had: Vec<bool>,
    /// Where its thread's list of held locks begins.
    head: usize,
}

/// Runs `body` in a child that ends with the code that it returns, or 101 if it panics, and that dies with this program.
pub(crate) fn child(body: impl FnOnce() -> u8) -> Pid {
    // SAFETY: this program has one thread.
    match unsafe { fork() }.expect("a process more") {
        ForkResult::Parent { child } => child,
        ForkResult::Child => {
            nix::sys::prctl::set_pdeathsig(Signal::SIGKILL).expect("a valid signal");
            // Somebody waits for it without a deadline.
            nix::unistd::alarm::set(u32::try_from(DEADLINE.as_secs()).expect("a minute or so"));
            let ended = std::panic::catch_unwind(std::panic::AssertUnwindSafe(body));
            // SAFETY: ends the process without running what the parent left to run at exit.
            unsafe { libc::_exit(i32::from(ended.unwrap_or(101))) }
        }
    }
}

/// The state of a process in `ps`.
fn is_in_state(pid: Pid, state: char) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(") ").is_some_and(|(_, rest)| rest.starts_with(state))
}

/// Whether a process is asleep.
pub(crate) fn is_asleep(pid: Pid) -> bool {
    is_in_state(pid, 'S')
}

/// Whether a child of ours has ended, and waits to be asked how.
pub(crate) fn is_over(pid: Pid) -> bool {
    is_in_state(pid, 'Z')
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

impl Victim {
    /// Makes a child that has done `before`, and stands still before `operation`.
    pub(crate) fn new<T>(
        before: impl FnOnce() -> T,
        operation: impl FnOnce(T, &Steps<'_>),
    ) -> Self {
        Self::in_the_middle(|steps| {
            let prepared = before();
            steps.begin();
            operation(prepared, steps);
        })
    }

    /// Makes a child that stands still where this begins the operation ([`Steps::begin`]), inside of something else perhaps.
    pub(crate) fn in_the_middle(body: impl FnOnce(&Steps<'_>)) -> Self {
        let mark = Shared::new(AtomicU32::new(0)).expect("memory");
        let pid = child(|| {
            ptrace::traceme().expect("ptrace is allowed");
            body(&Steps(&mark));
            mark.store(OVER, SeqCst);
            // Seen by nobody who goes one instruction at a time.
            raise(Signal::SIGSTOP).expect("a valid signal");
            0
        });
        let stopped = waitpid(pid, None).expect("a child of ours");
        assert_eq!(stopped, WaitStatus::Stopped(pid, Signal::SIGSTOP), "the victim is not ready");
        Self { pid, mark, had: Vec::new(), head: head_of(pid) }
    }

    /// Its process, and its only thread.
    pub(crate) fn id(&self) -> u32 {
        self.pid.as_raw().unsigned_abs()
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

    /// On to the beginning or the end of the next system call; false when the operation is over. A victim that is killed at the
    /// beginning has not made the call.
    pub(crate) fn step_to_call(&mut self) -> bool {
        ptrace::syscall(self.pid, None).expect("a stopped child of ours");
        match waitpid(self.pid, None).expect("a child of ours") {
            WaitStatus::Stopped(_, Signal::SIGTRAP) => self.mark.load(SeqCst) < OVER,
            other => panic!("the victim did not stop at a system call: {other:?}"),
        }
    }

    /// Where the word of this number among its [`traces`](Self::traces) is.
    pub(crate) fn place_of(&self, word: usize, memory: &Memory) -> usize {
        let mut rest = word * 8;
        let head = RemoteIoVec { base: self.head, len: HEAD_BYTES };
        for piece in iter::once(&head).chain(&memory.0) {
            if rest < piece.len {
                return piece.base + rest;
            }
            rest -= piece.len;
        }
        panic!("there are not so many words");
    }

    /// A word of its memory.
    pub(crate) fn word(&self, place: usize) -> i64 {
        ptrace::read(self.pid, place as ptrace::AddressType).expect("it is mapped")
    }

    /// Has the processor stop it after each store to this word, or not any more. Not every machine can.
    #[cfg(target_arch = "x86_64")]
    pub(crate) fn watch(&self, place: Option<usize>) -> nix::Result<()> {
        let register = |number: usize| {
            let all = std::mem::offset_of!(libc::user, u_debugreg);
            (all + number * size_of::<u64>()) as ptrace::AddressType
        };
        let set = |number, value| ptrace::write_user(self.pid, register(number), value);
        // Off while the address changes. Then: register 0 is on, for stores, of eight bytes.
        set(7, 0)?;
        let Some(place) = place else { return Ok(()) };
        set(0, place as libc::c_long)?;
        set(7, 0b1001 << 16 | 1)
    }

    /// Has the processor stop it after each store to this word: not known here.
    #[cfg(not(target_arch = "x86_64"))]
    pub(crate) fn watch(&self, _: Option<usize>) -> nix::Result<()> {
        Err(nix::Error::ENOSYS)
    }

    /// Lets it run until it is stopped; false when the operation is over.
    pub(crate) fn run(&self) -> bool {
        ptrace::cont(self.pid, None).expect("a stopped child of ours");
        let status = waitpid(self.pid, None).expect("a child of ours");
        match status {
            WaitStatus::Stopped(_, Signal::SIGTRAP) => true,
            WaitStatus::Stopped(_, Signal::SIGSTOP) if self.mark.load(SeqCst) == OVER => false,
            other => panic!("the victim did not stop after a store: {other:?}"),
        }
    }

    fn single_step(&self, mut unblock: Option<&mut dyn FnMut()>) {
        ptrace::step(self.pid, None).expect("a stopped child of ours");
        let flags = unblock.is_some().then_some(WaitPidFlag::WNOHANG);
        let (mut looks, mut asked) = (0_u32, Instant::now());
        loop {
            let status = waitpid(self.pid, flags).expect("a child of ours");
            match status {
                WaitStatus::Stopped(_, Signal::SIGTRAP) => return,
                WaitStatus::StillAlive => {}
                other => panic!("the victim did not stop after an instruction: {other:?}"),
            }
            looks += 1;
            // Seldom, but before it wakes up from its nap, however long a yield takes on a busy machine.
            if looks.is_multiple_of(500) || asked.elapsed() > Duration::from_millis(20) {
                asked = Instant::now();
                if is_asleep(self.pid)
                    && let Some(unblock) = unblock.as_mut()
                {
                    unblock();
                }
            }
            std::thread::yield_now();
        }
    }

    /// Remembers which things are its own now.
    pub(crate) fn note_holding(&mut self, holds: &[bool]) {
        self.had.resize(holds.len(), false);
        self.had.iter_mut().zip(holds).for_each(|(had, held)| *had |= held);
    }

    /// Kills it where it stands, and waits until it is gone.
    pub(crate) fn kill(mut self, held: Vec<bool>) -> Death {
        self.note_holding(&held);
        let mark = self.mark.load(SeqCst);
        let at = Instant::now();
        kill(self.pid, Signal::SIGKILL).expect("a child of ours");
        let status = waitpid(self.pid, None).expect("a child of ours");
        assert!(matches!(status, WaitStatus::Signaled(_, Signal::SIGKILL, _)), "{status:?}");
        let (step, over) = (mark.saturating_sub(BEGUN), mark == OVER);
        Death { at, held, had: self.had, step, over }
    }

    /// All that others can see of it: the memory of the scene, and the head of its list of held locks.
    pub(crate) fn traces(&self, memory: Memory) -> Vec<u8> {
        let mut bytes = vec![0; HEAD_BYTES + memory.size()];
        let head = RemoteIoVec { base: self.head, len: HEAD_BYTES };
        let places: Vec<_> = iter::once(head).chain(memory.0).collect();
        // The victim has the scene's memory where we have it, being a fork.
        let read = process_vm_readv(self.pid, &mut [IoSliceMut::new(&mut bytes)], &places);
        assert_eq!(read.expect("a tracee's memory"), bytes.len());
        bytes
    }

    /// Whether the next instruction is a system call.
    #[cfg(target_arch = "x86_64")]
    pub(crate) fn is_at_system_call(&self) -> bool {
        let at = ptrace::getregs(self.pid).expect("a stopped child of ours").rip;
        let word = ptrace::read(self.pid, at as ptrace::AddressType).expect("mapped there");
        word.cast_unsigned() & 0xffff == 0x050f
    }

    /// Whether the next instruction is a system call: not known here, so that only what it changes counts.
    #[cfg(not(target_arch = "x86_64"))]
    pub(crate) fn is_at_system_call(&self) -> bool {
        false
    }
}
