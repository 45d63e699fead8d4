use offspring::process;

struct Point {
    x: u32,
}

#[process]
fn plot(points: &[Point]) {
    let _ = points[0].x;
}

fn main() {}
