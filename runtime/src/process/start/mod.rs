//! How a process comes into being. Each way ends with the same thing: a new process that waits on a
//! socket for its task ([`child::live`](super::child::live)), and this process's end of it.
//!
//! - [`forkserver`]: asks the helper, starting it first if need be
//! - [`server`]: the helper itself
//! - [`spawn`]: the executable anew
//! - [`fork`]: a copy of this process
//! - [`handshake`]: a first word from a process that was exec'ed, or a typed error
//! - [`ambient`]: what has changed in this process since the helper was started

pub(crate) mod ambient;
pub(crate) mod fork;
pub(crate) mod forkserver;
pub(crate) mod handshake;
pub(crate) mod server;
pub(crate) mod spawn;

use std::sync::atomic::{AtomicU8, Ordering::Relaxed};

use super::StartMethod;

const METHODS: [StartMethod; 3] = [StartMethod::ForkServer, StartMethod::Fork, StartMethod::Spawn];

static DEFAULT: AtomicU8 = AtomicU8::new(0);

/// Sets how processes start from now on, unless their task says otherwise: Python's
/// `set_start_method`. Children that are started later begin with the same default.
pub fn set_start_method(method: StartMethod) {
    DEFAULT.store(METHODS.iter().position(|one| *one == method).unwrap_or(0) as u8, Relaxed);
}

/// How processes start unless their task says otherwise.
pub fn start_method() -> StartMethod {
    METHODS.get(usize::from(DEFAULT.load(Relaxed))).copied().unwrap_or_default()
}
