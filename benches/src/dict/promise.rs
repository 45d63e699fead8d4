//! What we ask of our collections, beside what was reached.

use std::fmt::Write as _;

use super::case::Case;
use super::rival::Rival;
use super::table::median;

/// Ours is at least so many times as fast as the rival.
struct Promise {
    case: Case,
    rival: Rival,
    limit: f64,
}

const fn promise(case: Case, rival: Rival, limit: f64) -> Promise {
    Promise { case, rival, limit }
}

const PROMISES: [Promise; 11] = {
    use Case as C;
    use Rival as R;
    [
        promise(C::Get, R::RwLock, 1.0),
        promise(C::Get, R::Lmdb, 10.0),
        promise(C::Get, R::PythonManager, 1000.0),
        promise(C::Set, R::DashMap, 0.6),
        promise(C::Set, R::Lmdb, 10.0),
        promise(C::Mix, R::DashMap, 1.0),
        promise(C::StringGet, R::PythonManager, 100.0),
        promise(C::StringSet, R::PythonManager, 100.0),
        promise(C::Append, R::Mutex, 0.7),
        promise(C::Index, R::Mutex, 0.7),
        promise(C::Fill, R::Slices, 0.95),
    ]
};

/// The promises as Markdown.
pub(super) fn table(text: &mut String) {
    text.push_str("| ours | against | at least as fast | measured | |\n|---|---|---:|---:|---|\n");
    for Promise { case, rival, limit } in PROMISES {
        let (measured, kept) = match (median(case, Rival::Offspring), median(case, rival)) {
            (Some(ours), Some(other)) => {
                let ratio = other / ours;
                (format!("{ratio:.2}×"), if ratio >= limit { "reached" } else { "missed" })
            }
            _ => ("–".to_owned(), "not measured"),
        };
        let (what, name) = (case.label(), rival.label());
        let _ = writeln!(text, "| {what} | {name} | {limit:.2}× | {measured} | {kept} |");
    }
}
