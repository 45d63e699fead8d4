use offspring::shared;

#[shared]
struct Account {
    balance: i64,
}

#[shared]
impl Account {
    fn view<'a>(&'a self) -> Option<std::slice::Iter<'a, i64>> {
        Some(std::slice::from_ref(&self.balance).iter())
    }
}

fn main() {}
