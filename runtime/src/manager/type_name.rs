//! Types by their names: in full to be compared, short to be read.

use std::any;

/// The full name.
pub(super) fn full<T: ?Sized>() -> &'static str {
    any::type_name::<T>()
}

/// A full name without the paths in it: `Queue<String>`.
pub(super) fn short(full: &str) -> String {
    let (mut short, mut word) = (String::new(), String::new());
    for character in full.chars() {
        if character.is_alphanumeric() || character == '_' {
            word.push(character);
        } else if character == ':' {
            word.clear();
        } else {
            short.push_str(&word);
            word.clear();
            short.push(character);
        }
    }
    short + &word
}

/// Both names, so that they can be told apart.
pub(super) fn apart(one: &str, other: &str) -> [String; 2] {
    let names = [one, other].map(short);
    if names[0] == names[1] { [one, other].map(str::to_owned) } else { names }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_names_have_no_paths() {
        let long = "offspring::channel::queue::Queue<(alloc::string::String, [core::option::Option<u8>; 3])>";
        assert_eq!(short(long), "Queue<(String, [Option<u8>; 3])>");
        assert_eq!(short(full::<Vec<crate::Lock>>()), "Vec<Lock>");
        assert_eq!(apart("a::A", "b::A"), ["a::A", "b::A"]);
        assert_eq!(apart("a::A", "b::B"), ["A", "B"]);
    }
}
