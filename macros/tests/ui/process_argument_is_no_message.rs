use offspring::process;

struct Point {
    x: u32,
}

#[process]
fn plot(point: Point) {
    let _ = point.x;
}

fn main() {}
