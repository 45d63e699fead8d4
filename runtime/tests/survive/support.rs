//! What the survival and leak tests look at the system with, and how they start programs that are to suffer.

#![allow(dead_code, reason = "each of the test programs uses a part of it")]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::{Child, Command, ExitStatus};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// Longer than any machine takes; only a failure ever waits for it.
pub(crate) const DEADLINE: Duration = Duration::from_secs(60);
/// Marks every process of one run in its environment.
const TAG: &str = "OFFSPRING_TEST_TAG";
/// The victim program that this executable is to be.
pub(crate) const VICTIM: &str = "OFFSPRING_VICTIM";

/// Random numbers whose seed is printed: xorshift64* (Vigna, 2016).
#[derive(Debug)]
pub(crate) struct Random(u64);

impl Random {
    /// Seeded by the clock, or by `OFFSPRING_SEED` to see a failure again.
    pub(crate) fn new(test: &str) -> Self {
        let given = std::env::var("OFFSPRING_SEED").ok().and_then(|text| text.parse().ok());
        let clock =
            SystemTime::now().duration_since(UNIX_EPOCH).map_or(1, |now| now.as_nanos() as u64);
        let seed = given.unwrap_or(clock) | 1;
        eprintln!("{test}: OFFSPRING_SEED={seed}");
        Self(seed)
    }

    pub(crate) fn from_seed(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 11
    }

    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.next() % end.max(1)
    }

    pub(crate) fn up_to(&mut self, longest: Duration) -> Duration {
        Duration::from_nanos(self.below(longest.as_nanos() as u64))
    }

    pub(crate) fn bytes(&mut self, len: usize) -> Vec<u8> {
        (0..len).map(|_| self.next() as u8).collect()
    }
}

/// A line of `ps`.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) pid: u32,
    pub(crate) parent: u32,
    pub(crate) name: String,
    pub(crate) state: char,
    pub(crate) started: u64,
    /// Has not been exec'ed since it was forked (`PF_FORKNOEXEC`): what tells the server from its children.
    pub(crate) forked: bool,
}

impl Seen {
    pub(crate) fn is_zombie(&self) -> bool {
        self.state == 'Z'
    }

    /// The fork server, or a child of it that waits for a task: they bear one name.
    pub(crate) fn is_helper(&self) -> bool {
        self.name.starts_with("offspring-serve")
    }

    fn look(pid: u32) -> Option<Self> {
        // PID (NAME) STATE PPID ...: FLAGS is the 9th, STARTTIME the 22nd (proc_pid_stat(5)).
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        let (head, rest) = stat.rsplit_once(") ")?;
        let fields: Vec<&str> = rest.split(' ').collect();
        let flags: u64 = fields.get(6)?.parse().ok()?;
        Some(Self {
            pid,
            parent: fields.get(1)?.parse().ok()?,
            name: head.split_once('(')?.1.to_owned(),
            state: fields.first()?.chars().next()?,
            started: fields.get(19)?.parse().ok()?,
            forked: flags & 0x40 != 0,
        })
    }
}

fn everybody() -> impl Iterator<Item = u32> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}

/// The children of this process, zombies too, the oldest first.
pub(crate) fn children() -> Vec<Seen> {
    let me = std::process::id();
    let mut children: Vec<_> =
        everybody().filter_map(Seen::look).filter(|one| one.parent == me).collect();
    children.sort_by_key(|one| (one.started, one.pid));
    children
}

fn helpers() -> impl Iterator<Item = Seen> {
    children().into_iter().filter(|one| one.is_helper() && !one.is_zombie())
}

/// The running fork server of this process.
pub(crate) fn server() -> Option<u32> {
    helpers().find(|one| !one.forked).map(|one| one.pid)
}

/// Children of the server that wait for a task.
pub(crate) fn spares() -> Vec<u32> {
    helpers().filter(|one| one.forked).map(|one| one.pid).collect()
}

/// Waits until every child but the helpers is gone, and no zombie is among those.
#[track_caller]
pub(crate) fn assert_only_helpers_remain() {
    let others = || {
        children().into_iter().filter(|one| one.is_zombie() || !one.is_helper()).collect::<Vec<_>>()
    };
    if !happens(|| others().is_empty()) {
        panic!("children are left: {:?}", others());
    }
}

