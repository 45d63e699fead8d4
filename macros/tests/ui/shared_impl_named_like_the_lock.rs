use offspring::shared;

#[shared]
struct Account {
    balance: i64,
}

#[shared]
impl Account {
    fn lock(&mut self) {
        self.balance = 0;
    }
}

fn main() {}
