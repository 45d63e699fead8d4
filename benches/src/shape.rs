//! The states that a process may be in when it starts another.

use std::thread;

use crate::resident::{self, Pages};
use crate::{Fallible, Way};

/// How many are started before the first is joined, in [`Shape::Burst`].
pub const BURST: u32 = 64;

const THREADS: usize = 8;

/// What the starting process is like, and how it starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// Nothing but the measuring code; one started, one joined.
    Small,
    /// Eight more threads, all parked.
    Threads,
    /// [`BURST`] started, then all joined; the time is that of one.
    Burst,
    /// 1 GiB resident in pages of 4 KiB.
    Gib,
    /// 1 GiB resident in huge pages.
    GibHuge,
    /// The first start of a program's life: every measurement has a program to itself.
    First,
}

impl Shape {
    /// All of them, in the order of the table.
    pub const ALL: [Self; 6] =
        [Self::Small, Self::Threads, Self::Burst, Self::Gib, Self::GibHuge, Self::First];

    /// Its name in criterion's folders and on an agent's command line.
    pub fn key(self) -> &'static str {
        match self {
            Self::Small => "spawn_small",
            Self::Threads => "spawn_threads",
            Self::Burst => "spawn_burst",
            Self::Gib => "spawn_gib",
            Self::GibHuge => "spawn_gib_huge",
            Self::First => "spawn_first",
        }
    }

    /// Its name in the table.
    pub fn label(self) -> &'static str {
        match self {
            Self::Small => "small process",
            Self::Threads => "8 threads",
            Self::Burst => "burst of 64, each",
            Self::Gib => "1 GiB, 4 KiB pages",
            Self::GibHuge => "1 GiB, huge pages",
            Self::First => "first of a program",
        }
    }

    /// The shape with this key.
    pub fn named(key: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|shape| shape.key() == key)
    }

    /// Whether this way is measured in this shape.
    pub fn takes(self, way: Way) -> bool {
        match self {
            Self::Small | Self::Gib => true,
            // Ours refuses to fork beside threads, and CPython's is not safe there.
            Self::Threads => way != Way::Fork && way.python_method().is_none(),
            // The other two of CPython take a second for one burst.
            Self::Burst => !matches!(way, Way::PythonForkServer | Way::PythonSpawn),
            Self::GibHuge => matches!(way, Way::BareFork | Way::ForkServer | Way::Fork),
            Self::First => way != Way::Thread && way.python_method().is_none(),
        }
    }

    /// Brings this process into the shape, for the rest of its life; `bytes` is what a big one holds.
    ///
    /// # Errors
    /// When the system refuses the threads or the memory.
    pub fn assume(self, bytes: usize) -> Fallible<()> {
        match self {
            Self::Small | Self::Burst | Self::First => Ok(()),
            Self::Threads => (0..THREADS).try_for_each(|_| {
                thread::Builder::new().spawn(|| {
                    loop {
                        thread::park();
                    }
                })?;
                Ok(())
            }),
            Self::Gib => resident::hold(bytes, Pages::Ordinary),
            Self::GibHuge => resident::hold(bytes, Pages::Huge),
        }
    }
}
