//! A process that is started again when it dies: how often, how soon, and when enough is enough.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::family::Child;
use super::launch::Launch;
use super::settings::Restart;
use super::status::ExitStatus;
use crate::{Error, Result};

/// When to start again. Intensity and period have Erlang's meaning: more than `max_restarts` within
/// `within` (ever, if none) and the supervisor gives up.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Policy {
    pub(crate) when: Restart,
    pub(crate) max_restarts: u32,
    pub(crate) within: Option<Duration>,
    /// The first pause and the longest; each is twice the one before.
    pub(crate) backoff: (Duration, Duration),
}

/// What a handle stands for: one child, or one after another.
#[derive(Debug)]
pub(crate) struct Line {
    state: Mutex<State>,
    changed: Condvar,
    supervision: Option<Supervision>,
}

#[derive(Debug)]
struct Supervision {
    policy: Policy,
    launch: Launch,
    name: String,
}

#[derive(Debug)]
struct State {
    child: Arc<Child>,
    /// No further child will come.
    settled: bool,
    gave_up: bool,
    failure: Option<Error>,
    restarts: u32,
    /// When it was started again, as far back as the policy asks.
    history: VecDeque<Instant>,
}

/// What the keeper does about a dead child.
pub(crate) enum Verdict {
    Settled,
    RestartAt(Instant),
}

impl Line {
    pub(crate) fn new(child: Arc<Child>, supervised: Option<(Policy, Launch, String)>) -> Self {
        let state = State {
            child,
            settled: false,
            gave_up: false,
            failure: None,
            restarts: 0,
            history: VecDeque::new(),
        };
        let supervision =
            supervised.map(|(policy, launch, name)| Supervision { policy, launch, name });
        Self { state: Mutex::new(state), changed: Condvar::new(), supervision }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The child that runs now, or the last one.
    pub(crate) fn child(&self) -> Arc<Child> {
        Arc::clone(&self.state().child)
    }

    pub(crate) fn is_supervised(&self) -> bool {
        self.supervision.is_some()
    }

    /// Has no further child started: somebody wants it dead.
    pub(crate) fn settle(&self) {
        self.state().settled = true;
        self.changed.notify_all();
    }

    /// How often it was started again, and whether that was once too often.
    pub(crate) fn given_up(&self) -> Option<u32> {
        let state = self.state();
        (state.gave_up && self.supervision.as_ref()?.policy.within.is_some())
            .then_some(state.restarts)
    }

    /// Why it could not be started again.
    pub(crate) fn take_failure(&self) -> Option<Error> {
        self.state().failure.take()
    }

    /// Waits for the end of the last child.
    pub(crate) fn wait(&self, deadline: Option<Instant>) -> Result<Option<ExitStatus>> {
        if self.is_supervised() && !self.wait_settled(deadline) {
            return Ok(None);
        }
        self.child().wait(deadline)
    }

    fn wait_settled(&self, deadline: Option<Instant>) -> bool {
        let mut state = self.state();
        while !state.settled {
            state = match deadline.map(|at| at.saturating_duration_since(Instant::now())) {
                Some(Duration::ZERO) => return false,
                Some(left) => {
                    let waited = self.changed.wait_timeout(state, left);
                    waited.unwrap_or_else(PoisonError::into_inner).0
                }
                None => self.changed.wait(state).unwrap_or_else(PoisonError::into_inner),
            };
        }
        true
    }

    /// What to do now that its child has ended.
    pub(crate) fn judge(&self) -> Verdict {
        let mut state = self.state();
        let Some(Supervision { policy, .. }) = &self.supervision else {
            state.settled = true;
            return Verdict::Settled;
        };
        let wanted = match policy.when {
            Restart::Never => false,
            Restart::OnFailure => !state.child.has_returned(),
            Restart::Always => true,
        };
        let now = Instant::now();
        if let Some(within) = policy.within {
            state.history.retain(|at| now.saturating_duration_since(*at) < within);
        }
        let spent = state.history.len() >= policy.max_restarts as usize;
        if state.settled || !wanted || spent {
            state.gave_up = wanted && !state.settled;
            state.settled = true;
            self.changed.notify_all();
            return Verdict::Settled;
        }
        let (least, most) = policy.backoff;
        let doubled = least.saturating_mul(1 << state.history.len().min(20));
        // A pause beyond the clock's end is as good as a year.
        let pause = doubled.min(most).min(Duration::from_secs(365 * 24 * 60 * 60));
        Verdict::RestartAt(now + pause)
    }

    /// Starts the next child.
    pub(crate) fn restart(&self) {
        let Some(Supervision { launch, name, .. }) = &self.supervision else { return };
        if self.state().settled {
            return;
        }
        let started = launch.start_again(name);
        let mut state = self.state();
        match started {
            Ok(child) => {
                if state.settled {
                    // Somebody wanted it dead while it was being born.
                    let _ = child.signal(libc::SIGKILL);
                }
                state.child = child;
                state.restarts += 1;
                state.history.push_back(Instant::now());
            }
            Err(error) => {
                state.failure = Some(error);
                state.settled = true;
            }
        }
        self.changed.notify_all();
    }
}
