//! A parent is killed at any moment: soon nothing of its family is left.

use std::io::Read as _;
use std::process::Stdio;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::SigSet;
use offspring::{StartMethod, daemon, process};

use crate::Case;
use crate::support::{
    DEADLINE, Random, assert_no_new_names, kill_pid, names, summary, tagged, victim,
};

pub(crate) const CASES: &[Case] = &[("nothing_of_a_killed_parents_family_is_left", kill_parents)];
pub(crate) const VICTIMS: &[Case] = &[("family", live), ("crowd", live_in_threads)];

const ROUNDS: usize = 200;
/// What the contract says; a loaded machine may be slower, and that is reported.
const PROMISED: Duration = Duration::from_secs(1);

/// Never looks up, and hears no signal that can be blocked.
#[daemon]
fn deaf() {
    SigSet::all().thread_block().expect("a mask");
    loop {
        std::hint::spin_loop();
    }
}

/// A daemon with a child of its own, which is a daemon too.
#[daemon]
fn deaf_parent() {
    let _child = deaf::spawn();
    loop {
        thread::park();
    }
}

#[process]
fn short(n: u64) -> u64 {
    thread::sleep(Duration::from_millis(n % 3));
    n
}

/// Starts processes of every kind until it is killed. The whole family inherits standard output.
fn live() {
    let methods = [StartMethod::Fork, StartMethod::ForkServer, StartMethod::Spawn];
    let mut daemons = Vec::new();
    for n in 0_u64.. {
        let method = methods[n as usize % methods.len()];
        if n < 3 {
            daemons.push(deaf::task().start_method(method).spawn().expect("a process more"));
        }
        if n == 3 {
            daemons.push(deaf_parent::spawn().expect("a process more"));
        }
        let child = short::task(n).start_method(method).spawn().expect("a process more");
        if n == 6 {
            println!("ready");
        }
        assert_eq!(child.join().expect("a result"), n);
    }
}

/// The same from four threads, as far as threads allow; every other child is detached.
fn live_in_threads() {
    let spawn = |thread: u64| {
        let _daemon = deaf::spawn().expect("a process more");
        for n in 0.. {
            let method = if n % 8 == 7 { StartMethod::Spawn } else { StartMethod::ForkServer };
            let child = short::task(n).start_method(method).spawn().expect("a process more");
            if (thread, n) == (0, 6) {
                println!("ready");
            }
            if n % 2 == 0 {
                assert_eq!(child.join().expect("a result"), n);
            }
        }
    };
    thread::scope(|scope| (0..4).for_each(|thread| drop(scope.spawn(move || spawn(thread)))));
}

/// What one killed family came to.
struct Death {
    /// How long something of it was left; none if it was there beyond the deadline.
    gone: Option<Duration>,
    was_ready: bool,
}

fn kill_one(victim_name: &str, random: &mut Random, when_ready: bool) -> Death {
    let executable = std::env::current_exe().expect("a path");
    let (mut command, tag) = victim(victim_name, &executable);
    let mut parent = command.stdout(Stdio::piped()).spawn().expect("a process more");
    // The command holds a copy of the write end.
    drop(command);
    let mut output = parent.stdout.take().expect("a pipe");
    if when_ready {
        output.read_exact(&mut [0; 6]).expect("it comes to life");
    }
    thread::sleep(random.up_to(Duration::from_millis(if when_ready { 20 } else { 60 })));
    parent.kill().expect("a child of ours");
    let start = Instant::now();
    parent.wait().expect("a child of ours");
    // The end of the pipe is the end of the last one that could write to it.
    let (report, end) = mpsc::channel();
    let reader = thread::spawn(move || {
        let mut rest = Vec::new();
        let read = output.read_to_end(&mut rest);
        let _ = report.send((start.elapsed(), read.is_ok() && !rest.is_empty()));
    });
    let death = match end.recv_timeout(DEADLINE) {
        Ok((gone, rest)) => Death { gone: Some(gone), was_ready: when_ready || rest },
        Err(_) => Death { gone: None, was_ready: when_ready },
    };
    let left = tagged(&tag);
    left.iter().copied().for_each(kill_pid);
    let _ = reader.join();
    assert!(left.is_empty() && death.gone.is_some(), "they live on: {left:?}");
    death
}

fn kill_parents() {
    let mut random = Random::new("family");
    let names = names();
    let deaths: Vec<Death> = (0..ROUNDS)
        .map(|round| kill_one(VICTIMS[round / 2 % 2].0, &mut random, round % 2 == 0))
        .collect();
    let mut times: Vec<Duration> = deaths.iter().filter_map(|death| death.gone).collect();
    let late = times.iter().filter(|time| **time > PROMISED).count();
    let ready = deaths.iter().filter(|death| death.was_ready).count();
    eprintln!(
        "family: {} parents killed, {ready} of them with a whole family; all gone after {}; {late} later than {PROMISED:?}",
        deaths.len(),
        summary(&mut times)
    );
    assert_no_new_names(&names);
}
