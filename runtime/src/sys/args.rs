//! The command line as the program sees it, and the one that `ps` shows.
//!
//! std reads `argc` and `argv` from where the loader left them and stops at the first null pointer,
//! so moving the pointers changes what `std::env::args` gives, and rewriting the bytes that they
//! pointed to changes what `/proc/PID/cmdline` shows (proc(5)).
//!
//! # Safety
//! `argv` is the array that the C runtime hands to constructors: `argc` pointers to C strings and
//! a null pointer, writable, never freed. It is changed only before `main`, or in a child that
//! has a single thread.
#![allow(unsafe_code, reason = "argv is a raw array of the C runtime")]

use std::ffi::{CStr, c_char, c_int};
use std::sync::atomic::{AtomicI32, AtomicPtr, AtomicUsize, Ordering::Relaxed};

static ARGC: AtomicI32 = AtomicI32::new(0);
static ARGV: AtomicPtr<*mut c_char> = AtomicPtr::new(std::ptr::null_mut());
/// The bytes that `ps` shows, once [`detach`] has freed them for use as a title.
static TITLE: AtomicPtr<c_char> = AtomicPtr::new(std::ptr::null_mut());
static TITLE_LEN: AtomicUsize = AtomicUsize::new(0);

/// Notes where the arguments are.
///
/// # Safety
/// `argc` and `argv` must be those that the C runtime passed to a constructor.
pub(crate) unsafe fn remember(argc: c_int, argv: *mut *mut c_char) {
    ARGC.store(argc, Relaxed);
    ARGV.store(argv, Relaxed);
}

/// Whether a constructor of ours has run.
pub(crate) fn are_known() -> bool {
    !ARGV.load(Relaxed).is_null()
}

/// The first argument, as long as nobody has moved it.
pub(crate) fn first() -> Option<&'static CStr> {
    let argv = ARGV.load(Relaxed);
    if argv.is_null() || ARGC.load(Relaxed) < 1 {
        return None;
    }
    // SAFETY: argv has at least one entry.
    let argument = unsafe { *argv };
    // SAFETY: a non-null entry of argv is a C string that lives as long as the process.
    (!argument.is_null()).then(|| unsafe { CStr::from_ptr(argument) })
}

/// Drops the first argument and gives the others copies of their own, so that the original bytes
/// are free to become a title.
///
/// # Safety
/// No other thread may run, and nobody may hold a reference to the arguments.
pub(crate) unsafe fn shift_and_detach(shift: usize) {
    let (argc, argv) = (ARGC.load(Relaxed) as usize, ARGV.load(Relaxed));
    if argv.is_null() || argc == 0 {
        return;
    }
    // SAFETY: argv has `argc` entries, and nobody else uses them now (caller).
    let arguments = unsafe { std::slice::from_raw_parts_mut(argv, argc) };
    let live = arguments.iter().position(|entry| entry.is_null()).unwrap_or(argc);
    let title = extent(&arguments[..live]);
    arguments[..live].rotate_left(shift.min(live));
    arguments[live.saturating_sub(shift)..live].fill(std::ptr::null_mut());
    for entry in arguments[..live.saturating_sub(shift)].iter_mut() {
        // SAFETY: a non-null entry of argv is a C string.
        let text = unsafe { CStr::from_ptr(*entry) };
        *entry = text.to_owned().into_raw();
    }
    if let Some((start, len)) = title {
        TITLE.store(start, Relaxed);
        TITLE_LEN.store(len, Relaxed);
    }
}

/// Start and length of the block in which the kernel laid the argument strings one after another; none
/// if the program has put others in their place.
fn extent(arguments: &[*mut c_char]) -> Option<(*mut c_char, usize)> {
    let start = *arguments.first()?;
    let mut end = start as usize;
    for &argument in arguments {
        if argument as usize != end {
            return None;
        }
        // SAFETY: a non-null entry of argv is a C string.
        end += unsafe { CStr::from_ptr(argument) }.count_bytes() + 1;
    }
    Some((start, end - start as usize))
}

/// Shows `title` as the command line of this process; cut where the original line ended.
///
/// # Safety
/// No other thread may run.
unsafe fn set_title(title: &str) {
    let (start, len) = (TITLE.load(Relaxed), TITLE_LEN.load(Relaxed));
    if start.is_null() || len < 2 {
        return;
    }
    // SAFETY: `shift_and_detach` found `len` bytes of arguments here and moved their users away.
    let area = unsafe { std::slice::from_raw_parts_mut(start.cast::<u8>(), len) };
    let shown = title.len().min(len - 1);
    area[..shown].copy_from_slice(&title.as_bytes()[..shown]);
    area[shown..].fill(0);
}

/// Frees the bytes of the command line for a title, in a forked copy of a program.
pub(crate) fn detach() {
    if TITLE.load(Relaxed).is_null() {
        // SAFETY: called in a child that is being set up: no other thread runs, and std gives out
        // only copies of arguments.
        unsafe { shift_and_detach(0) };
    }
}

/// Shows `name` for this process in `ps`: as its command line where that can be changed, and as its
/// thread's name (15 bytes of it).
pub(crate) fn show_name(name: &str) {
    // SAFETY: called in a child that is being set up: no other thread runs.
    unsafe { set_title(name) };
    if let Ok(name) = std::ffi::CString::new(name) {
        let _ = rustix::thread::set_name(&name);
    }
}
