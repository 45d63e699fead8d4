//! How long 64 bytes take there and back through two queues, and what waiting costs, with the rivals in the same run.
//!
//! `cargo bench -p benches --bench latency` takes some minutes, leaves an HTML report in `target/criterion/report`,
//! and prints the README's tables, which `cargo run -p benches --bin table` prints again. With `-- --test` everything
//! runs once, and nothing is measured.
//!
//! What to know when reading the numbers:
//!
//! - Every trip is timed by itself, with one reading of the clock (some 25 ns of it are the reading's own). What
//!   criterion calls the time is the time within which half of the trips of a sample were done (p50), or 99 of 100.
//! - "Asleep" is on one processor, so that nobody can see the other come.
//! - The last case is not a time: it is the processor time that a process uses that waits for an item for a second.

use std::env;
use std::time::Duration;

use benches::queue::{Case, bench, table};
use benches::{Fallible, agent};
use criterion::{Criterion, PlottingBackend};

fn main() -> Fallible<()> {
    if agent::play_part()? {
        return Ok(());
    }
    let mut criterion = Criterion::default()
        .plotting_backend(PlottingBackend::Plotters)
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_millis(1200))
        .sample_size(15)
        .nresamples(2_000)
        .configure_from_args();
    bench::all(&mut criterion, &Case::WAITS);
    criterion.final_summary();
    if env::args().skip(1).eq(["--bench"]) {
        println!("\n{}", table::markdown());
    }
    Ok(())
}
