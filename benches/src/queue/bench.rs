//! What both benchmarks of queues do with their cases.

use std::time::Duration;

use criterion::{Criterion, SamplingMode, Throughput};

use super::agent;
use super::case::{Case, Kind};
use super::rival::Rival;

/// Every case with every rival that takes part.
///
/// # Panics
/// When an agent cannot do its work.
pub fn all(criterion: &mut Criterion, cases: &[Case]) {
    let mut rivals = Rival::ALL.to_vec();
    rivals.retain(|rival| agent::is_there(*rival));
    for case in cases {
        one(criterion, *case, &rivals);
    }
}

fn one(criterion: &mut Criterion, case: Case, rivals: &[Rival]) {
    let mut group = criterion.benchmark_group(case.key());
    group.sampling_mode(SamplingMode::Flat);
    match case.kind() {
        Kind::Flow => {
            let elements = case.items() as u64;
            let bytes = elements * case.size() as u64;
            group.throughput(Throughput::ElementsAndBytes { elements, bytes });
        }
        Kind::Trips { .. } => {}
        // One iteration is a second of waiting.
        Kind::Idle => {
            group.sample_size(10).warm_up_time(Duration::from_millis(1));
        }
    }
    for rival in rivals.iter().filter(|rival| rival.takes(case)) {
        let mut kept = None;
        group.bench_function(rival.key(), |bencher| {
            let agent =
                kept.get_or_insert_with(|| agent::start(case, *rival).expect("an agent starts"));
            bencher.iter_custom(|rounds| {
                let time = agent.measure(rounds);
                time.unwrap_or_else(|error| panic!("{} of {}: {error}", case.key(), rival.key()))
            });
        });
    }
    group.finish();
}