/// Whether it happens before the deadline.
pub(crate) fn happens(mut what: impl FnMut() -> bool) -> bool {
    let start = Instant::now();
    loop {
        if what() {
            return true;
        }
        if start.elapsed() > DEADLINE {
            return false;
        }
        thread::sleep(Duration::from_millis(1));
    }
}

#[track_caller]
pub(crate) fn wait_until(what: &str, condition: impl FnMut() -> bool) {
    assert!(happens(condition), "never: {what}");
}

pub(crate) fn kill_pid(pid: u32) {
    // One that has gone by itself meanwhile is as dead.
    let _ = kill(Pid::from_raw(pid as i32), Signal::SIGKILL);
}

/// Processes whose environment holds this tag.
pub(crate) fn tagged(tag: &str) -> Vec<u32> {
    let mark = format!("{TAG}={tag}").into_bytes();
    let bears = |pid: &u32| {
        let environment = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
        environment.split(|&byte| byte == 0).any(|variable| variable == mark)
    };
    everybody().filter(bears).collect()
}

pub(crate) fn open_descriptors() -> usize {
    // Less the one that looks.
    fs::read_dir("/proc/self/fd").expect("a list of descriptors").count() - 1
}

pub(crate) fn mappings(pid: &str) -> usize {
    fs::read_to_string(format!("/proc/{pid}/maps")).expect("a list of mappings").lines().count()
}

/// Memory in use, in KiB: `VmRSS` now, or `VmHWM` at its highest.
pub(crate) fn memory(pid: &str, field: &str) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}

/// Names that a family could leave behind: in shared memory, and ours among temporary files.
pub(crate) fn names() -> BTreeSet<String> {
    let names = |folder: &Path| {
        let entries = fs::read_dir(folder).into_iter().flatten().flatten();
        entries.map(|entry| entry.path().display().to_string()).collect::<Vec<_>>()
    };
    let ours = |name: &String| name.contains("offspring-");
    let temporary = names(&std::env::temp_dir()).into_iter().filter(ours);
    names(Path::new("/dev/shm")).into_iter().chain(temporary).collect()
}

/// Waits until there is no name that was not there before.
#[track_caller]
pub(crate) fn assert_no_new_names(before: &BTreeSet<String>) {
    let new = || names().difference(before).cloned().collect::<Vec<_>>();
    assert!(happens(|| new().is_empty()), "names are left: {:?}", new());
}

/// A name for one family of processes, no other's on this machine.
pub(crate) fn new_tag() -> String {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    format!("{}-{}", std::process::id(), NEXT.fetch_add(1, Relaxed))
}

/// This executable as the given victim program, in a process group of its own, with a tag for its family.
pub(crate) fn victim(name: &str, executable: &Path) -> (Command, String) {
    use std::os::unix::process::CommandExt as _;
    let tag = new_tag();
    let mut command = Command::new(executable);
    command.env(VICTIM, name).env(TAG, &tag).process_group(0);
    (command, tag)
}

/// Runs a victim program to its end, which must be a good one and leave nothing of its family.
#[track_caller]
pub(crate) fn run(name: &str, prepare: impl FnOnce(&mut Command)) {
    let executable = std::env::current_exe().expect("a path");
    let (mut command, tag) = victim(name, &executable);
    prepare(&mut command);
    let mut child = command.spawn().expect("a process more");
    let status = wait_with_deadline(&mut child);
    let left = || !tagged(&tag).is_empty();
    let gone = happens(|| !left());
    tagged(&tag).into_iter().for_each(kill_pid);
    match status {
        None => panic!("{name} hangs"),
        Some(status) => assert!(status.success(), "{name} ended with {status}"),
    }
    assert!(gone, "{name} leaves processes behind");
}

/// Waits for the end; one that hangs is killed.
pub(crate) fn wait_with_deadline(child: &mut Child) -> Option<ExitStatus> {
    let mut status = None;
    if !happens(|| {
        status = child.try_wait().expect("a child of ours");
        status.is_some()
    }) {
        child.kill().expect("a child of ours");
        child.wait().expect("a child of ours");
    }
    status
}

/// Middle and greatest.
pub(crate) fn summary(times: &mut [Duration]) -> String {
    times.sort();
    match times {
        [] => "none".to_owned(),
        _ => format!("p50 {:?}, max {:?}", times[times.len() / 2], times[times.len() - 1]),
    }
}
