use offspring::message;

#[message]
union Number {
    whole: u32,
    real: f32,
}

fn main() {}
