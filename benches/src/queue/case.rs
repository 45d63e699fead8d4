//! What is done with queues: which payloads, by how many, and what is counted.

/// What is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "`label` says in words what each is")]
pub enum Case {
    One8,
    Two8,
    Batch8,
    One64,
    Two64,
    Four64,
    Batch64,
    Kib1,
    Kib64,
    Mib1,
    AwakeP50,
    AwakeP99,
    AsleepP50,
    AsleepP99,
    Idle,
}

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Items from producers to consumers, as fast as they go.
    Flow,
    /// One item there and one back; the time of which so many percent are quicker.
    Trips {
        /// The percentage.
        percent: usize,
    },
    /// Processor time of one that waits for a second.
    Idle,
}

impl Case {
    /// Those in which items flow, in the order of the table.
    pub const FLOWS: [Self; 10] = [
        Self::One8,
        Self::Two8,
        Self::Batch8,
        Self::One64,
        Self::Two64,
        Self::Four64,
        Self::Batch64,
        Self::Kib1,
        Self::Kib64,
        Self::Mib1,
    ];

    /// The others.
    pub const WAITS: [Self; 5] =
        [Self::AwakeP50, Self::AwakeP99, Self::AsleepP50, Self::AsleepP99, Self::Idle];

    /// Its name in criterion's folders and on an agent's command line.
    pub fn key(self) -> &'static str {
        match self {
            Self::One8 => "queue_8b_1to1",
            Self::Two8 => "queue_8b_2to2",
            Self::Batch8 => "queue_8b_by_64",
            Self::One64 => "queue_64b_1to1",
            Self::Two64 => "queue_64b_2to2",
            Self::Four64 => "queue_64b_4to4",
            Self::Batch64 => "queue_64b_by_64",
            Self::Kib1 => "queue_1kib",
            Self::Kib64 => "queue_64kib",
            Self::Mib1 => "queue_1mib",
            Self::AwakeP50 => "latency_awake_p50",
            Self::AwakeP99 => "latency_awake_p99",
            Self::AsleepP50 => "latency_asleep_p50",
            Self::AsleepP99 => "latency_asleep_p99",
            Self::Idle => "latency_idle",
        }
    }

    /// Its name in the table.
    pub fn label(self) -> &'static str {
        match self {
            Self::One8 => "8 B",
            Self::Two8 => "8 B, 2:2",
            Self::Batch8 => "8 B by 64",
            Self::One64 => "64 B",
            Self::Two64 => "64 B, 2:2",
            Self::Four64 => "64 B, 4:4",
            Self::Batch64 => "64 B by 64",
            Self::Kib1 => "1 KiB",
            Self::Kib64 => "64 KiB",
            Self::Mib1 => "1 MiB",
            Self::AwakeP50 => "there and back awake, p50",
            Self::AwakeP99 => "awake, p99",
            Self::AsleepP50 => "asleep, p50",
            Self::AsleepP99 => "asleep, p99",
            Self::Idle => "processor time of 1 s of waiting",
        }
    }

    /// The case with this key.
    pub fn named(key: &str) -> Option<Self> {
        Self::FLOWS.into_iter().chain(Self::WAITS).find(|case| case.key() == key)
    }

    /// What is counted.
    pub fn kind(self) -> Kind {
        match self {
            Self::AwakeP50 | Self::AsleepP50 => Kind::Trips { percent: 50 },
            Self::AwakeP99 | Self::AsleepP99 => Kind::Trips { percent: 99 },
            Self::Idle => Kind::Idle,
            _ => Kind::Flow,
        }
    }

    /// Bytes of an item.
    pub fn size(self) -> usize {
        match self {
            Self::One8 | Self::Two8 | Self::Batch8 => 8,
            Self::Kib1 => 1 << 10,
            Self::Kib64 => 1 << 16,
            Self::Mib1 => 1 << 20,
            _ => 64,
        }
    }

    /// Items that are put at once.
    pub fn batch(self) -> usize {
        if matches!(self, Self::Batch8 | Self::Batch64) { 64 } else { 1 }
    }

    /// Producers, and as many consumers.
    pub fn pairs(self) -> usize {
        match self {
            Self::Two8 | Self::Two64 => 2,
            Self::Four64 => 4,
            _ => 1,
        }
    }

    /// Items that may lie in the queue, where it has a bound.
    pub fn bound(self) -> usize {
        match self {
            Self::Kib64 => 64,
            Self::Mib1 => 16,
            _ => 1024,
        }
    }

    /// Items, or trips, of one iteration of criterion's.
    pub fn items(self) -> usize {
        match self {
            Self::Kib1 => 2048,
            Self::Kib64 => 128,
            Self::Mib1 => 16,
            Self::Idle => 1,
            _ if self.kind() == Kind::Flow => 8192,
            _ => 500,
        }
    }

    /// Whether all share one processor, so that each sleeps while another runs.
    pub fn on_one_processor(self) -> bool {
        matches!(self, Self::AsleepP50 | Self::AsleepP99)
    }
}
