//! The kernel's list of the locks that a thread holds, which it reads when the thread dies, however it dies.
//!
//! Each thread has one such list, and glibc owns its head (its own robust mutexes are on it). We put our locks on
//! the same list, by glibc's rules, so that entries of both kinds can be neighbours:
//!
//! ```text
//! head (in glibc's memory)          a lock of ours (in shared memory)
//! -8   robust_prev                   0  the futex word: tid | WAITERS | OWNER_DIED
//!  0   next  ─────────────────────┐  …
//!  8   futex_offset = -32         │  24 prev
//! 16   list_op_pending            └► 32 next ──► … ──► head
//! ```
//! Pointers aim at `next`; the futex word is where `futex_offset` says, `prev` is the word before. Bit 0 of a pointer
//! marks glibc's priority-inheriting mutexes and is masked.
//!
//! Kill points: `begin` names the lock in `list_op_pending` before its word changes and `end` clears that after
//! the list is in order again, so that a thread killed at any instruction between has the lock on the list, or
//! pending, or both. The kernel acts on a lock only when its word holds the tid of the dead thread. A pending lock
//! without an owner gets one of its sleepers woken, so that no wake-up dies with the one who should act on it.
//! All of this is read by the kernel on behalf of the same thread, so that program order is enough: compiler
//! fences, no barriers.
//!
//! # Safety
//! Invariant 1: what is on a thread's list stays mapped, and where it is. Only locks inside our own segments are put on
//! it, nobody moves them (`sync::mutex`, Invariant 2), and a segment asks [`any_within`](super::held::any_within) before
//! it unmaps itself: a guard that was forgotten keeps its segment mapped until its thread is gone.
//! Invariant 2: the links of a lock are written only by the thread that holds it. Invariant 3: a [`Thread`] is used
//! only on the thread that it describes (it is not `Send`).

#![allow(
    unsafe_code,
    reason = "the robust list is a contract in raw pointers with the kernel and glibc"
)]

use std::cell::Cell;
use std::ptr::{self, NonNull};
use std::sync::Once;
use std::sync::atomic::Ordering::{Relaxed, SeqCst};
use std::sync::atomic::{AtomicPtr, compiler_fence};

use super::held::Held;

/// Where the futex word lies, seen from `next`: where glibc has it on every 64-bit system.
const FUTEX_OFFSET: libc::c_long = -32;

/// One pointer of the list; it aims at another `Link`, possibly with bit 0 set.
#[repr(transparent)]
#[derive(Debug)]
struct Link(AtomicPtr<Link>);

/// The two pointers in each lock. They mean something only to the thread that holds it.
#[repr(C)]
#[derive(Debug)]
pub(crate) struct Links {
    prev: Link,
    next: Link,
}

impl Links {
    /// On no list.
    pub(crate) const fn new() -> Self {
        Self {
            prev: Link(AtomicPtr::new(ptr::null_mut())),
            next: Link(AtomicPtr::new(ptr::null_mut())),
        }
    }

    /// What the list's pointers aim at; derived from the whole pair, so that `prev` is in its reach.
    fn node(&self) -> *mut Link {
        ptr::from_ref(self).cast::<Link>().wrapping_add(1).cast_mut()
    }
}

/// `struct robust_list_head` of `<linux/futex.h>`.
#[repr(C)]
#[derive(Debug)]
struct Head {
    list: Link,
    futex_offset: libc::c_long,
    pending: AtomicPtr<Link>,
}

/// The calling thread, as locks need to know it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Thread {
    /// Its kernel id; 0 before the first use.
    tid: u32,
    /// Null when the thread has no list that our locks fit on.
    head: *mut Head,
    held: Option<&'static Held>,
}

thread_local! {
    // No destructor and a constant start: access is one load, and possible at any time in a thread's life.
    static THREAD: Cell<Thread> =
        const { Cell::new(Thread { tid: 0, head: ptr::null_mut(), held: None }) };
    static LEAVE: Leave = const { Leave };
}

/// The calling thread.
#[inline]
pub(crate) fn current() -> Thread {
    let thread = THREAD.with(Cell::get);
    if thread.tid == 0 { enrol() } else { thread }
}

