//! What a process may use: setrlimit(2), setpriority(2).

use rustix::io::Result;
use rustix::process::{Resource, Rlimit, getrlimit, setpriority_process, setrlimit};

/// Limits the memory that this process may still get for itself (`RLIMIT_DATA`: heap and private
/// mappings; what it shares with others and its code do not count).
pub(crate) fn limit_memory(bytes: u64) -> Result<()> {
    let hard = getrlimit(Resource::Data).maximum;
    let current = hard.map_or(bytes, |hard| hard.min(bytes));
    setrlimit(Resource::Data, Rlimit { current: Some(current), maximum: hard })
}

/// Sets how much this process gives way to others, from -20 to 19.
pub(crate) fn set_nice(value: i32) -> Result<()> {
    setpriority_process(None, value)
}
