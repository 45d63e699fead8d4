use offspring::process;

struct Point;

#[process]
fn find() -> Point {
    Point
}

fn main() {}
