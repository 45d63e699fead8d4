use offspring::shared;

#[shared]
struct Account {
    balance: i64,
}

#[shared]
impl Account {
    async fn deposit(&mut self, n: i64) {
        self.balance += n;
    }
}

fn main() {}
