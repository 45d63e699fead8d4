//! A module whose author forbids nearly everything: what the macros write does none of it.

#![deny(missing_docs, missing_debug_implementations, missing_copy_implementations)]
#![deny(unreachable_pub, unnameable_types, unused, unused_qualifications, unused_results)]
#![deny(single_use_lifetimes, trivial_casts, trivial_numeric_casts, let_underscore_drop)]
#![deny(rust_2018_idioms, explicit_outlives_requirements)]
#![deny(clippy::all, clippy::pedantic, clippy::missing_inline_in_public_items)]
#![deny(clippy::undocumented_unsafe_blocks, clippy::multiple_unsafe_ops_per_block)]
#![deny(clippy::as_conversions, clippy::unwrap_used, clippy::panic, clippy::shadow_unrelated)]
#![allow(clippy::missing_inline_in_public_items, reason = "this module's own functions")]

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use offspring::sync::Mutex;
use offspring::{Shared, daemon, message, preload, process, shared};

// The names of the prelude mean something else here.
#[allow(dead_code, missing_docs, clippy::missing_errors_doc)]
mod hidden {
    pub(super) enum Result {}
    pub(super) enum Option {}
    pub(super) struct Ok;
    pub(super) struct Send;
    pub(super) struct Vec;
}
#[allow(unused_imports)]
use hidden::{Ok, Option, Result, Send, Vec};

#[allow(unused_macros)]
macro_rules! concat {
    () => {
        compile_error!("not the one of core")
    };
}

/// A mail.
#[message]
#[derive(Debug, Clone)]
pub(crate) struct Mail {
    /// To whom.
    pub(crate) to: String,
}

/// Sends a mail.
#[process]
#[must_use]
pub(crate) fn send(mail: &Mail, copies: usize) -> usize {
    mail.to.len() * copies
}

/// Keeps still.
#[daemon(restart = "always", backoff = "1ms..2ms")]
pub(crate) fn idle(first: u64, second: u64) -> ! {
    let _ = first + second;
    loop {
        std::thread::park();
    }
}

#[preload]
fn warm() {}

/// Sends mails.
#[process]
#[derive(Debug)]
pub(crate) struct Mailer {
    /// What to send.
    pub(crate) mail: Mail,
}

#[process(nice = 1)]
impl Mailer {
    /// Sends it.
    #[must_use]
    pub(crate) fn run(self) -> usize {
        self.mail.to.len()
    }
}

/// How much was done.
#[shared]
#[derive(Debug, Default)]
pub(crate) struct Tally {
    /// Of words.
    pub(crate) words: AtomicU64,
    longest: Mutex<Longest>,
}

/// The longest one.
#[shared]
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Longest {
    len: u32,
}

#[shared]
impl Longest {
    /// Notes another one.
    pub(crate) fn see(&mut self, len: u32) {
        self.len = self.len.max(len);
    }
}

/// How often.
#[shared]
pub(crate) static HITS: AtomicU64 = AtomicU64::new(0);

#[test]
fn strict_crates_can_use_everything() {
    let mail = Mail { to: "ann".to_owned() };
    let sent = send::spawn(&mail, 2).map(|child| child.join().ok()).ok().flatten();
    assert_eq!(sent, Some(6));
    drop(idle::task(1, 2));
    let run = Mailer { mail }.spawn().map(|child| child.join().ok()).ok().flatten();
    assert_eq!(run, Some(3));
    let tally = Shared::new(Tally::default());
    assert!(
        tally.is_ok_and(|tally| tally.longest.see(3).is_ok() && tally.words.load(Relaxed) == 0)
    );
    assert_eq!(HITS.load(Relaxed), 0);
}
