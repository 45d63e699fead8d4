//! How fast collections are, with the rivals in the same run.
//!
//! `cargo bench -p benches --bench dict` takes some minutes, leaves an HTML report in `target/criterion/report`, and
//! prints the README's tables, which `cargo run -p benches --bin table` prints again. With `-- --test` everything runs
//! once, and nothing is measured.
//!
//! What to know when reading the numbers:
//!
//! - A map holds 10 000 keys. Numbers are keys of 8 B with values of 64 B; strings are keys of 23 B, with a struct of a
//!   string, a number and a vector as value. Keys come in a random order, made before, the same for all.
//! - To get is to get a copy, all of which is added up, and the sum must be right: a value that is half of one insert and
//!   half of another would be noticed. To insert is to put a new value over one that is there, as a plain `insert` does.
//!   Half and half: each worker gets one key and inserts under the next; the rate is that of both together.
//! - Lists are emptied whenever they hold 10 000 numbers of 8 B, and so keep what memory they keep when emptied.
//! - What has "threads" behind its name is between threads of one process, which is the easier thing; all others between
//!   processes. Std's and DashMap have the hasher that they come with.
//! - LMDB lies in memory, writes through its map and syncs nothing (`NO_SYNC`, `WRITE_MAP`); an operation is one
//!   transaction, as it takes for others to see it. Numbers are integer keys to it. Redis keeps nothing on disk and is
//!   asked one command at a time. For both, values are plain bytes, and structs are written by the codec that ours use.
//! - The array is 64 MiB, of which each of two writes one half, a number counted up into each word. All pages have been
//!   written once before, by who is measured. CPython writes slices of 65 536 from an `array` of that range; one by one
//!   would be slower.
//! - CPython's numbers are ints, its values of 64 B `bytes`, its structs objects of a class; all is compared instead of
//!   added up.

use std::env;
use std::time::Duration;

use benches::dict::case::Kind;
use benches::dict::{Case, Rival, agent as dicts, table};
use benches::{Fallible, agent};
use criterion::{Criterion, PlottingBackend, SamplingMode, Throughput};

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
    let mut rivals = Rival::ALL.to_vec();
    rivals.retain(|rival| dicts::is_there(*rival));
    for case in Case::ALL {
        bench(&mut criterion, case, &rivals);
    }
    criterion.final_summary();
    if env::args().skip(1).eq(["--bench"]) {
        println!("\n{}", table::markdown());
    }
    Ok(())
}

fn bench(criterion: &mut Criterion, case: Case, rivals: &[Rival]) {
    let mut group = criterion.benchmark_group(case.key());
    group.sampling_mode(SamplingMode::Flat);
    let items = case.items() as u64;
    group.throughput(match case.kind() {
        Kind::Array => Throughput::Bytes(items),
        _ => Throughput::Elements(items),
    });
    for rival in rivals.iter().filter(|rival| rival.takes(case)) {
        let mut kept = None;
        group.bench_function(rival.key(), |bencher| {
            let agent =
                kept.get_or_insert_with(|| dicts::start(case, *rival).expect("an agent starts"));
            bencher.iter_custom(|rounds| {
                let time = agent.measure(rounds);
                time.unwrap_or_else(|error| panic!("{} of {}: {error}", case.key(), rival.key()))
            });
        });
    }
    group.finish();
}