impl Thread {
    /// The kernel's number of it, never 0.
    #[inline]
    pub(crate) fn tid(self) -> u32 {
        self.tid
    }

    /// Whether locks can be put on its list; if not, only their sleepers find out that it died.
    #[inline]
    pub(crate) fn has_list(self) -> bool {
        !self.head.is_null()
    }

    /// Announces that the lock of `links` is about to be taken, or given back.
    ///
    /// # Safety
    /// `has_list`, and the lock stays mapped until `end`.
    #[inline]
    pub(crate) unsafe fn begin(self, links: &Links) {
        // SAFETY: the head lives as long as its thread, which is this one (Invariant 3).
        unsafe { &*self.head }.pending.store(links.node(), Relaxed);
        compiler_fence(SeqCst);
    }

    /// Takes the announcement back.
    ///
    /// # Safety
    /// `has_list`.
    #[inline]
    pub(crate) unsafe fn end(self) {
        compiler_fence(SeqCst);
        // SAFETY: as in `begin`.
        unsafe { &*self.head }.pending.store(ptr::null_mut(), Relaxed);
    }

    /// Puts the lock of `links` on the list; glibc's `ENQUEUE_MUTEX`.
    ///
    /// # Safety
    /// `has_list`; this thread has just taken the lock, and `begin` was called for it; it lies in a segment
    /// of ours (Invariant 1).
    #[inline]
    pub(crate) unsafe fn link(self, links: &Links) {
        // SAFETY: as in `begin`.
        let head = unsafe { &*self.head };
        let node = links.node();
        let first = head.list.0.load(Relaxed);
        // SAFETY: the first node (or the head) is on the list, so that it is mapped (Invariant 1; for glibc's
        // own, glibc's promise), and the word before it is its `prev` (for the head, glibc's `robust_prev`).
        unsafe { &*prev_of(first) }.0.store(node, Relaxed);
        links.next.0.store(first, Relaxed);
        links.prev.0.store(self.head.cast(), Relaxed);
        compiler_fence(SeqCst);
        head.list.0.store(node, Relaxed);
        if let Some(held) = self.held {
            held.add(ptr::from_ref(links).addr());
        }
    }

    /// Takes the lock of `links` off the list; glibc's `DEQUEUE_MUTEX`.
    ///
    /// # Safety
    /// This thread put it there with `link`, still holds it, and called `begin` for it.
    #[inline]
    pub(crate) unsafe fn unlink(self, links: &Links) {
        let (prev, next) = (links.prev.0.load(Relaxed), links.next.0.load(Relaxed));
        // SAFETY: only this thread writes these links while it holds the lock (Invariant 2), so that they
        // lead to its neighbours on the list, which are mapped (Invariant 1).
        unsafe { &*prev_of(next) }.0.store(prev, Relaxed);
        // SAFETY: as above.
        unsafe { &*unmarked(prev) }.0.store(next, Relaxed);
        if let Some(held) = self.held {
            held.remove(ptr::from_ref(links).addr());
        }
    }

    /// Notes that this thread has taken the lock of `links`, which lies in a segment, for want of a list.
    #[cold]
    pub(crate) fn note(self, links: &Links) {
        if let Some(held) = self.held {
            held.add(ptr::from_ref(links).addr());
        }
    }

    /// Strikes out what `note` noted.
    #[cold]
    pub(crate) fn strike(self, links: &Links) {
        if let Some(held) = self.held {
            held.remove(ptr::from_ref(links).addr());
        }
    }
}

fn unmarked(link: *mut Link) -> *mut Link {
    link.map_addr(|address| address & !1)
}

fn prev_of(link: *mut Link) -> *mut Link {
    unmarked(link).wrapping_sub(1)
}

#[cold]
fn enrol() -> Thread {
    static AT_FORK: Once = Once::new();
    AT_FORK.call_once(|| {
        // SAFETY: the handler touches only atomics, its thread's own memory, and system calls.
        // It fails only without memory; then a forked child that never calls `renew_in_child` has a stale tid.
        let _ = unsafe { libc::pthread_atfork(None, None, Some(in_forked_child)) };
    });
    let tid = gettid();
    let thread = Thread { tid, head: find_head(), held: Some(Held::take(tid)) };
    THREAD.set(thread);
    // A thread that is already running its destructors does not give its record back; that is all.
    let _ = LEAVE.try_with(|_| ());
    thread
}

