//! How many processors this process may use.

use std::fs;

/// How many processes can run at the same time: the processors that this one may use, and no more than
/// its control group's quota rounded up; at least 1.
///
/// ```
/// assert!(offspring::cpu_count() >= 1);
/// ```
pub fn cpu_count() -> usize {
    let allowed = rustix::thread::sched_getaffinity(None).map_or(1, |set| set.count() as usize);
    allowed.min(quota().unwrap_or(usize::MAX)).max(1)
}

/// The tightest quota on the way from this process's control group to the root (cgroups(7)).
fn quota() -> Option<usize> {
    let groups = fs::read_to_string("/proc/self/cgroup").ok()?;
    groups.lines().filter_map(group_quota).min()
}

fn group_quota(line: &str) -> Option<usize> {
    let mut fields = line.splitn(3, ':');
    let (_, controllers, path) = (fields.next()?, fields.next()?, fields.next()?);
    let (root, read): (&str, fn(&str) -> Option<usize>) = if controllers.is_empty() {
        ("/sys/fs/cgroup", unified)
    } else if controllers.split(',').any(|controller| controller == "cpu") {
        ("/sys/fs/cgroup/cpu", legacy)
    } else {
        return None;
    };
    let path = std::path::Path::new(path.trim_start_matches('/'));
    path.ancestors().filter_map(|group| read(&format!("{root}/{}", group.display()))).min()
}

fn unified(group: &str) -> Option<usize> {
    let text = fs::read_to_string(format!("{group}/cpu.max")).ok()?;
    let (quota, period) = text.trim().split_once(' ')?;
    rounded_up(quota, period)
}

fn legacy(group: &str) -> Option<usize> {
    let quota = fs::read_to_string(format!("{group}/cpu.cfs_quota_us")).ok()?;
    let period = fs::read_to_string(format!("{group}/cpu.cfs_period_us")).ok()?;
    rounded_up(quota.trim(), period.trim())
}

/// Numbers of microseconds; `max` or -1 is no quota.
fn rounded_up(quota: &str, period: &str) -> Option<usize> {
    let (quota, period): (usize, usize) = (quota.parse().ok()?, period.parse().ok()?);
    (period > 0).then(|| quota.div_ceil(period))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quota_is_rounded_up_and_no_quota_is_none() {
        assert_eq!(rounded_up("150000", "100000"), Some(2));
        assert_eq!(rounded_up("100000", "100000"), Some(1));
        assert_eq!(rounded_up("max", "100000"), None);
        assert_eq!(rounded_up("-1", "100000"), None);
        assert_eq!(rounded_up("1", "0"), None);
    }
}
