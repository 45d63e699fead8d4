//! Whether something lies on the calling thread's own stack, so that it cannot outlive the thread.
//!
//! # Safety
//! Only calls into libc, with variables of its own.

#![allow(unsafe_code, reason = "asks libc where the stack of a thread is")]

use std::cell::Cell;
use std::mem::MaybeUninit;
use std::ptr;

thread_local! {
    /// First address and length; no length before the first question.
    static STACK: Cell<(usize, usize)> = const { Cell::new((0, 0)) };
}

/// Whether this address is on the stack of the calling thread. For a process's first thread it says so of any address:
/// nothing outlives that one but with its process.
#[inline]
pub(crate) fn holds(address: usize) -> bool {
    let (start, len) = STACK.get();
    address.wrapping_sub(start) < len || (len == 0 && find_and_ask(address))
}

#[cold]
fn find_and_ask(address: usize) -> bool {
    let (start, len) = find().unwrap_or((0, 1));
    STACK.set((start, len));
    address.wrapping_sub(start) < len
}

/// The calling thread's stack, with what libc keeps at its end.
fn find() -> Option<(usize, usize)> {
    if rustix::thread::gettid() == rustix::process::getpid() {
        return Some((0, usize::MAX));
    }
    let mut attributes = MaybeUninit::<libc::pthread_attr_t>::uninit();
    // SAFETY: it has no conditions.
    let own = unsafe { libc::pthread_self() };
    // SAFETY: the calling thread, and room for what is asked.
    if unsafe { libc::pthread_getattr_np(own, attributes.as_mut_ptr()) } != 0 {
        return None;
    }
    let (mut start, mut len) = (ptr::null_mut(), 0);
    // SAFETY: filled in by the call above; room for what is asked.
    let failed =
        unsafe { libc::pthread_attr_getstack(attributes.as_ptr(), &raw mut start, &raw mut len) };
    // SAFETY: filled in above, and not used after this.
    unsafe { libc::pthread_attr_destroy(attributes.as_mut_ptr()) };
    (failed == 0).then(|| (start.addr(), len))
}

#[cfg(test)]
mod tests {
    use super::holds;

    #[test]
    fn a_thread_knows_its_own_stack() {
        let asked = std::thread::spawn(|| {
            let (here, there) = (0_u8, Box::new(0_u8));
            [&raw const here, &raw const *there].map(|it| holds(it.addr()))
        });
        assert_eq!(asked.join().unwrap(), [true, false]);
    }
}
