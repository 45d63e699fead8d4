//! Durations and sizes as people write them in attributes: `"300ms"`, `"96MiB"`.

const DURATIONS: &[(&str, u64)] = &[
    ("ns", 1),
    ("us", 1_000),
    ("µs", 1_000),
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("m", 60_000_000_000),
    ("min", 60_000_000_000),
    ("h", 3_600_000_000_000),
];

const SIZES: &[(&str, u64)] = &[
    ("B", 1),
    ("kB", 1_000),
    ("KB", 1_000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
    ("TB", 1_000_000_000_000),
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
    ("TiB", 1 << 40),
];

/// The nanoseconds of `"300ms"`, unless it is no duration, none at all, or too long for `u64`.
pub(crate) fn nanoseconds(text: &str) -> Option<u64> {
    quantity(text, DURATIONS).filter(|&nanoseconds| nanoseconds > 0)
}

/// The bytes of `"96MiB"`, unless it is no size, nothing, or too much for `u64`.
pub(crate) fn bytes(text: &str) -> Option<u64> {
    quantity(text, SIZES).filter(|&bytes| bytes > 0)
}

/// The two ends of `"20ms..5s"` in nanoseconds, the shorter one first.
pub(crate) fn range(text: &str) -> Option<(u64, u64)> {
    let (from, to) = text.split_once("..")?;
    let ends = (nanoseconds(from)?, nanoseconds(to)?);
    (ends.0 <= ends.1).then_some(ends)
}

fn quantity(text: &str, units: &[(&str, u64)]) -> Option<u64> {
    let text = text.trim();
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.' && c != '_')?;
    let (number, unit) = text.split_at(end);
    let (_, scale) = units.iter().find(|(name, _)| *name == unit.trim_start())?;
    let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
    let whole = digits(whole)?.checked_mul(*scale)?;
    // Twelve places are more than any unit has; the ones beyond are cut off.
    let places = fraction.len().min(12);
    let part = u128::from(digits(fraction.get(..places)?)?) * u128::from(*scale);
    whole.checked_add(u64::try_from(part / 10_u128.pow(u32::try_from(places).ok()?)).ok()?)
}

fn digits(text: &str) -> Option<u64> {
    text.replace('_', "").parse().ok()
}

#[cfg(test)]
mod tests {
    use super::{bytes, nanoseconds, range};

    #[test]
    fn durations_have_a_number_and_a_unit() {
        assert_eq!(nanoseconds("300ms"), Some(300_000_000));
        assert_eq!(nanoseconds(" 2m "), Some(120_000_000_000));
        assert_eq!(nanoseconds("2 m"), Some(120_000_000_000));
        assert_eq!(nanoseconds("1.5s"), Some(1_500_000_000));
        assert_eq!(nanoseconds("1_000us"), Some(1_000_000));
        assert_eq!(nanoseconds("1h"), Some(3_600_000_000_000));
        for wrong in ["", "5", "s", "-1s", "5 parsecs", "0s", "1.2.3s", "1.s", ".5s", "1e3s"] {
            assert_eq!(nanoseconds(wrong), None, "{wrong:?}");
        }
    }

    #[test]
    fn too_much_is_refused_rather_than_wrapped() {
        assert_eq!(nanoseconds("18446744073709551615h"), None);
        assert_eq!(nanoseconds("99999999999999999999ns"), None);
        assert_eq!(bytes("99999999TiB"), None);
    }

    #[test]
    fn sizes_know_both_kinds_of_prefix() {
        assert_eq!(bytes("96MiB"), Some(96 << 20));
        assert_eq!(bytes("1GB"), Some(1_000_000_000));
        assert_eq!(bytes("4KiB"), Some(4096));
        assert_eq!(bytes("0.5GiB"), Some(1 << 29));
        for wrong in ["lots", "12", "12 MM", "0B", "12mib"] {
            assert_eq!(bytes(wrong), None, "{wrong:?}");
        }
    }

    #[test]
    fn ranges_go_from_short_to_long() {
        assert_eq!(range("20ms..5s"), Some((20_000_000, 5_000_000_000)));
        assert_eq!(range("20ms .. 5s"), Some((20_000_000, 5_000_000_000)));
        assert_eq!(range("5s..20ms"), None);
        assert_eq!(range("5s"), None);
    }
}
