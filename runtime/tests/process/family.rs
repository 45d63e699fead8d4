//! Who is whose: parents, children and theirs, whatever thread started them.

use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::SeqCst;
use std::thread;
use std::time::Duration;

use offspring::{ProcessInfo, Shared, StartMethod, cpu_count, message, process};

use crate::support::{echo, run, sleep, state, until};

#[message]
struct Seen {
    current: ProcessInfo,
    parent: Option<ProcessInfo>,
    parent_is_alive: bool,
    system_parent: i32,
    method: StartMethod,
}

#[process]
fn look() -> Seen {
    let parent = process::parent();
    Seen {
        current: process::current(),
        parent_is_alive: parent.as_ref().is_some_and(ProcessInfo::is_alive),
        parent,
        system_parent: nix::unistd::getppid().as_raw(),
        method: process::start_method(),
    }
}

#[process]
fn look_from_a_child() -> Seen {
    look::spawn().unwrap().join().unwrap()
}

/// Numbers the nodes of a tree depth first.
#[process]
fn grow(path: String, depth: u32) -> Vec<String> {
    let mut nodes = vec![path.clone()];
    for branch in ["0", "1"].iter().filter(|_| depth > 0) {
        nodes.extend(grow::spawn(path.clone() + branch, depth - 1).unwrap().join().unwrap());
    }
    nodes
}

#[process]
fn nest(depth: u32) -> u32 {
    if depth == 0 { 0 } else { 1 + nest::spawn(depth - 1).unwrap().join().unwrap() }
}

const ALIVE: u32 = 1;
const DEAD: u32 = 2;

#[process]
fn orphan(seen: &Shared<AtomicU32>, pid: &Shared<AtomicU32>) {
    let parent = process::parent().unwrap();
    let waited = parent.wait_timeout(Duration::ZERO).unwrap();
    pid.store(std::process::id(), SeqCst);
    seen.store(if parent.is_alive() && !waited { ALIVE } else { 9 }, SeqCst);
    let ended = parent.wait_timeout(Duration::MAX).unwrap();
    let again = parent.wait_timeout(Duration::ZERO).unwrap();
    seen.store(if ended && again && !parent.is_alive() { DEAD } else { 9 }, SeqCst);
}

#[process]
fn leave_an_orphan(seen: &Shared<AtomicU32>, pid: &Shared<AtomicU32>) {
    let child = orphan::spawn(seen, pid).unwrap();
    sleep();
    drop(child);
}

#[process(daemon)]
fn daemon_with_a_child() -> (bool, bool) {
    let child = look::spawn().unwrap();
    (child.is_daemon(), child.join().unwrap().current.daemon)
}

#[process]
fn daemons_child_of_a_child() -> bool {
    look_from_a_child::task().daemon(true).spawn().unwrap().join().unwrap().current.daemon
}

fn shared(number: u32) -> Shared<AtomicU32> {
    Shared::new(AtomicU32::new(number)).unwrap()
}

