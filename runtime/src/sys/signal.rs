//! Signals of a child: dispositions, mask, the kernel's own killers (lifeline and deadline).
//!
//! # Safety
//! Dispositions are set only to default and ignore; the one handler that is installed here uses
//! nothing but async-signal-safe calls (signal-safety(7)).
#![allow(unsafe_code, reason = "sigaction, sigaltstack and fcntl(F_SETSIG) have no safe form")]

use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicI32, AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use rustix::io::{Errno, Result};

/// Ignores a signal.
pub(crate) fn ignore(signal: i32) {
    set(signal, libc::SIG_IGN);
}

/// Gives a signal its default action.
pub(crate) fn set_default(signal: i32) {
    set(signal, libc::SIG_DFL);
}

/// Forgets the handlers of the program that was forked, as exec would; what is ignored stays so.
pub(crate) fn forget_handlers() {
    for signal in (1..=libc::SIGRTMAX()).filter(|&signal| !KEPT.contains(&signal)) {
        let handler = action(signal);
        if handler != libc::SIG_DFL && handler != libc::SIG_IGN {
            set_default(signal);
        }
    }
}

/// The signals by which std notices a stack overflow.
const KEPT: [i32; 2] = [libc::SIGSEGV, libc::SIGBUS];

/// Holds these signals back from this thread, and from what it forks until that lets them through.
pub(crate) fn block(signals: &[i32]) {
    use nix::sys::signal::{SigSet, Signal};
    let set: SigSet = signals.iter().filter_map(|&signal| Signal::try_from(signal).ok()).collect();
    // The call can only fail for a wrong `how`.
    let _ = set.thread_block();
}

/// Lets every signal through.
pub(crate) fn unblock_all() {
    // The call can only fail for a wrong `how`.
    let _ = nix::sys::signal::SigSet::empty().thread_set_mask();
}

/// Runs `work` with every signal blocked in this thread, and so in threads that it starts.
pub(crate) fn with_all_blocked<R>(work: impl FnOnce() -> R) -> R {
    use nix::sys::signal::{SigSet, SigmaskHow};
    let before = SigSet::all().thread_swap_mask(SigmaskHow::SIG_SETMASK);
    let result = work();
    if let Ok(before) = before {
        // The call can only fail for a wrong `how`.
        let _ = before.thread_set_mask();
    }
    result
}

fn action(signal: i32) -> usize {
    let mut old = MaybeUninit::<libc::sigaction>::zeroed();
    // SAFETY: with a null new action sigaction only reads; `old` is valid for the write.
    unsafe { libc::sigaction(signal, std::ptr::null(), old.as_mut_ptr()) };
    // SAFETY: an all-zero sigaction is valid, and the kernel has written it or left it so.
    unsafe { old.assume_init() }.sa_sigaction
}

fn set(signal: i32, handler: usize) -> usize {
    // SAFETY: callers pass SIG_IGN or SIG_DFL.
    unsafe { libc::signal(signal, handler) }
}

/// fcntl(2); not in the libc crate for this target.
const F_SETSIG: i32 = 10;

/// Has the kernel kill this process as soon as the other end of `socket` is gone: no thread, and
/// no matter whether the process is busy or blocks all signals (fcntl(2), `F_SETSIG`).
///
/// # Errors
/// Those of fcntl. The other end may be gone already: look with [`super::poll::is_ready`].
pub(crate) fn die_with(socket: BorrowedFd<'_>) -> Result<()> {
    fcntl(socket, libc::F_SETOWN, rustix::process::getpid().as_raw_nonzero().get())?;
    fcntl(socket, F_SETSIG, libc::SIGKILL)?;
    set_async(socket, true)
}

/// Undoes [`die_with`].
pub(crate) fn live_without(socket: BorrowedFd<'_>) -> Result<()> {
    set_async(socket, false)
}

fn set_async(socket: BorrowedFd<'_>, on: bool) -> Result<()> {
    let flags = fcntl(socket, libc::F_GETFL, 0)?;
    let flags = if on { flags | libc::O_ASYNC } else { flags & !libc::O_ASYNC };
    fcntl(socket, libc::F_SETFL, flags).map(drop)
}