fn gettid() -> u32 {
    rustix::thread::gettid().as_raw_nonzero().get().unsigned_abs()
}

/// The head that glibc gave to the kernel, when it is of the shape that our locks have.
fn find_head() -> *mut Head {
    let mut head: *mut Head = ptr::null_mut();
    let mut len = 0_usize;
    // SAFETY: the kernel writes one pointer and one length, into the two variables given.
    let failed = unsafe {
        libc::syscall(
            libc::SYS_get_robust_list,
            0,
            ptr::from_mut(&mut head),
            ptr::from_mut(&mut len),
        )
    };
    if failed != 0 || head.is_null() || len != size_of::<Head>() {
        return ptr::null_mut();
    }
    // SAFETY: what libc registered for this thread is a head, alive as long as the thread.
    if unsafe { &*head }.futex_offset == FUTEX_OFFSET { head } else { ptr::null_mut() }
}

/// Whether the calling thread holds a lock that lies in shared memory.
///
/// To be asked before a fork: safe code of the child could reach the guard, and with it what the parent has locked.
pub(crate) fn holds_any() -> bool {
    THREAD.with(Cell::get).held.is_some_and(|held| !held.is_empty())
}

/// Makes sure that a child made by a raw `clone` of this thread can find its list; call it before `clone`.
pub(crate) fn prepare() {
    let _ = current();
}

/// Makes the only thread of a new process known to the kernel again: it has another tid, holds nothing, and after
/// a raw `clone` the kernel does not know its list. Async-signal-safe; harmless where libc's `fork` did it already.
pub(crate) fn renew_in_child() {
    let thread = THREAD.with(Cell::get);
    let tid = gettid();
    Held::clear_all_but(thread.held, tid);
    if thread.tid == 0 {
        return;
    }
    if let Some(head) = NonNull::new(thread.head) {
        // SAFETY: the head is in this thread's memory, of which the child has its own copy.
        let list = unsafe { head.as_ref() };
        list.pending.store(ptr::null_mut(), Relaxed);
        list.list.0.store(thread.head.cast(), Relaxed);
        // SAFETY: the word before the head is glibc's `robust_prev` (checked in `find_head` by its layout).
        unsafe { &*prev_of(thread.head.cast()) }.0.store(thread.head.cast(), Relaxed);
        // SAFETY: the head is valid for as long as this thread lives.
        unsafe { libc::syscall(libc::SYS_set_robust_list, thread.head, size_of::<Head>()) };
    }
    THREAD.set(Thread { tid, ..thread });
}

extern "C" fn in_forked_child() {
    renew_in_child();
}

/// Whether a thread with this id exists, in whatever process; a zombie counts.
pub(crate) fn exists(tid: u32) -> bool {
    // SAFETY: signal 0 is never delivered; the call only looks.
    let failed = unsafe { libc::syscall(libc::SYS_tkill, tid, 0) } != 0;
    // Anything but "no such thread" (EPERM, mostly) means that there is one.
    !(failed && std::io::Error::last_os_error().raw_os_error() == Some(libc::ESRCH))
}

/// Whether this process has a thread with this id.
pub(crate) fn exists_here(tid: u32) -> bool {
    let process = std::process::id();
    // SAFETY: signal 0 is never delivered; the call only looks.
    let failed = unsafe { libc::syscall(libc::SYS_tgkill, process, tid, 0) } != 0;
    !(failed && std::io::Error::last_os_error().raw_os_error() == Some(libc::ESRCH))
}

/// Gives a thread's record back when the thread ends.
struct Leave;

impl Drop for Leave {
    fn drop(&mut self) {
        // A lock that is still held now was forgotten, or is given back by a destructor that runs later. It must
        // be known until the kernel has read the list, so that the record stays as it is until the thread is gone.
        if let Some(held) = THREAD.with(Cell::get).held.filter(|held| held.is_empty()) {
            THREAD.set(Thread { tid: 0, head: ptr::null_mut(), held: None });
            held.give_back();
        }
    }
}
