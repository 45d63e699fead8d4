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
//! Kill points: `begin` names the lock in `list_op_pending` before its word changes. What was taken stays named there
//! while it is held, so that giving it back finds it named already more often than not; `end` clears that when the word is
//! free again, or was never taken. So `pending` is null, or names a lock that this thread holds, or is taking or giving back,
//! and a thread killed at any instruction has each such lock on the list, or pending, or both (the kernel takes care to
//! act once). The kernel acts on a lock only when its word holds the tid of the dead thread. A pending lock
//! without an owner gets one of its sleepers woken, so that no wake-up dies with the one who should act on it.
//! All of this is read by the kernel on behalf of the same thread, so that program order is enough: compiler
//! fences, no barriers.
//!
//! A lock pays for each store, since its own locked instructions wait until all are through. So the `prev` of our
//! node at the front of the list means nothing and is not written, nor is glibc's `robust_prev`, which nobody reads. Whoever
//! puts a node in front of another writes that one's `prev`, and glibc's nodes, whose `prev` is read by glibc, get it
//! back when they come to the front again.
//!
//! A thread that ends while its process lives counts as dead ([`leave`] does the kernel's work), but for locks that are
//! marked as in use: what a leaked guard was asked for may be in the hands of other threads. Those are left to the
//! process, in the name of its leader.
//!
//! # Safety
//! Invariant 1: what is on a thread's list stays mapped, and where it is. Only locks inside our own segments are put on
//! it, nobody moves them (`sync::mutex`, Invariant 2), and a segment asks [`any_within`](super::held::any_within) before
//! it unmaps itself: a guard that was forgotten keeps its segment mapped as long as its process lives.
//! Invariant 2: the links of a lock are written only by the thread that holds it. Invariant 3: a [`Thread`] is used
//! only on the thread that it describes (it is not `Send`).

#![allow(
    unsafe_code,
    reason = "the robust list is a contract in raw pointers with the kernel and glibc"
)]

use std::cell::Cell;
use std::ffi::c_void;
use std::ptr::{self, NonNull};
use std::sync::OnceLock;
use std::sync::atomic::Ordering::{Relaxed, Release, SeqCst};
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicU32, compiler_fence};

use super::held::{self, Held};
use super::{clone, futex};

pub(crate) use super::announce::{Announcement, announce};
pub(crate) use super::held::Kind;

/// Where the futex word lies, seen from `next`: where glibc has it on every 64-bit system.
pub(super) const FUTEX_OFFSET: libc::c_long = -32;
/// How far before the links of a lock its futex word lies: the same, seen from `prev`.
const WORD_TO_LINKS: usize = 24;

/// How far before the links of a lock its flags lie, which only its holder writes.
const FLAGS_TO_LINKS: usize = 20;

/// A flag: something may still use what the lock guards when its thread has ended.
pub(crate) const IN_USE: u32 = 2;

const _: () = assert!(FUTEX_OFFSET == -((WORD_TO_LINKS + size_of::<Link>()) as libc::c_long));

/// One pointer of the list; it aims at another `Link`, possibly with bit 0 set.
#[repr(transparent)]
#[derive(Debug)]
pub(super) struct Link(AtomicPtr<Link>);

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
pub(super) struct Head {
    list: Link,
    futex_offset: libc::c_long,
    pub(super) pending: AtomicPtr<Link>,
}

/// The calling thread, as locks need to know it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Thread {
    /// Its kernel id; 0 before the first use.
    tid: u32,
    /// A number that no other thread of this process or of a forked copy has, nor this one after a fork, or after its end.
    serial: u32,
    /// Null when the thread has no list that our locks fit on.
    pub(super) head: *mut Head,
    held: Option<&'static Held>,
}

thread_local! {
    // No destructor and a constant start: access is one load, and possible at any time in a thread's life.
    static THREAD: Cell<Thread> =
        const { Cell::new(Thread::UNKNOWN) };
    /// For threads that libc's destructors could not be arranged for.
    static LEAVE: Leave = const { Leave };
}

/// The calling thread.
#[inline]
pub(crate) fn current() -> Thread {
    if THREAD.with(Cell::get).tid == 0 {
        enrol();
    }
    // Read after that, not handed over: so the parts come in registers, and nothing is stored.
    THREAD.with(Cell::get)
}

/// The calling thread, if it has used a lock; else one with a serial number that no thread has.
#[inline]
pub(crate) fn known() -> Thread {
    THREAD.with(Cell::get)
}

