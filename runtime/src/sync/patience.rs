//! How long a wait may take, cut into naps: nobody sleeps for longer without a look around.

use std::time::{Duration, Instant};

/// The longest sleep without a look around.
pub(crate) const NAP: Duration = Duration::from_millis(500);

/// How long to wait for something.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Patience {
    /// Not at all.
    None,
    /// Until then.
    Until(Instant),
    /// As long as it takes.
    Endless,
}

impl Patience {
    /// From now on.
    pub(crate) fn of(time: Duration) -> Self {
        Instant::now().checked_add(time).map_or(Self::Endless, Self::Until)
    }

    /// When it ends, if it does.
    pub(crate) fn end(self) -> Option<Instant> {
        match self {
            Self::None => Some(Instant::now()),
            Self::Until(end) => Some(end),
            Self::Endless => None,
        }
    }

    /// How long to sleep next; `None` when time is up.
    pub(crate) fn nap(self) -> Option<Duration> {
        match self {
            Self::None => None,
            Self::Endless => Some(NAP),
            Self::Until(end) => {
                let left = end.saturating_duration_since(Instant::now());
                (!left.is_zero()).then(|| left.min(NAP))
            }
        }
    }
}
