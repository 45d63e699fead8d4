//! Whether the kernel has killed for lack of memory: the counter `oom_kill` of `/proc/vmstat`.

use std::sync::Mutex;

/// The counter when it was last looked at.
static SEEN: Mutex<Option<u64>> = Mutex::new(None);

/// Notes the counter as it is before anything has died.
pub(crate) fn watch() {
    if let Ok(mut seen) = SEEN.lock()
        && seen.is_none()
    {
        *seen = kills();
    }
}

/// Whether the kernel has killed for lack of memory since the last look.
pub(crate) fn has_struck() -> bool {
    let Ok(mut seen) = SEEN.lock() else { return false };
    let before = std::mem::replace(&mut *seen, kills());
    matches!((before, *seen), (Some(before), Some(now)) if now > before)
}

fn kills() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/vmstat").ok()?;
    text.lines().find_map(|line| line.strip_prefix("oom_kill "))?.trim().parse().ok()
}
