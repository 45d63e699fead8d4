use offspring::shared;
use offspring::sync::Mutex;

#[shared]
struct Account {
    balance: Mutex<i64>,
}

#[shared]
enum Slot {
    Empty,
    Taken { by: Option<(u32, [Account; 2])> },
}

#[shared]
struct Direct {
    twice: Mutex<Mutex<u32>>,
}

#[shared]
struct Hidden {
    accounts: Mutex<[Account; 3]>,
}

#[shared]
static SLOT: Mutex<Result<Slot, u8>> = Mutex::new(Err(0));

fn main() {}
