//! What the macros refuse, and in which words: one file a rule in `ui`, the words beside it.
//!
//! `TRYBUILD=overwrite cargo test -p offspring-macros --test ui` writes the words anew; read them before
//! they are committed.

#[test]
fn every_refusal_says_what_to_write_instead() {
    let cases = trybuild::TestCases::new();
    cases.compile_fail("tests/ui/*.rs");
    cases.pass("tests/pass/*.rs");
}
