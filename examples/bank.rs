//! A bank whose clerks are killed at their desks, at random, and whose books are right all the same.
//!
//! Clerks (processes) move money between the accounts of one ledger in shared memory; every few milliseconds, one of them
//! is killed with SIGKILL, wherever it happens to be, and another takes its place. Often enough that is in the
//! middle of a transfer, when the money is gone from one account and has not come to the other.
//!
//! Two things put it right, and no server, no log file, no retry loop:
//!
//! - the lock tells the next clerk that its holder died (`LockError::OwnerDied`), and `recover` lets it mend the data;
//! - the ledger has a journal, a `Seq` beside the accounts: what an account held before the change is written down
//!   first, and struck out when all is done. Mending is putting back what is written there. Whoever is killed
//!   while mending leaves the journal as it was, and the next one mends again.
//!
//! An auditor, a daemon, adds it all up again and again, and panics if a coin is missing.
//!
//! ```text
//! cargo run --example bank            # thirty kills; another number as an argument
//! ```

use std::hash::{BuildHasher as _, RandomState};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::thread::sleep;
use std::time::Instant;

use offspring::prelude::*;
use offspring::sync::{LockError, MutexGuard};
use offspring::{Seq, Text, process};

const ACCOUNTS: usize = 12;
const EACH: i64 = 1_000;
const CLERKS: usize = 4;

#[shared]
struct Bank {
    ledger: Mutex<Ledger>,
    closing: AtomicBool,
    audits: AtomicU64,
}

#[shared]
struct Ledger {
    accounts: [i64; ACCOUNTS],
    transfers: u64,
    mended: u64,
    /// Who works on it, and what was in the accounts that are being changed.
    clerk: Text<16>,
    journal: Seq<Before, 2>,
}

#[shared]
#[derive(Clone, Copy)]
struct Before {
    account: usize,
    balance: i64,
}

impl Ledger {
    /// Moves money. A kill between any two of these lines leaves it to `mend`.
    fn transfer(&mut self, from: usize, to: usize, amount: i64) -> offspring::Result<()> {
        for account in [from, to] {
            self.journal.push(Before { account, balance: self.accounts[account] })?;
        }
        self.accounts[from] -= amount;
        paperwork();
        self.accounts[to] += amount;
        self.journal.clear();
        self.transfers += 1;
        Ok(())
    }

    /// Puts back what a dead clerk left half done. Doing it twice does no harm.
    fn mend(&mut self, me: &str) {
        let [from, to] = self.journal[..] else { return self.journal.clear() };
        let missing = EACH * ACCOUNTS as i64 - self.accounts.iter().sum::<i64>();
        for before in [from, to] {
            self.accounts[before.account] = before.balance;
        }
        self.journal.clear();
        self.mended += 1;
        println!(
            "{me} mends what {} left: {missing} on the way from {} to {}",
            self.clerk, from.account, to.account
        );
    }
}

/// The moment in which the money is nowhere.
fn paperwork() {
    let start = Instant::now();
    while start.elapsed() < Duration::from_micros(20) {
        std::hint::spin_loop();
    }
}

/// The ledger in this clerk's hands, mended if the last one died with it.
fn open<'a>(bank: &'a Bank, me: &str) -> Result<MutexGuard<'a, Ledger>, LockError> {
    let ledger = bank.ledger.lock().or_else(|died| died.recover(|ledger| ledger.mend(me)));
    ledger.map_err(LockError::without_guard)
}

#[process]
fn clerk(bank: &Shared<Bank>) -> offspring::Result<()> {
    let me = process::current().name;
    while !bank.closing.load(Relaxed) {
        let mut ledger = open(bank, &me)?;
        if ledger.clerk != me {
            ledger.clerk.clear();
            ledger.clerk.push_str(&me)?;
        }
        ledger.transfer(random(ACCOUNTS), random(ACCOUNTS), random(100) as i64)?;
    }
    Ok(())
}

#[daemon]
fn auditor(bank: &Shared<Bank>) -> offspring::Result<()> {
    loop {
        let ledger = open(bank, "the auditor")?;
        let sum: i64 = ledger.accounts.iter().sum();
        assert_eq!(sum, EACH * ACCOUNTS as i64, "the books are wrong");
        drop(ledger);
        bank.audits.fetch_add(1, Relaxed);
        sleep(Duration::from_millis(1));
    }
}

fn random(below: usize) -> usize {
    // Good enough to choose an account: each state begins with numbers of its own.
    (RandomState::new().hash_one(0) % below as u64) as usize
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let kills = std::env::args().nth(1).and_then(|it| it.parse().ok()).unwrap_or(30);
    let ledger = Mutex::new(Ledger {
        accounts: [EACH; ACCOUNTS],
        transfers: 0,
        mended: 0,
        clerk: Text::new(),
        journal: Seq::new(),
    });
    let closing = AtomicBool::new(false);
    let bank = Shared::new(Bank { ledger, closing, audits: AtomicU64::new(0) })?;

    let watch = auditor::spawn(&bank)?;
    let mut clerks = (0..CLERKS).map(|_| clerk::spawn(&bank)).collect::<Result<Vec<_>, _>>()?;
    for _ in 0..kills {
        sleep(Duration::from_millis(10 + random(30) as u64));
        let victim = clerks.swap_remove(random(CLERKS));
        victim.kill()?;
        println!("{} is killed", victim.name());
        assert!(victim.join().is_err());
        clerks.push(clerk::spawn(&bank)?);
    }
    bank.closing.store(true, Relaxed);
    for clerk in clerks {
        clerk.join()??;
    }

    let ledger = open(&bank, "main")?;
    let sum: i64 = ledger.accounts.iter().sum();
    println!("{} transfers, {} audits", ledger.transfers, bank.audits.load(Relaxed));
    println!("{kills} clerks killed, {} of them in the middle of a transfer", ledger.mended);
    println!("{sum} in the bank, of {}", EACH * ACCOUNTS as i64);
    assert!(watch.is_alive() && sum == EACH * ACCOUNTS as i64);
    Ok(())
}
