//! The library's source, and what stands in for the parts of it that have nothing to do with who holds what.

#![allow(
    dead_code,
    unnameable_types,
    unreachable_pub,
    reason = "not all of the source is used here, nor for what it was written"
)]

/// Without detection: nobody waits for a second.
pub(crate) mod deadlock {
    #[derive(Clone, Copy, Debug)]
    pub(crate) struct Call;

    #[derive(Debug)]
    pub(crate) struct Wait;

    impl Wait {
        pub(crate) const fn new(_: Option<Call>) -> Self {
            Self
        }

        pub(crate) fn is_vain(&mut self, _: usize, _: impl FnOnce() -> Option<u32>) -> bool {
            false
        }

        pub(crate) fn withdraw(&mut self) {}
    }
}

/// Waits without an end are never interrupted; those with one end at some time.
pub(crate) mod patience {
    use real::time::{Duration, Instant};

    pub(crate) const NAP: Duration = Duration::from_millis(500);
    const SHORT: Duration = Duration::from_millis(1);

    #[derive(Clone, Copy, Debug)]
    pub(crate) enum Patience {
        None,
        Until(Instant),
        Endless,
    }

    impl Patience {
        pub(crate) fn of(time: Duration) -> Self {
            Instant::now().checked_add(time).map_or(Self::Endless, Self::Until)
        }

        pub(crate) fn nap(self) -> Option<Duration> {
            match self {
                Self::None => None,
                Self::Endless => Some(NAP),
                Self::Until(_) => (!crate::kernel::is_time_up()).then_some(SHORT),
            }
        }
    }
}

/// Looking again for a drawn number of times.
pub(crate) mod spin {
    #[derive(Debug)]
    pub(crate) struct Spin(u32);

    impl Spin {
        pub(crate) fn new() -> Self {
            Self(crate::kernel::draw(3))
        }

        pub(crate) fn seldom() -> Self {
            Self::new()
        }

        pub(crate) fn again(&mut self) -> bool {
            let again = self.0 > 0;
            self.0 = self.0.saturating_sub(1);
            again
        }

        pub(crate) fn found(&self) {}
    }
}

// `permits` keeps a note for each thread.
macro_rules! thread_local {
    (static $name:ident: Cell<$type:ty> = const { $start:expr };) => {
        static $name: crate::kernel::Local<$type> = crate::kernel::Local(|| $start);
    };
}

macro_rules! source {
    ($($path:literal $name:ident)*) => {$(
        #[path = $path]
        pub(crate) mod $name;
    )*};
}

source! {
    "../../src/sync/barrier.rs" barrier
    "../../src/sync/crowd.rs" crowd
    "../../src/sync/event.rs" event
    "../../src/sync/gate.rs" gate
    "../../src/sync/loose.rs" loose
    "../../src/sync/members.rs" members
    "../../src/sync/permits.rs" permits
    "../../src/sync/permits_wait.rs" permits_wait
    "../../src/sync/raw.rs" raw
    "../../src/sync/raw_rwlock.rs" raw_rwlock
    "../../src/sync/rounds.rs" rounds
    "../../src/sync/seats.rs" seats
    "../../src/sync/slots.rs" slots
    "../../src/sync/waiters.rs" waiters
}
