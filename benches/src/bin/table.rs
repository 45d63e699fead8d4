//! Prints the table of the last run again.

fn main() {
    println!("{}", benches::report::markdown());
}
