//! A child is killed at any moment of its life: the parent has its result, or is told of the kill.

use std::time::{Duration, Instant};

use offspring::{JoinError, Process, Signal, StartMethod, process};

use crate::support::Random;

#[process]
fn pattern(seed: u64, len: usize) -> Vec<u8> {
    make(seed, len)
}

/// Bytes that nothing but the whole result has.
fn make(seed: u64, len: usize) -> Vec<u8> {
    (0..len as u64).map(|i| (i.wrapping_mul(31) ^ (i >> 8) ^ seed) as u8).collect()
}

pub(crate) struct Count {
    pub(crate) results: u32,
    pub(crate) deaths: u32,
}

/// Kills so many children after a random part of the time that one has left when it has been started.
pub(crate) fn kill_at_random(
    method: StartMethod,
    times: u32,
    len: usize,
    random: &mut Random,
) -> Count {
    let start =
        |seed| pattern::task(seed, len).start_method(method).spawn().expect("a process more");
    let mut count = Count { results: 0, deaths: 0 };
    let mut life = Duration::ZERO;
    for n in 0..times {
        if n % 50 == 0 {
            let child = start(0);
            let begin = Instant::now();
            assert_eq!(child.join().expect("a result"), make(0, len));
            life = begin.elapsed();
        }
        let seed = random.next();
        let child = start(seed);
        wait_busily(random.up_to(life + life / 4));
        judge(child, seed, len, &mut count);
    }
    count
}

/// Sleeping takes longer than most of these children live.
fn wait_busily(time: Duration) {
    let start = Instant::now();
    while start.elapsed() < time {
        std::hint::spin_loop();
    }
}

fn judge(child: Process<Vec<u8>>, seed: u64, len: usize, count: &mut Count) {
    child.kill().expect("a child of ours");
    match child.join() {
        Ok(result) => {
            assert!(result == make(seed, len), "a torn result");
            count.results += 1;
        }
        Err(JoinError::Signaled(signal)) => {
            assert_eq!(signal, Signal::SIGKILL);
            count.deaths += 1;
        }
        Err(other) => panic!("{other}"),
    }
}

#[test]
fn a_child_killed_around_its_result_gives_it_or_its_death() {
    let mut random = Random::new("child");
    let _turn = crate::turn();
    for (method, times, len) in [
        (StartMethod::ForkServer, 500, 100),
        (StartMethod::ForkServer, 60, 8 << 20),
        (StartMethod::Spawn, 60, 100),
    ] {
        let Count { results, deaths } = kill_at_random(method, times, len, &mut random);
        eprintln!(
            "child: {method:?}, {len} bytes: {times} killed; {results} results, {deaths} deaths"
        );
        assert!(deaths > 0, "no child was killed in time");
    }
    crate::support::assert_only_helpers_remain();
}