impl Thread {
    /// Before the first use.
    const UNKNOWN: Self = Self { tid: 0, serial: 0, head: ptr::null_mut(), held: None };

    /// The kernel's number of it, never 0.
    #[inline]
    pub(crate) fn tid(self) -> u32 {
        self.tid
    }

    /// What tells this stay of the thread among those who use locks from any other: tids come again.
    #[inline]
    pub(crate) fn serial(self) -> u32 {
        self.serial
    }

    /// Whether locks can be put on its list; if not, only their sleepers find out that it died.
    #[inline]
    pub(crate) fn has_list(self) -> bool {
        !self.head.is_null()
    }

    /// Announces that the lock of `links` is about to be taken, or given back.
    ///
    /// # Safety
    /// `has_list`, and the lock stays mapped until `end`, or until it is off the list again after `link`.
    #[inline]
    pub(crate) unsafe fn begin(self, links: &Links) {
        // SAFETY: the head lives as long as its thread, which is this one (Invariant 3).
        let head = unsafe { &*self.head };
        if head.pending.load(Relaxed) != links.node() {
            head.pending.store(links.node(), Relaxed);
        }
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
    pub(crate) unsafe fn link(self, links: &Links, kind: Kind) {
        // SAFETY: as in `begin`.
        let head = unsafe { &*self.head };
        let first = head.list.0.load(Relaxed);
        links.next.0.store(first, Relaxed);
        let address = ptr::from_ref(links).addr();
        if first == self.head.cast() {
            if let Some(held) = self.held {
                held.add_only(address, kind);
            }
        } else {
            // SAFETY: not the head, and otherwise what the caller promised.
            unsafe { Self::link_before(first, links, kind) };
        }
        compiler_fence(SeqCst);
        head.list.0.store(links.node(), Relaxed);
    }

    /// The part of `link` for a thread that holds others.
    ///
    /// # Safety
    /// As for `link`; `first` is what the list begins with, and not the head.
    // Without `self`, which is too large for registers, and would be stored for this alone.
    #[inline(never)]
    unsafe fn link_before(first: *mut Link, links: &Links, kind: Kind) {
        // SAFETY: a node on the list is mapped (Invariant 1; for glibc's own, glibc's promise), and the word before
        // it is its `prev`.
        unsafe { &*prev_of(first) }.0.store(links.node(), Relaxed);
        if let Some(held) = known().held {
            held.add_another(ptr::from_ref(links).addr(), kind);
        }
    }

    /// Takes the lock of `links` off the list; glibc's `DEQUEUE_MUTEX`.
    ///
    /// # Safety
    /// This thread put it there with `link`, still holds it, and called `begin` for it.
    #[inline]
    pub(crate) unsafe fn unlink(self, links: &Links) {
        // SAFETY: the caller's promises are the same.
        unsafe { self.detach(links) };
        if let Some(held) = self.held {
            held.remove(ptr::from_ref(links).addr());
        }
    }

    /// `unlink`, but the lock stays in the record of what is held.
    ///
    /// # Safety
    /// As for `unlink`.
    #[inline]
    unsafe fn detach(self, links: &Links) {
        // SAFETY: as in `begin`.
        let head = unsafe { &*self.head };
        let next = links.next.0.load(Relaxed);
        if head.list.0.load(Relaxed) == links.node() && next == self.head.cast() {
            head.list.0.store(next, Relaxed);
        } else {
            // SAFETY: the caller's promises are the same.
            unsafe { Self::detach_from_others(links) };
        }
    }

    /// The part of `detach` for a thread that holds others.
    ///
    /// # Safety
    /// As for `unlink`.
    // Without `self`, as `link_before`.
    #[inline(never)]
    unsafe fn detach_from_others(links: &Links) {
        let me = known();
        // SAFETY: as in `begin`.
        let head = unsafe { &*me.head };
        let next = links.next.0.load(Relaxed);
        let prev = if head.list.0.load(Relaxed) == links.node() {
            me.head.cast()
        } else {
            // Whoever came in front has written it.
            links.prev.0.load(Relaxed)
        };
        // SAFETY: only this thread writes these links while it holds the lock (Invariant 2), so that they
        // lead to its neighbours on the list, which are mapped (Invariant 1); for the head it is glibc's `robust_prev`.
        unsafe { &*prev_of(next) }.0.store(prev, Relaxed);
        // SAFETY: as above.
        unsafe { &*unmarked(prev) }.0.store(next, Relaxed);
    }

    /// Whether the lock with its links at this address is on the list.
    #[inline]
    pub(crate) fn has_linked(self, address: usize) -> bool {
        let mut at = self.head.cast::<Link>();
        while !at.is_null() {
            // SAFETY: the head, or a node on the list of this very thread, which is mapped (Invariant 1).
            at = unmarked(unsafe { &*at }.0.load(Relaxed));
            if prev_of(at).addr() == address {
                return true;
            }
            if at == self.head.cast() {
                break;
            }
        }
        false
    }

    /// Parts with a lock at the end of this thread, in a process that lives on. What may still be in use is left to the
    /// process, in the name of its `leader`: the kernel does not free it, and whoever sleeps for it finds by itself
    /// that the process has died. Anything else is free, as if the thread had died alone. True says that the
    /// lock is still in the record.
    ///
    /// # Safety
    /// `address` is that of the links of a lock in this thread's record; `leader` is another thread's id.
    unsafe fn part_with(self, address: usize, kind: Kind, leader: u32) -> bool {
        // SAFETY: a lock in a record stays mapped (Invariant 1), and `regions` has exposed the mapping.
        let links = unsafe { &*ptr::with_exposed_provenance::<Links>(address) };
        let word = ptr::with_exposed_provenance::<AtomicU32>(address.wrapping_sub(WORD_TO_LINKS));
        // SAFETY: the word is a part of the same lock (`sync::raw` checks its layout).
        let word = unsafe { &*word };
        let flags = ptr::with_exposed_provenance::<AtomicU32>(address.wrapping_sub(FLAGS_TO_LINKS));
        // SAFETY: and so are the flags.
        let in_use = unsafe { &*flags }.load(Relaxed) & IN_USE != 0;
        let heir = match kind {
            _ if in_use => leader,
            Kind::Member => 0,
            Kind::Guard | Kind::Place => libc::FUTEX_OWNER_DIED,
        };
        if self.has_list() {
            // SAFETY: `has_list`, and mapped.
            unsafe { self.begin(links) };
            // SAFETY: a thread with a list has linked what is in its record, and begun is it, too.
            unsafe { self.detach(links) };
        }
        // Others only ever add the mark that they wait, which stays. Killed before this line: the kernel frees it.
        let before = word.fetch_update(Release, Relaxed, |word| {
            (word & libc::FUTEX_TID_MASK == self.tid).then_some(word & libc::FUTEX_WAITERS | heir)
        });
        if !in_use && before.is_ok_and(|word| word & libc::FUTEX_WAITERS != 0) {
            futex::wake(word, 1);
        }
        if self.has_list() {
            // SAFETY: `has_list`.
            unsafe { self.end() };
        }
        in_use
    }

    /// The record of what it holds, without what it does not hold any more.
    fn settled(self) -> Option<&'static Held> {
        self.held.inspect(|held| held.settle(|address| self.has_linked(address)))
    }

