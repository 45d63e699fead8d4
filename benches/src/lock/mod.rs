//! What the benchmarks of locks measure: cases, rivals, and which rival takes part in which case.
//!
//! As for starting processes, an agent of its own takes each measurement (`lock::agent`): it has one thread, so that it can
//! fork the crew that contends.
//!
//! - [`pthread`]: what libc has for several processes; [`raw_sync`]: what that crate has
//! - [`counting`], [`semaphore`], [`turns`], [`rounds`], [`reading`]: the subjects
//! - [`agent`]: from a case and a rival to nanoseconds
//! - [`table`]: the medians of a run as Markdown

pub mod agent;
pub mod counting;
pub mod pthread;
pub mod raw_sync;
pub mod reading;
pub mod rounds;
pub mod semaphore;
pub mod table;
pub mod turns;

/// What is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Case {
    /// Lock, add 1, unlock, alone.
    Uncontended,
    /// The same by two at once; time per addition of all together.
    Contended2,
    /// The same by four.
    Contended4,
    /// Take a permit and give it back, alone.
    Semaphore,
    /// An event there and back between two, each on a processor of its own.
    EventAwake,
    /// The same on one processor, so that each sleeps while the other runs.
    EventAsleep,
    /// A condition variable there and back.
    Condvar,
    /// A barrier of two.
    Barrier2,
    /// A barrier of four.
    Barrier4,
    /// Two that read 99 times of 100, and write once.
    Reading2,
    /// Four of them.
    Reading4,
}

impl Case {
    /// All of them, in the order of the table.
    pub const ALL: [Self; 11] = [
        Self::Uncontended,
        Self::Contended2,
        Self::Contended4,
        Self::Semaphore,
        Self::EventAwake,
        Self::EventAsleep,
        Self::Condvar,
        Self::Barrier2,
        Self::Barrier4,
        Self::Reading2,
        Self::Reading4,
    ];

    /// Its name in criterion's folders and on an agent's command line.
    pub fn key(self) -> &'static str {
        match self {
            Self::Uncontended => "lock_uncontended",
            Self::Contended2 => "lock_contended_2",
            Self::Contended4 => "lock_contended_4",
            Self::Semaphore => "lock_semaphore",
            Self::EventAwake => "lock_event_awake",
            Self::EventAsleep => "lock_event_asleep",
            Self::Condvar => "lock_condvar",
            Self::Barrier2 => "lock_barrier_2",
            Self::Barrier4 => "lock_barrier_4",
            Self::Reading2 => "lock_reading_2",
            Self::Reading4 => "lock_reading_4",
        }
    }

    /// Its name in the table.
    pub fn label(self) -> &'static str {
        match self {
            Self::Uncontended => "lock, alone",
            Self::Contended2 => "by 2",
            Self::Contended4 => "by 4",
            Self::Semaphore => "semaphore, alone",
            Self::EventAwake => "event there and back, awake",
            Self::EventAsleep => "asleep",
            Self::Condvar => "condvar there and back",
            Self::Barrier2 => "barrier of 2",
            Self::Barrier4 => "of 4",
            Self::Reading2 => "99 % reads by 2",
            Self::Reading4 => "by 4",
        }
    }

    /// The case with this key.
    pub fn named(key: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|case| case.key() == key)
    }

    /// How many take part.
    pub fn parties(self) -> usize {
        match self {
            Self::Uncontended | Self::Semaphore => 1,
            Self::Contended4 | Self::Barrier4 | Self::Reading4 => 4,
            _ => 2,
        }
    }
}

/// Who does it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "`label` says in words what each is")]
pub enum Rival {
    Offspring,
    Std,
    ParkingLot,
    Pthread,
    Robust,
    Posix,
    RawSync,
    Pipe,
    Python,
}

impl Rival {
    /// All of them, in the order of the table.
    pub const ALL: [Self; 9] = [
        Self::Offspring,
        Self::Std,
        Self::ParkingLot,
        Self::Pthread,
        Self::Robust,
        Self::Posix,
        Self::RawSync,
        Self::Pipe,
        Self::Python,
    ];

    /// Its name in criterion's folders and on an agent's command line.
    pub fn key(self) -> &'static str {
        match self {
            Self::Offspring => "offspring",
            Self::Std => "std",
            Self::ParkingLot => "parking_lot",
            Self::Pthread => "pthread",
            Self::Robust => "pthread_robust",
            Self::Posix => "sem_t",
            Self::RawSync => "raw_sync",
            Self::Pipe => "pipe",
            Self::Python => "cpython",
        }
    }

    /// Its name in the table.
    pub fn label(self) -> &'static str {
        match self {
            Self::Offspring => "**offspring (processes, survives kills)**",
            Self::Std => "`std::sync` (threads)",
            Self::ParkingLot => "parking_lot (threads)",
            Self::Pthread => "pthread, process-shared",
            Self::Robust => "pthread, process-shared and robust",
            Self::Posix => "POSIX `sem_t`",
            Self::RawSync => "raw_sync",
            Self::Pipe => "pipe",
            Self::Python => "CPython `multiprocessing`",
        }
    }

    /// The rival with this key.
    pub fn named(key: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|rival| rival.key() == key)
    }

    /// Whether it has what the case needs.
    pub fn takes(self, case: Case) -> bool {
        use Case as C;
        match self {
            Self::Offspring => true,
            Self::Std => !matches!(case, C::Semaphore | C::EventAwake | C::EventAsleep),
            Self::ParkingLot => matches!(
                case,
                C::Uncontended
                    | C::Contended2
                    | C::Contended4
                    | C::Condvar
                    | C::Reading2
                    | C::Reading4
            ),
            Self::Pthread => !matches!(case, C::Semaphore | C::EventAwake | C::EventAsleep),
            Self::Robust => matches!(case, C::Uncontended | C::Contended2 | C::Contended4),
            Self::Posix => matches!(
                case,
                C::Uncontended
                    | C::Contended2
                    | C::Contended4
                    | C::Semaphore
                    | C::EventAwake
                    | C::EventAsleep
            ),
            Self::RawSync => matches!(case, C::Uncontended | C::Contended2 | C::Contended4),
            Self::Pipe => matches!(case, C::EventAwake | C::EventAsleep),
            Self::Python => !matches!(case, C::Reading2 | C::Reading4),
        }
    }
}
