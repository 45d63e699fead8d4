//! The fork server is killed, and so are the children that it keeps ready.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::Relaxed};
use std::thread;
use std::time::Duration;

use nix::sys::signal::{SIGCONT, SIGSTOP, kill};
use nix::unistd::Pid;
use offspring::{Process, StartMethod, process};

use crate::support::{
    Random, assert_only_helpers_remain, children, kill_pid, server, spares, wait_until,
};

#[process(start = "forkserver")]
fn double(n: u64) -> u64 {
    n * 2
}

#[process(start = "forkserver")]
fn double_later(n: u64, pause: Duration) -> u64 {
    thread::sleep(pause);
    n * 2
}

const THREADS: u64 = 4;
const SPAWNS: u64 = 250;

/// A dead server is found out, and reaped with its children, by the first spawn that needs it.
#[track_caller]
fn assert_nothing_is_left() {
    wait_until("the dead server is found out", || {
        double::spawn(1).unwrap().join().unwrap();
        children().iter().all(|one| !one.is_zombie())
    });
    assert_only_helpers_remain();
}

/// Kills the server and sees it dead; gives whether there was one.
fn kill_server() -> bool {
    let Some(found) = server() else { return false };
    kill_pid(found);
    wait_until("it is dead", || children().iter().all(|one| one.pid != found || one.is_zombie()));
    true
}

#[track_caller]
fn assert_doubled(children: Vec<Process<u64>>) {
    for (n, child) in children.into_iter().enumerate() {
        assert_eq!(child.join().expect("a result"), n as u64 * 2);
    }
}

#[test]
fn children_outlive_the_server_and_the_next_spawn_has_a_new_one() {
    let _turn = crate::turn();
    for _ in 0..10 {
        let pause = Duration::from_millis(20);
        let children: Vec<_> = (0..4).map(|n| double_later::spawn(n, pause).unwrap()).collect();
        let old = server().expect("a server");
        kill_pid(old);
        assert_eq!(double::spawn(21).unwrap().join().unwrap(), 42);
        assert_doubled(children);
        wait_until("there is a new server", || {
            // The children that the old one had ready are used up first.
            double::spawn(1).unwrap().join().unwrap();
            server().is_some_and(|new| new != old)
        });
    }
    assert_nothing_is_left();
}

#[test]
fn a_server_killed_between_spawns_costs_nothing() {
    let _turn = crate::turn();
    let mut killed = 0;
    for n in 0..50 {
        assert_eq!(double::spawn(n).unwrap().join().unwrap(), n * 2);
        // There is none when the last one was killed and the children that it had ready are not used up.
        killed += u32::from(kill_server());
        assert_eq!(double::spawn(n).unwrap().join().unwrap(), n * 2);
    }
    eprintln!("server: {killed} killed between spawns");
    assert!(killed > 10);
    assert_nothing_is_left();
}

/// Its children that are ready are taken meanwhile; the next spawn waits for it.
#[test]
fn a_stopped_server_delays_a_spawn_until_it_goes_on() {
    let _turn = crate::turn();
    assert_eq!(double::spawn(1).unwrap().join().unwrap(), 2);
    let stopped = Pid::from_raw(server().expect("a server") as i32);
    kill(stopped, SIGSTOP).unwrap();
    wait_until("it is stopped", || children().iter().any(|one| one.state == 'T'));
    let spawned = AtomicU32::new(0);
    thread::scope(|scope| {
        let spawning = scope.spawn(|| {
            for n in 0..20 {
                assert_eq!(double::spawn(n).unwrap().join().unwrap(), n * 2);
                spawned.fetch_add(1, Relaxed);
            }
        });
        wait_until("no child is ready", || spares().is_empty());
        // Time to wait in; whoever has no need to has no use for it.
        thread::sleep(Duration::from_millis(50));
        let early = spawned.load(Relaxed);
        kill(stopped, SIGCONT).unwrap();
        assert!(spawning.join().is_ok());
        assert!(early < 20, "children came from a stopped server");
    });
    assert_nothing_is_left();
}

#[test]
fn ready_children_that_are_killed_are_passed_over() {
    let _turn = crate::turn();
    let mut killed = 0;
    for n in 0..50 {
        assert_eq!(double::spawn(n).unwrap().join().unwrap(), n * 2);
        if n % 2 == 0 {
            // Dead for sure, or (below) perhaps in the very moment of the next spawn.
            wait_until("children are ready", || !spares().is_empty());
        }
        let spares = spares();
        killed += spares.len();
        spares.into_iter().for_each(kill_pid);
        let children: Vec<_> = (0..4).map(|n| double::spawn(n).unwrap()).collect();
        for (n, child) in children.into_iter().enumerate() {
            // One that was killed when it had its task already is a death like any other.
            match child.join() {
                Ok(value) => assert_eq!(value, n as u64 * 2),
                Err(offspring::JoinError::Signaled(signal)) => assert_eq!(signal.number(), 9),
                Err(other) => panic!("{other}"),
            }
        }
    }
    assert!(killed > 0);
    assert_nothing_is_left();
}

#[test]
fn spawns_succeed_while_another_thread_kills_servers() {
    let _turn = crate::turn();
    let mut random = Random::new("server");
    let (done, killed, failed) = (AtomicBool::new(false), AtomicU32::new(0), AtomicU32::new(0));
    thread::scope(|scope| {
        let spawning: Vec<_> = (0..THREADS).map(|_| scope.spawn(|| spawn_many(&failed))).collect();
        scope.spawn(|| {
            while !done.load(Relaxed) {
                thread::sleep(random.up_to(Duration::from_millis(20)));
                killed.fetch_add(u32::from(kill_server()), Relaxed);
            }
        });
        let results: Vec<_> = spawning.into_iter().map(|thread| thread.join()).collect();
        done.store(true, Relaxed);
        assert!(results.iter().all(Result::is_ok));
    });
    let spawns = THREADS * SPAWNS;
    eprintln!(
        "server: {spawns} spawns while {killed:?} servers were killed, {failed:?} of them refused"
    );
    assert!(killed.into_inner() > 0);
    assert_eq!(double::spawn(4).unwrap().join().unwrap(), 8);
    assert_nothing_is_left();
}

/// A spawn may be refused with a reason, when one server after another dies under its hands.
fn spawn_many(failed: &AtomicU32) {
    for n in 0..SPAWNS {
        match double::task(n).start_method(StartMethod::ForkServer).spawn() {
            Ok(child) => match child.join() {
                Ok(value) => assert_eq!(value, n * 2),
                // The helper that was seen and killed was no longer the server, but this child.
                Err(offspring::JoinError::Signaled(signal)) => assert_eq!(signal.number(), 9),
                Err(other) => panic!("{other}"),
            },
            Err(offspring::Error::Handshake { .. }) => {
                failed.fetch_add(1, Relaxed);
            }
            Err(other) => panic!("{other}"),
        }
    }
}