fn fcntl(descriptor: BorrowedFd<'_>, command: i32, argument: i32) -> Result<i32> {
    // SAFETY: the descriptor is open, and the commands used here take an int.
    let result = unsafe { libc::fcntl(descriptor.as_raw_fd(), command, argument) };
    if result < 0 { Err(last_error()) } else { Ok(result) }
}

/// How long a process whose time is up has to say so before the kernel ends it.
pub(crate) const LAST_WORD_WITHIN: Duration = Duration::from_millis(250);

/// What [`on_timeout`] sends, and through which descriptor.
static LAST_WORD: OnceLock<Box<[u8]>> = OnceLock::new();
static LAST_WORD_TO: AtomicI32 = AtomicI32::new(-1);

/// Ends this process after `delay`: a signal handler sends `word` through `socket` and kills, and if
/// the signal is blocked or caught, the kernel kills a little later ([`LAST_WORD_WITHIN`]). Timers are
/// not inherited (timer_create(2)).
pub(crate) fn die_after(delay: Duration, socket: BorrowedFd<'_>, word: &[u8]) -> Result<()> {
    LAST_WORD.get_or_init(|| word.into());
    LAST_WORD_TO.store(socket.as_raw_fd(), Relaxed);
    let signal = libc::SIGRTMAX();
    // SAFETY: an all-zero sigaction is a valid one without flags and mask.
    let mut action: libc::sigaction = unsafe { MaybeUninit::zeroed().assume_init() };
    action.sa_sigaction = on_timeout as *const () as usize;
    // SAFETY: `on_timeout` has the signature of a handler and is signal-safe.
    unsafe { libc::sigaction(signal, &action, std::ptr::null_mut()) };
    start_timer(signal, delay)?;
    start_timer(libc::SIGKILL, delay.saturating_add(LAST_WORD_WITHIN))
}

/// Whether the time of a process that has ended, and not been waited for yet, was up before: then its
/// announcement is waiting behind a mask. `None` if that cannot be seen.
pub(crate) fn was_up(pid: u32) -> Option<bool> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let holds = |field: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(field))?;
        let signals = u64::from_str_radix(line.trim(), 16).ok()?;
        Some(signals & (1 << (libc::SIGRTMAX() - 1)) != 0)
    };
    match (holds("ShdPnd:")?, holds("SigIgn:")?) {
        (true, _) => Some(true),
        // It would have been ignored.
        (false, true) => None,
        (false, false) => Some(false),
    }
}

fn start_timer(signal: i32, delay: Duration) -> Result<()> {
    // The kernel refuses more than its clock can count.
    const CENTURY: Duration = Duration::from_secs(100 * 365 * 24 * 60 * 60);
    let delay = delay.clamp(Duration::from_nanos(1), CENTURY);
    // SAFETY: an all-zero sigevent is a valid one.
    let mut event: libc::sigevent = unsafe { MaybeUninit::zeroed().assume_init() };
    event.sigev_notify = libc::SIGEV_SIGNAL;
    event.sigev_signo = signal;
    let mut timer = std::ptr::null_mut();
    // SAFETY: both pointers are valid for the call.
    if unsafe { libc::timer_create(libc::CLOCK_MONOTONIC, &mut event, &mut timer) } != 0 {
        return Err(last_error());
    }
    let never = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    let once = libc::timespec {
        tv_sec: delay.as_secs() as libc::time_t,
        tv_nsec: libc::c_long::from(delay.subsec_nanos()),
    };
    let when = libc::itimerspec { it_interval: never, it_value: once };
    // SAFETY: the timer was just made, and `when` is valid.
    if unsafe { libc::timer_settime(timer, 0, &when, std::ptr::null_mut()) } != 0 {
        return Err(last_error());
    }
    Ok(())
}

