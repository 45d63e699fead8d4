//! What we ask of our queues, beside what was reached.

use std::fmt::Write as _;

use super::case::Case;
use super::rival::Rival;
use super::table::{median, time};

/// Nanoseconds of processor time that a second of waiting may cost.
const IDLE: f64 = 1e6;
/// So many times as fast as CPython's best, where items are small.
const SMALL: f64 = 50.0;
/// And where they are large.
const LARGE: f64 = 20.0;

/// With whom or what our time is compared.
#[derive(Debug, Clone, Copy)]
enum Against {
    /// That of a rival, in the same case.
    Rival(Rival),
    /// That of CPython's quickest.
    Python,
    /// Our own in another case.
    Own(Case),
    /// So many nanoseconds.
    Nanos(f64),
    /// So many millions a second.
    Millions(f64),
}

/// Ours is at least so many times as fast as the other.
struct Promise {
    case: Case,
    ours: Rival,
    against: Against,
    limit: f64,
}

const fn promise(case: Case, ours: Rival, against: Against, limit: f64) -> Promise {
    Promise { case, ours, against, limit }
}

const PROMISES: [Promise; 26] = {
    use Against as A;
    use Case as C;
    use Rival as R;
    [
        promise(C::One8, R::Offspring, A::Rival(R::Crossbeam), 1.0),
        promise(C::Batch8, R::Offspring, A::Millions(120.0), 1.0),
        promise(C::Batch8, R::Offspring, A::Rival(R::Limit), 0.5),
        promise(C::One64, R::Offspring, A::Rival(R::Crossbeam), 1.0),
        promise(C::One64, R::InPlace, A::Rival(R::Crossbeam), 1.0),
        promise(C::Two64, R::Offspring, A::Rival(R::Crossbeam), 1.0),
        promise(C::Two64, R::InPlace, A::Rival(R::Crossbeam), 1.0),
        promise(C::Four64, R::Offspring, A::Own(C::Two64), 0.5),
        promise(C::Kib1, R::InPlace, A::Millions(10.0), 1.0),
        promise(C::Kib64, R::InPlace, A::Rival(R::Iceoryx), 1.0),
        promise(C::Kib64, R::Offspring, A::Rival(R::Crossbeam), 1.0),
        promise(C::Mib1, R::InPlace, A::Rival(R::Iceoryx), 1.0),
        promise(C::Mib1, R::Offspring, A::Rival(R::Crossbeam), 1.0),
        promise(C::One8, R::Offspring, A::Python, SMALL),
        promise(C::Two8, R::Offspring, A::Python, SMALL),
        promise(C::Batch8, R::Offspring, A::Python, SMALL),
        promise(C::One64, R::Offspring, A::Python, SMALL),
        promise(C::Two64, R::Offspring, A::Python, SMALL),
        promise(C::Batch64, R::Offspring, A::Python, SMALL),
        promise(C::Kib1, R::Offspring, A::Python, SMALL),
        promise(C::Kib64, R::Offspring, A::Python, LARGE),
        promise(C::Mib1, R::Offspring, A::Python, LARGE),
        promise(C::AwakeP50, R::Offspring, A::Nanos(200.0), 1.0),
        promise(C::AwakeP99, R::Offspring, A::Nanos(1000.0), 1.0),
        promise(C::AsleepP50, R::Offspring, A::Rival(R::Pipe), 1.0 / 1.05),
        promise(C::Idle, R::Offspring, A::Nanos(IDLE), 1.0),
    ]
};

/// The promises as Markdown.
pub(super) fn table(text: &mut String) {
    text.push_str("| ours | against | at least as fast | measured | |\n|---|---|---:|---:|---|\n");
    for Promise { case, ours, against, limit } in PROMISES {
        let (name, other) = other(case, against);
        let (measured, kept) = match (median(case, ours), other) {
            (Some(ours), Some(other)) => {
                let ratio = other / ours;
                (format!("{ratio:.2}×"), if ratio >= limit { "reached" } else { "missed" })
            }
            _ => ("–".to_owned(), "not measured"),
        };
        let place = if ours == Rival::InPlace { " in place" } else { "" };
        let what = format!("{}{place}", case.label());
        let _ = writeln!(text, "| {what} | {name} | {limit:.2}× | {measured} | {kept} |");
    }
}

/// What the other is called, and its nanoseconds.
fn other(case: Case, against: Against) -> (String, Option<f64>) {
    match against {
        Against::Rival(rival) => (rival.label().to_owned(), median(case, rival)),
        Against::Python => {
            let times = Rival::PYTHON.into_iter().filter_map(|rival| median(case, rival));
            ("CPython's best".to_owned(), times.reduce(f64::min))
        }
        Against::Own(other) => (other.label().to_owned(), median(other, Rival::Offspring)),
        Against::Nanos(nanos) => (time(nanos), Some(nanos)),
        Against::Millions(rate) => (format!("{rate} M/s"), Some(1e3 / rate)),
    }
}
