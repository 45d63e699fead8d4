use offspring::shared;

#[shared]
struct Account {
    balance: i64,
}

#[shared]
impl Account {
    fn close(self) -> i64 {
        self.balance
    }
}

fn main() {}