extern "C" fn on_timeout(_signal: i32) {
    if let Some(word) = LAST_WORD.get() {
        let (to, flags) = (LAST_WORD_TO.load(Relaxed), libc::MSG_DONTWAIT | libc::MSG_NOSIGNAL);
        // SAFETY: send is async-signal-safe, and the bytes are never freed.
        unsafe { libc::send(to, word.as_ptr().cast(), word.len(), flags) };
    }
    // SAFETY: getpid is async-signal-safe.
    let me = unsafe { libc::getpid() };
    // SAFETY: kill is async-signal-safe.
    unsafe { libc::kill(me, libc::SIGKILL) };
}

/// Lowest address of the main thread's stack that [`report_stack_overflow`] watches.
static STACK_LIMIT: AtomicUsize = AtomicUsize::new(0);
const GUARD: usize = 64 * 1024;

/// Does for the main thread what std does before `main`: says "has overflowed its stack" and aborts
/// instead of a bare segmentation fault.
pub(crate) fn report_stack_overflow() {
    const ALTERNATE: usize = 64 * 1024;
    let Some(limit) = main_stack_limit() else { return };
    STACK_LIMIT.store(limit, Relaxed);
    // SAFETY: an anonymous private mapping at an address of the kernel's choice touches nothing.
    let memory = unsafe {
        libc::mmap(
            std::ptr::null_mut(),
            ALTERNATE,
            libc::PROT_READ | libc::PROT_WRITE,
            libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_STACK,
            -1,
            0,
        )
    };
    if memory == libc::MAP_FAILED {
        return;
    }
    let stack = libc::stack_t { ss_sp: memory, ss_flags: 0, ss_size: ALTERNATE };
    // SAFETY: the mapping is never unmapped.
    unsafe { libc::sigaltstack(&stack, std::ptr::null_mut()) };
    // SAFETY: an all-zero sigaction is a valid one without flags and mask.
    let mut action: libc::sigaction = unsafe { MaybeUninit::zeroed().assume_init() };
    action.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK;
    action.sa_sigaction = on_fault as *const () as usize;
    for signal in KEPT {
        // SAFETY: `on_fault` has the signature that SA_SIGINFO asks for and is signal-safe.
        unsafe { libc::sigaction(signal, &action, std::ptr::null_mut()) };
    }
}

fn main_stack_limit() -> Option<usize> {
    let mut attributes = MaybeUninit::<libc::pthread_attr_t>::uninit();
    // SAFETY: it has no preconditions.
    let thread = unsafe { libc::pthread_self() };
    // SAFETY: pthread_getattr_np initialises `attributes` when it returns 0.
    if unsafe { libc::pthread_getattr_np(thread, attributes.as_mut_ptr()) } != 0 {
        return None;
    }
    let (mut address, mut size) = (std::ptr::null_mut(), 0);
    // SAFETY: `attributes` is initialised, and both out-parameters are valid.
    unsafe { libc::pthread_attr_getstack(attributes.as_ptr(), &mut address, &mut size) };
    // SAFETY: `attributes` is initialised and not used afterwards.
    unsafe { libc::pthread_attr_destroy(attributes.as_mut_ptr()) };
    Some(address as usize)
}

extern "C" fn on_fault(signal: i32, info: *mut libc::siginfo_t, _context: *mut libc::c_void) {
    // SAFETY: the kernel passes a valid siginfo.
    let info = unsafe { &*info };
    // SAFETY: these signals come with an address.
    let address = unsafe { info.si_addr() } as usize;
    let limit = STACK_LIMIT.load(Relaxed);
    if (limit.saturating_sub(GUARD)..limit.saturating_add(GUARD)).contains(&address) {
        const TEXT: &[u8] =
            b"\nthread 'main' has overflowed its stack\nfatal runtime error: stack overflow\n";
        // SAFETY: write and abort are async-signal-safe.
        unsafe { libc::write(2, TEXT.as_ptr().cast(), TEXT.len()) };
        // SAFETY: as above.
        unsafe { libc::abort() };
    }
    // Not ours: let the instruction fault again, this time with the default action.
    set_default(signal);
}

fn last_error() -> Errno {
    Errno::from_io_error(&std::io::Error::last_os_error()).unwrap_or(Errno::IO)
}
