use offspring::message;

#[message]
#[derive(Clone, offspring::__private::serde::Serialize)]
struct Mail {
    to: String,
}

fn main() {}
