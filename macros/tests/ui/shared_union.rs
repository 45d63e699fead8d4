use offspring::shared;

#[shared]
union Number {
    whole: u32,
    real: f32,
}

fn main() {}
