use offspring::message;

#[message]
enum Mail {
    Raw(*const u8),
}

fn main() {}
