//! What the macros refuse, and in which words: one file a rule, with the words beside it.

#[test]
fn every_refusal_says_what_to_write_instead() {
    trybuild::TestCases::new().compile_fail("tests/ui/*.rs");
}
