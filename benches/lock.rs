//! What locks and their kin cost, with the rivals in the same run.
//!
//! `cargo bench -p benches --bench lock` takes some minutes, leaves an HTML report in `target/criterion/report`, and
//! prints the README's table, which `cargo run -p benches --bin table` prints again. With `-- --test` everything runs
//! once, and nothing is measured.
//!
//! What to know when reading the numbers:
//!
//! - Ours, pthread, `sem_t`, raw_sync, the pipe and CPython are between processes; std and parking_lot between threads of
//!   one, which is the easier thing.
//! - Contended cases count what all do together: time per addition, per round of a barrier, per there and back.
//! - "Asleep" is on one processor, so that nobody can see the other come.

use std::env;
use std::time::Duration;

use benches::lock::{Case, Rival, agent as locks, table};
use benches::{Fallible, agent};
use criterion::{Criterion, PlottingBackend, SamplingMode};

fn main() -> Fallible<()> {
    if agent::play_part()? {
        return Ok(());
    }
    let mut criterion = Criterion::default()
        .plotting_backend(PlottingBackend::Plotters)
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_millis(2000))
        .sample_size(30)
        .nresamples(10_000)
        .configure_from_args();
    let python = agent::has_python();
    for case in Case::ALL {
        bench(&mut criterion, case, python);
    }
    criterion.final_summary();
    if env::args().skip(1).eq(["--bench"]) {
        println!("\n{}", table::markdown());
    }
    Ok(())
}

fn bench(criterion: &mut Criterion, case: Case, python: bool) {
    let mut group = criterion.benchmark_group(case.key());
    group.sampling_mode(SamplingMode::Flat);
    for rival in Rival::ALL {
        if !rival.takes(case) || (rival == Rival::Python && !python) {
            continue;
        }
        let mut agent = None;
        group.bench_function(rival.key(), |bencher| {
            let agent =
                agent.get_or_insert_with(|| locks::start(case, rival).expect("an agent starts"));
            bencher.iter_custom(|rounds| {
                let time = agent.measure(rounds);
                time.unwrap_or_else(|error| panic!("{} of {}: {error}", case.key(), rival.key()))
            });
        });
    }
    group.finish();
}
