//! Prints the tables of the last runs again.

fn main() {
    println!("{}", benches::report::markdown());
    println!("{}", benches::lock::table::markdown());
    println!("{}", benches::queue::table::markdown());
    println!("{}", benches::dict::table::markdown());
}
