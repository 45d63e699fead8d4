//! Many children from many threads while the allocator is never at rest.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread;

use offspring::{Process, StartMethod, process};

use crate::support::{Random, assert_only_helpers_remain};

const THREADS: u64 = 8;
const CHILDREN: u64 = 125;
const AT_ONCE: usize = 6;

#[process]
fn digest(numbers: &[u64], text: &str) -> (u64, String) {
    let sum = numbers.iter().fold(0_u64, |sum, number| sum.wrapping_add(*number));
    (sum, text.chars().rev().collect())
}

/// Takes and gives back memory of every size, so that the allocator's locks are held at any moment.
fn allocate(random: &mut Random, keep: &mut Vec<String>) {
    for _ in 0..20 {
        let len = random.below(4096) as usize;
        keep.push("x".repeat(len));
        if keep.len() > 64 {
            let victim = random.below(keep.len() as u64) as usize;
            keep.swap_remove(victim);
        }
    }
}

fn spawn_and_check(seed: u64) {
    let mut random = Random::from_seed(seed);
    let (mut keep, mut running) = (Vec::new(), Vec::new());
    for number in 0..CHILDREN {
        allocate(&mut random, &mut keep);
        let len = random.below(2000) as usize;
        let numbers: Vec<u64> = (0..len).map(|_| random.next()).collect();
        let sum = numbers.iter().fold(0_u64, |sum, number| sum.wrapping_add(*number));
        let method = if number % 25 == 0 { StartMethod::Spawn } else { StartMethod::ForkServer };
        let text = format!("{seed}/{number}");
        let child =
            digest::task(&numbers, &text).start_method(method).spawn().expect("a process more");
        running.push((child, sum, text));
        if running.len() == AT_ONCE {
            check(running.swap_remove(random.below(AT_ONCE as u64) as usize));
        }
    }
    running.into_iter().for_each(check);
}

fn check((child, sum, text): (Process<(u64, String)>, u64, String)) {
    let reversed: String = text.chars().rev().collect();
    assert_eq!(child.join().expect("a result"), (sum, reversed));
}

#[test]
fn a_thousand_children_of_eight_allocating_threads_give_the_right_results() {
    let _turn = crate::turn();
    let mut random = Random::new("churn");
    let seeds: Vec<u64> = (0..THREADS + 2).map(|_| random.next()).collect();
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        for seed in &seeds[THREADS as usize..] {
            scope.spawn(|| {
                let (mut random, mut keep) = (Random::from_seed(*seed), Vec::new());
                while !done.load(Relaxed) {
                    allocate(&mut random, &mut keep);
                    thread::yield_now();
                }
            });
        }
        let spawning: Vec<_> = seeds[..THREADS as usize]
            .iter()
            .map(|seed| scope.spawn(|| spawn_and_check(*seed)))
            .collect();
        let results: Vec<_> = spawning.into_iter().map(|thread| thread.join()).collect();
        done.store(true, Relaxed);
        assert!(results.iter().all(Result::is_ok));
    });
    assert_only_helpers_remain();
}