under_each_method! {
    fn a_child_knows_itself_and_its_parent() {
        let me = process::current();
        assert_eq!(me.pid, std::process::id());
        assert!(me.name.starts_with("body-") && me.is_alive());
        let child = look::spawn().unwrap();
        let (pid, name) = (child.pid(), child.name().to_owned());
        let seen = child.join().unwrap();
        assert_eq!((seen.current.pid, seen.current.name, seen.current.daemon), (pid, name, false));
        assert_eq!(seen.parent.as_ref(), Some(&me));
        assert!(seen.parent_is_alive);
        assert_eq!(seen.system_parent, std::process::id() as i32);
        assert_eq!(seen.method, process::start_method());
    }

    fn a_grandchild_too() {
        let child = look_from_a_child::spawn().unwrap();
        let (pid, name) = (child.pid(), child.name().to_owned());
        let seen = child.join().unwrap();
        let parent = seen.parent.unwrap();
        assert_eq!((parent.pid, parent.name), (pid, name));
        assert_eq!(seen.system_parent, pid as i32);
        assert_eq!(seen.method, process::start_method());
    }

    fn trees_grow() {
        let nodes = grow::spawn(String::new(), 2).unwrap().join().unwrap();
        assert_eq!(nodes, ["", "0", "00", "01", "1", "10", "11"]);
    }

    fn nested_to_any_depth() {
        assert_eq!(nest::spawn(8).unwrap().join().unwrap(), 8);
    }

    fn active_children_are_listed_and_reaped() {
        assert!(process::active_children().is_empty());
        let sleeper = sleep::task().name("sleeper").spawn().unwrap();
        let listed = process::active_children();
        assert!(listed.iter().any(|it| it.pid == sleeper.pid() && it.name == "sleeper"));
        let short = echo::spawn(4).unwrap();
        assert!(process::wait_any(&[&short], None).unwrap() == [0]);
        assert_eq!(state(short.pid()), Some('Z'));
        let listed: Vec<_> = process::active_children().iter().map(|it| it.pid).collect();
        assert_eq!(listed, [sleeper.pid()]);
        assert_eq!(state(short.pid()), None);
        assert_eq!(short.join().unwrap(), 4);
        sleeper.kill().unwrap();
        sleeper.wait().unwrap();
        assert!(process::active_children().is_empty());
    }

    fn a_listed_child_can_be_watched() {
        let sleeper = sleep::spawn().unwrap();
        let info = process::active_children().remove(0);
        assert!(info.is_alive() && !info.wait_timeout(Duration::ZERO).unwrap());
        sleeper.kill().unwrap();
        assert!(info.wait_timeout(Duration::MAX).unwrap() && !info.is_alive());
        assert!(sleeper.join().is_err());
    }

    fn an_orphan_notices() {
        let (seen, pid) = (shared(0), shared(0));
        let child = leave_an_orphan::spawn(&seen, &pid).unwrap();
        until(|| seen.load(SeqCst) != 0);
        assert_eq!(seen.load(SeqCst), ALIVE);
        child.kill().unwrap();
        until(|| seen.load(SeqCst) != ALIVE);
        assert_eq!(seen.load(SeqCst), DEAD);
        until(|| matches!(state(pid.load(SeqCst)), None | Some('Z')));
    }

    fn children_of_daemons_are_daemons() {
        assert_eq!(daemon_with_a_child::spawn().unwrap().join().unwrap(), (true, true));
        assert!(daemons_child_of_a_child::spawn().unwrap().join().unwrap());
    }

    fn processors_are_counted_as_allowed() {
        let all = cpu_count();
        assert!(all >= 1);
        let mut one = nix::sched::CpuSet::new();
        let allowed = nix::sched::sched_getaffinity(nix::unistd::Pid::from_raw(0)).unwrap();
        let first = (0..).find(|&cpu| allowed.is_set(cpu).unwrap()).unwrap();
        one.set(first).unwrap();
        nix::sched::sched_setaffinity(nix::unistd::Pid::from_raw(0), &one).unwrap();
        assert_eq!(cpu_count(), 1);
    }
}

#[process(start = "spawn", timeout = "60s")]
fn start_from_a_thread(method: StartMethod) {
    let me = std::process::id() as i32;
    let seen = thread::spawn(move || look::task().start_method(method).spawn().unwrap());
    let process = seen.join().unwrap();
    let seen = process.join().unwrap();
    assert_eq!((seen.system_parent, seen.parent_is_alive), (me, true));
}

/// The parent is the process, not the thread that asked: it may be gone.
#[test]
fn threads_start_children_of_their_process() {
    run(start_from_a_thread::task(StartMethod::ForkServer));
    run(start_from_a_thread::task(StartMethod::Spawn));
}

#[test]
fn the_first_process_has_no_parent() {
    assert_eq!(process::parent(), None);
    assert_eq!(process::current().name, "main");
    assert!(process::current().is_alive());
}
