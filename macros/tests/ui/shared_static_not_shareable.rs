use offspring::shared;

struct Plain;

#[shared]
static PLAIN: Plain = Plain;

fn main() {}
