use offspring::shared;

#[shared]
struct Account {
    balance: i64,
}

#[shared]
impl Account {
    unsafe fn deposit(&mut self, n: i64) {
        self.balance += n;
    }
}

fn main() {}
