use offspring::shared;

#[shared]
struct Account {
    balance: i64,
}

#[shared]
impl std::fmt::Display for Account {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.balance)
    }
}

fn main() {}
