//! How fast items go through a queue, with the rivals in the same run.
//!
//! `cargo bench -p benches --bench queue` takes some minutes, leaves an HTML report in `target/criterion/report`, and
//! prints the README's tables, which `cargo run -p benches --bin table` prints again. With `-- --test` everything runs
//! once, and nothing is measured.
//!
//! What to know when reading the numbers:
//!
//! - Every producer copies each item from memory of its own, and every consumer reads a word of each of its cache
//!   lines; the sum must be right.
//! - Crossbeam, kanal and std are between threads of one process, which is the easier thing; all others between
//!   processes. What is larger than 4 KiB is a `Vec` for them, as it would be a large copy on the stack.
//! - Whatever has a bound has the same: 1024 items, 64 of 64 KiB, 16 of 1 MiB. POSIX `mq` has 10, which is what a
//!   process may have without asking; pipes and sockets have what the system gives.
//! - Ours, by value: numbers of 8 B are a `Queue<u64>`, all else is a `Queue<Vec<u8>>` by `put_bytes` and `get`. In
//!   place: a `Queue<[u8; N]>` by `reserve` and `get_with` up to 1 KiB, then `reserve_bytes` and `get_bytes_with`.
//! - "By 64": ours puts and gets up to 64 items in one call; who has no such call sends 64 as one item.
//! - glibc is told to keep freed memory, for everybody: a large `Vec` would else cost those who send one new pages.
//! - CPython's numbers of 8 B are ints, the others bytes; its `Pipe` sends bytes as bytes, without pickling.

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
        .warm_up_time(Duration::from_millis(200))
        .measurement_time(Duration::from_millis(800))
        .sample_size(15)
        .nresamples(2_000)
        .configure_from_args();
    bench::all(&mut criterion, &Case::FLOWS);
    criterion.final_summary();
    if env::args().skip(1).eq(["--bench"]) {
        println!("\n{}", table::markdown());
    }
    Ok(())
}