    /// Notes that this thread has taken the lock of `links`, which lies in a segment, for want of a list.
    #[cold]
    pub(crate) fn note(self, links: &Links, kind: Kind) {
        if let Some(held) = self.held {
            held.add_another(ptr::from_ref(links).addr(), kind);
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
fn enrol() {
    static KEY: OnceLock<Option<libc::pthread_key_t>> = OnceLock::new();
    let key = *KEY.get_or_init(prepare_process);
    let tid = gettid();
    let thread =
        Thread { tid, serial: next_serial(), head: find_head(), held: Some(Held::take(tid)) };
    THREAD.set(thread);
    let value = NonNull::<c_void>::dangling().as_ptr();
    // SAFETY: the key is never deleted, and nobody looks at the value but to see that it is not null.
    let armed = key.is_some_and(|key| unsafe { libc::pthread_setspecific(key, value) } == 0);
    if !armed {
        // Too early by the destructors of some thread-locals, whose locks then stay locked.
        let _ = LEAVE.try_with(|_| ());
    }
}

/// A number that was not given before, in this process or in those that it was copied from (nor in millions of
/// threads), and that leaves three bits to others.
fn next_serial() -> u32 {
    static GIVEN: AtomicU32 = AtomicU32::new(1);
    // 0 is for those without one.
    (GIVEN.fetch_add(1, Relaxed) & (u32::MAX >> 3)).max(1)
}

/// Has libc tell of forks, and of the ends of threads that have a value for the key returned.
fn prepare_process() -> Option<libc::pthread_key_t> {
    // SAFETY: the handler touches only atomics, its thread's own memory, and system calls.
    // It fails only without memory; then a forked child that never calls `renew_in_child` has a stale tid.
    let _ = unsafe { libc::pthread_atfork(None, None, Some(in_forked_child)) };
    let mut key = 0;
    // SAFETY: writes a key into the variable given; the destructor takes any value.
    let failed = unsafe { libc::pthread_key_create(&raw mut key, Some(leave)) };
    (failed == 0).then_some(key)
}

/// How many forks it took to come here, at least: another number in a copy of this process than in its original, once that has
/// used a lock.
static FORKS: AtomicU32 = AtomicU32::new(0);

/// What tells this process from those that it is a copy of, at the cost of a load.
#[inline]
pub(crate) fn generation() -> u32 {
    FORKS.load(Relaxed)
}

fn gettid() -> u32 {
    rustix::thread::gettid().as_raw_nonzero().get().unsigned_abs()
}

/// The head that glibc gave to the kernel, when it is of the shape that our locks have.
pub(super) fn find_head() -> *mut Head {
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

/// Whether the calling thread holds a lock that lies in shared memory, or a thread that has ended left one locked:
/// the guard that it leaked may be in anyone's hands.
///
/// To be asked before a fork: safe code of the child could reach the guard, and with it what the parent has locked.
pub(crate) fn holds_any() -> bool {
    known().settled().is_some_and(Held::has_guard) || held::any_left()
}

/// Makes sure that a child made by a raw `clone` of this thread can find its list; call it before `clone`.
pub(crate) fn prepare() {
    let _ = current();
}

/// Makes the only thread of a new process known to the kernel again: it has another tid, holds nothing, and after
/// a raw `clone` the kernel does not know its list. Async-signal-safe; harmless where libc's `fork` did it already.
pub(crate) fn renew_in_child() {
    FORKS.fetch_add(1, Relaxed);
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
    THREAD.set(Thread { tid, serial: next_serial(), ..thread });
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

/// Who has the lock with its links at `address`, if there can be one in the mapped memory that begins at `start`.
pub(crate) fn owner_of(address: usize, start: usize) -> Option<u32> {
    let word = address.checked_sub(WORD_TO_LINKS).filter(|word| *word >= start)?;
    // SAFETY: mapped, by the caller; aligned, as the links of all locks are; `regions` has exposed the mapping. What is
    // there may be something else by now, and then is only a number, too.
    let word = unsafe { &*ptr::with_exposed_provenance::<AtomicU32>(word) };
    Some(word.load(Relaxed) & libc::FUTEX_TID_MASK)
}

/// The calling thread ends, and its process, if it is not the leader, does not. libc calls this after the destructors
/// of thread-locals; a lock that one of its own destructors takes after this enrols the thread again.
extern "C" fn leave(_: *mut c_void) {
    let thread = known();
    let leader = std::process::id();
    let Some(held) = thread.settled().filter(|_| thread.tid != leader) else {
        return;
    };
    for (address, kind) in held.entries() {
        // SAFETY: from this thread's record; another thread, as just seen.
        let stays = unsafe { thread.part_with(address, kind, leader) };
        if !stays {
            held.remove(address);
        }
    }
    THREAD.set(Thread::UNKNOWN);
    held.leave();
}

/// Gives back what the calling thread is a member of, as if it ended now.
pub(crate) fn withdraw() {
    withdraw_within(0, usize::MAX);
}

/// The same, where it lies in these addresses.
pub(crate) fn withdraw_within(start: usize, len: usize) {
    let thread = known();
    let Some(held) = thread.settled() else { return };
    for (address, kind) in held.entries() {
        if kind != Kind::Member || address.wrapping_sub(start) >= len {
            continue;
        }
        // SAFETY: from this thread's record; nobody inherits a membership, which gives no reference.
        let stays = unsafe { thread.part_with(address, kind, 0) };
        if !stays {
            held.remove(address);
        }
    }
}

/// Has [`withdraw`] run when this process returns from `main` or calls `exit`.
pub(crate) fn withdraw_at_exit() {
    static ARMED: AtomicBool = AtomicBool::new(false);
    extern "C" fn on_exit() {
        withdraw();
    }
    if !ARMED.swap(true, Relaxed) {
        clone::at_exit(on_exit);
    }
}

/// Calls [`leave`] where libc does not.
struct Leave;

impl Drop for Leave {
    fn drop(&mut self) {
        leave(ptr::null_mut());
    }
}
