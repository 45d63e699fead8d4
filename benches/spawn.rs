//! What it costs to start a process and join it, one integer in and out, with the rivals in the same
//! run.
//!
//! `cargo bench -p benches --bench spawn` takes some minutes, leaves an HTML report in
//! `target/criterion/report`, and prints the README's table, which `cargo run -p benches --bin table`
//! prints again. With `-- --test` everything runs once, and nothing is measured.
//!
//! What to know when reading the numbers:
//!
//! - They are times of a steady series. The fork server forks ahead on another processor while a task
//!   runs, where there is one; a bare fork waits for itself.
//! - The first spawn of a program includes the start of the fork server, as nothing has been started
//!   before it in that program's life; its end, when the server is dismissed, is not included.
//! - A bare fork and CPython's processes give their integer as exit code; the program that
//!   `posix_spawn` and `Command` start is this executable, which does nothing and gives nothing.

use std::env;
use std::time::Duration;

use benches::{Agent, Fallible, Shape, Way, agent, report};
use criterion::{Criterion, PlottingBackend, SamplingMode};

const GIB: usize = 1 << 30;
/// What a big process holds where nothing is measured.
const SMOKE: usize = 1 << 24;

fn main() -> Fallible<()> {
    if agent::play_part()? {
        return Ok(());
    }
    let arguments: Vec<String> = env::args().skip(1).collect();
    // Criterion's own rule for when to measure.
    let measures = arguments.iter().any(|one| one == "--bench")
        && !arguments.iter().any(|one| one == "--test");
    let mut criterion = Criterion::default()
        .plotting_backend(PlottingBackend::Plotters)
        .warm_up_time(Duration::from_millis(700))
        .measurement_time(Duration::from_millis(2500))
        .sample_size(30)
        .nresamples(10_000)
        .configure_from_args();
    let python = agent::has_python();
    for shape in Shape::ALL {
        bench(&mut criterion, shape, python, if measures { GIB } else { SMOKE });
    }
    criterion.final_summary();
    if arguments == ["--bench"] {
        println!("\n{}", report::markdown());
    }
    Ok(())
}

fn bench(criterion: &mut Criterion, shape: Shape, python: bool, bytes: usize) {
    let mut group = criterion.benchmark_group(shape.key());
    group.sampling_mode(SamplingMode::Flat);
    for way in Way::ALL {
        if !shape.takes(way) || (way.python_method().is_some() && !python) {
            continue;
        }
        let new = || Agent::new(way, shape, bytes).expect("an agent starts");
        let mut kept = None;
        group.bench_function(way.key(), |bencher| {
            bencher.iter_custom(|rounds| {
                if shape == Shape::First {
                    return (0..rounds).map(|_| ask(&mut new(), way, 1)).sum();
                }
                ask(kept.get_or_insert_with(new), way, rounds)
            });
        });
    }
    group.finish();
}

fn ask(agent: &mut Agent, way: Way, rounds: u64) -> Duration {
    agent.measure(rounds).unwrap_or_else(|error| panic!("{}: {error}", way.key()))
}
