//! The medians of a run as Markdown: the table for the README, and the promises beside what was
//! reached.

use std::env;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use crate::{Shape, Way};

/// The table and the promises, from whatever criterion has last written for each, be it in runs of
/// different days; without a bare fork to compare with, times alone.
pub fn markdown() -> String {
    let mut text = format!("{}\n\n", machine());
    table(&mut text);
    text.push_str("\nMedians; in brackets: times a bare fork from a small process.\n\n");
    promises(&mut text);
    text
}

/// The median in nanoseconds of a group's benchmark, if it was measured.
pub(crate) fn median(group: &str, benchmark: &str) -> Option<f64> {
    let file = criterion_home().join(group).join(benchmark).join("new/estimates.json");
    let estimates: serde_json::Value = serde_json::from_slice(&fs::read(file).ok()?).ok()?;
    estimates.get("median")?.get("point_estimate")?.as_f64()
}

fn median_of(shape: Shape, way: Way) -> Option<f64> {
    median(shape.key(), way.key())
}

/// Where criterion puts its results, by its own rules.
fn criterion_home() -> PathBuf {
    if let Some(home) = env::var_os("CRITERION_HOME") {
        return home.into();
    }
    if let Some(target) = env::var_os("CARGO_TARGET_DIR") {
        return Path::new(&target).join("criterion");
    }
    let own = env::current_exe().unwrap_or_default();
    let beside = |folder: &Path| Some(folder.join("criterion")).filter(|home| home.is_dir());
    own.ancestors().skip(1).find_map(beside).unwrap_or_else(|| "target/criterion".into())
}

fn table(text: &mut String) {
    let unit = median_of(Shape::Small, Way::BareFork);
    text.push_str("| start + join |");
    for shape in Shape::ALL {
        let _ = write!(text, " {} |", shape.label());
    }
    let _ = writeln!(text, "\n|---|{}", "---:|".repeat(Shape::ALL.len()));
    for way in Way::ALL {
        let cells = Shape::ALL.map(|shape| median_of(shape, way).map(|time| cell(time, unit)));
        if cells.iter().all(Option::is_none) {
            continue;
        }
        let _ = write!(text, "| {} |", way.label());
        for cell in cells {
            let _ = write!(text, " {} |", cell.as_deref().unwrap_or("–"));
        }
        text.push('\n');
    }
}

fn cell(nanos: f64, unit: Option<f64>) -> String {
    match unit {
        Some(unit) => format!("{} ({})", time(nanos), ratio(nanos / unit)),
        None => time(nanos),
    }
}

fn time(nanos: f64) -> String {
    let micros = nanos / 1_000.0;
    match micros {
        0.0..100.0 => format!("{micros:.1} µs"),
        100.0..10_000.0 => format!("{micros:.0} µs"),
        _ => format!("{:.1} ms", micros / 1_000.0),
    }
}

fn ratio(value: f64) -> String {
    if value < 10.0 { format!("{value:.2}×") } else { format!("{value:.0}×") }
}

/// One promise: a median of ours, what it is compared with, and the greatest ratio allowed.
struct Promise {
    text: &'static str,
    ours: (Shape, Way),
    other: (Shape, Way),
    limit: f64,
}

const PROMISES: [Promise; 5] = [
    Promise {
        text: "small process, to a bare fork",
        ours: (Shape::Small, Way::ForkServer),
        other: (Shape::Small, Way::BareFork),
        limit: 1.0,
    },
    Promise {
        text: "each of a burst of 64, to one bare fork by itself",
        ours: (Shape::Burst, Way::ForkServer),
        other: (Shape::Small, Way::BareFork),
        limit: 0.5,
    },
    Promise {
        text: "1 GiB resident (4 KiB pages), to our own small process",
        ours: (Shape::Gib, Way::ForkServer),
        other: (Shape::Small, Way::ForkServer),
        limit: 1.15,
    },
    Promise {
        text: "1 GiB resident (huge pages), to our own small process",
        ours: (Shape::GibHuge, Way::ForkServer),
        other: (Shape::Small, Way::ForkServer),
        limit: 1.15,
    },
    Promise {
        text: "first spawn of a program, to `Command` of the same executable",
        ours: (Shape::First, Way::ForkServer),
        other: (Shape::First, Way::Command),
        limit: 2.0,
    },
];

fn promises(text: &mut String) {
    text.push_str("| fork server | at most | measured | |\n|---|---:|---:|---|\n");
    for Promise { text: what, ours, other, limit } in PROMISES {
        let medians = (median_of(ours.0, ours.1), median_of(other.0, other.1));
        let (measured, kept) = match medians {
            (Some(ours), Some(other)) if ours / other <= limit => (ratio(ours / other), "reached"),
            (Some(ours), Some(other)) => (ratio(ours / other), "missed"),
            _ => ("–".to_owned(), "not measured"),
        };
        let _ = writeln!(text, "| {what} | {limit}× | {measured} | {kept} |");
    }
}

/// What the numbers were measured on.
pub(crate) fn machine() -> String {
    let information = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = information
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split_once(": "))
        .map_or("unknown processor", |(_, model)| model.trim());
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    format!("{model}, {} processors, Linux {}", offspring::cpu_count(), kernel.trim())
}
