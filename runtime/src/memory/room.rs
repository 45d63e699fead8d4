//! How much memory there is to take.
//!
//! The kernel finds out that memory is full only page by page, and its answer is to kill somebody. So a large
//! reservation is compared with what is free first: in the machine, and in each control group (cgroups(7)) on the
//! way from this process to the root.

use std::fs;
use std::path::Path;

/// From this size on it is worth looking.
const LARGE: u64 = 64 << 20;

/// Whether so many bytes can be had, as far as can be told; smaller sizes are left to the kernel.
pub(crate) fn is_enough(len: u64) -> bool {
    len < LARGE || in_machine().into_iter().chain(in_groups()).all(|room| len <= room)
}

fn in_machine() -> Option<u64> {
    let table = fs::read_to_string("/proc/meminfo").ok()?;
    let kib = |key| number_after(&table, key);
    Some(kib("MemAvailable:")?.saturating_add(kib("SwapFree:").unwrap_or(0)).saturating_mul(1024))
}

fn in_groups() -> Option<u64> {
    let groups = fs::read_to_string("/proc/self/cgroup").ok()?;
    groups.lines().filter_map(in_hierarchy).min()
}

/// A line of /proc/self/cgroup: `number:controllers:path`, no controllers in version 2.
fn in_hierarchy(line: &str) -> Option<u64> {
    let mut fields = line.splitn(3, ':').skip(1);
    let (controllers, path) = (fields.next()?, fields.next()?);
    let (root, limit, usage) = if controllers.is_empty() {
        ("/sys/fs/cgroup", "memory.max", "memory.current")
    } else if controllers.split(',').any(|controller| controller == "memory") {
        ("/sys/fs/cgroup/memory", "memory.limit_in_bytes", "memory.usage_in_bytes")
    } else {
        return None;
    };
    let room = |group: &Path| {
        let read = |file| fs::read_to_string(Path::new(root).join(group).join(file)).ok();
        room_of(&read(limit)?, &read(usage)?, &read("memory.stat")?)
    };
    Path::new(path.trim_start_matches('/')).ancestors().filter_map(room).min()
}

/// The files of one group; a limit of `max` is none. What is cached of files makes way when it has to.
fn room_of(limit: &str, usage: &str, stat: &str) -> Option<u64> {
    let limit: u64 = limit.trim().parse().ok()?;
    let usage: u64 = usage.trim().parse().ok()?;
    let cached = |key| number_after(stat, key).unwrap_or(0);
    let cached = cached("inactive_file ").saturating_add(cached("active_file "));
    Some(limit.saturating_sub(usage.saturating_sub(cached)))
}

/// The number in the line that begins with `key`.
fn number_after(table: &str, key: &str) -> Option<u64> {
    let line = table.lines().find_map(|line| line.strip_prefix(key))?;
    line.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_has_room_up_to_its_limit_and_caches_make_way() {
        let stat = "anon 100\ninactive_file 30\nactive_file 20\n";
        assert_eq!(room_of("1000\n", "400\n", stat), Some(650));
        assert_eq!(room_of("300\n", "400\n", ""), Some(0));
        assert_eq!(room_of("max\n", "400\n", stat), None);
        assert_eq!(number_after("MemTotal: 5 kB\nMemFree:   7 kB\n", "MemFree:"), Some(7));
    }

    #[test]
    fn there_is_room_for_little_and_not_for_everything() {
        assert!(is_enough(4096));
        assert!(!is_enough(u64::MAX));
    }
}
