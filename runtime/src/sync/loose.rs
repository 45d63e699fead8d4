//! The permits beyond those that have a slot: a number of free ones, and for each holder how many it has taken.
//!
//! ```text
//! word              free: 31 bits | slot: 7 | serial: 26      which holder made the last change, and which of its changes
//! depth of a slot   count: 31     | step: 2 | serial: 26      what its holder has, and is about to change
//! ```
//! Two words must change together, and a kill can come between. So a change is written down first (step and serial in the
//! slot's depth), made in `word`, which then says whose it was, and struck out. Who finds it written down and its writer dead sees
//! in `word` whether it was made.
//!
//! Invariant 1: before somebody makes another change of this kind, he strikes out the one that `word` tells of, so
//! that its writer's death leaves no doubt. Permits that are only counted leave slot and serial as they are.
//! Invariant 2: only the holder of a slot writes changes down, one after the other, and each that was made has a serial of its own. So
//! a helper that comes late does not take another change for the one that `word` told of.
//!
//! All is SeqCst: two words are looked at in turn.

use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::SeqCst;

use super::raw::RawLock;

/// The most that can be free, or taken by one holder.
pub(crate) const MOST: u64 = (1 << 31) - 1;
const SERIAL_MAX: u64 = (1 << 26) - 1;

/// What a holder is about to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Nothing,
    Take,
    Give,
    GiveAll,
}

/// What the depth of a slot says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Account {
    count: u64,
    step: Step,
    serial: u64,
}

/// What `word` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stock {
    free: u64,
    slot: usize,
    serial: u64,
}

impl Account {
    fn of(slot: &RawLock) -> Self {
        Self::unpack(slot.depth().load(SeqCst))
    }

    fn unpack(bits: u64) -> Self {
        let step = match (bits >> 31) & 3 {
            0 => Step::Nothing,
            1 => Step::Take,
            2 => Step::Give,
            _ => Step::GiveAll,
        };
        Self { count: bits & MOST, step, serial: (bits >> 33) & SERIAL_MAX }
    }

    fn pack(self) -> u64 {
        self.count | (self.step as u64) << 31 | self.serial << 33
    }

    /// As it is when the change has been made.
    fn done(self) -> Self {
        let count = match self.step {
            Step::Nothing => self.count,
            Step::Take => self.count + 1,
            Step::Give => self.count.saturating_sub(1),
            Step::GiveAll => 0,
        };
        Self { count, step: Step::Nothing, ..self }
    }

    /// As it was before the change.
    fn undone(self) -> Self {
        let serial = self.serial.wrapping_sub(1) & SERIAL_MAX;
        Self { step: Step::Nothing, serial, ..self }
    }

    /// With the next change written down.
    fn planning(self, step: Step) -> Self {
        Self { step, serial: (self.serial + 1) & SERIAL_MAX, ..self }
    }

    fn replace(self, slot: &RawLock, by: Self) -> bool {
        slot.depth().compare_exchange(self.pack(), by.pack(), SeqCst, SeqCst).is_ok()
    }
}

impl Stock {
    fn unpack(bits: u64) -> Self {
        Self { free: bits & MOST, slot: (bits >> 31) as usize & 127, serial: bits >> 38 }
    }

    fn pack(self) -> u64 {
        self.free | (self.slot as u64) << 31 | self.serial << 38
    }

    /// With the change made, if that is possible.
    fn changed(self, index: usize, account: Account) -> Option<Self> {
        let free = match account.step {
            Step::Nothing => Some(self.free),
            Step::Take => self.free.checked_sub(1),
            Step::Give => Some(self.free + 1),
            Step::GiveAll => Some(self.free + account.count),
        };
        free.map(|free| Self { free: free.min(MOST), slot: index, serial: account.serial })
    }
}

/// The permits that have no slot.
#[repr(transparent)]
#[derive(Debug)]
pub(crate) struct Loose(AtomicU64);

impl Loose {
    pub(crate) const fn new(free: u64) -> Self {
        Self(AtomicU64::new(free))
    }

    /// How many are free.
    #[inline]
    pub(crate) fn free(&self) -> u64 {
        self.0.load(SeqCst) & MOST
    }

    /// How many the holder of a slot has, which the caller is; for others it is a guess.
    #[inline]
    pub(crate) fn count(slot: &RawLock) -> u64 {
        slot.depth().load(SeqCst) & MOST
    }

    /// How many a dead holder of this slot had, whatever it was about to do.
    pub(crate) fn left_in(&self, slots: &[RawLock], index: usize) -> u64 {
        self.settled(index, Account::of(&slots[index])).count
    }

    /// Takes one, and only counts it.
    pub(crate) fn take(&self) -> bool {
        self.0.fetch_update(SeqCst, SeqCst, |bits| (bits & MOST > 0).then(|| bits - 1)).is_ok()
    }

    /// Adds one, or gives back one that was only counted; false when there are too many.
    pub(crate) fn add(&self) -> bool {
        self.0.fetch_update(SeqCst, SeqCst, |bits| (bits & MOST < MOST).then(|| bits + 1)).is_ok()
    }

    /// Takes one more for the holder of a slot, which the caller is.
    pub(crate) fn take_for(&self, slots: &[RawLock], index: usize) -> bool {
        self.change(slots, index, Step::Take)
    }

    /// Gives back one that the holder of a slot has, which the caller is.
    pub(crate) fn give_from(&self, slots: &[RawLock], index: usize) {
        self.change(slots, index, Step::Give);
    }

    /// Does away with one that the holder of a slot has, which the caller is.
    pub(crate) fn consume_from(slot: &RawLock) {
        let account = Account::of(slot);
        account.replace(slot, Account { count: account.count.saturating_sub(1), ..account });
    }

    /// Gives back all that a dead holder of this slot had; the caller holds it now.
    pub(crate) fn inherit(&self, slots: &[RawLock], index: usize) {
        let slot = &slots[index];
        loop {
            let account = Account::of(slot);
            if account.step == Step::Nothing {
                break;
            }
            account.replace(slot, self.settled(index, account));
        }
        if Self::count(slot) > 0 {
            self.change(slots, index, Step::GiveAll);
        }
    }

    /// An account without the step of its dead holder: made, or not.
    fn settled(&self, index: usize, account: Account) -> Account {
        if account.step == Step::Nothing {
            return account;
        }
        // Looked at after the account: a change that has been overwritten here since then has been struck out before.
        let stock = Stock::unpack(self.0.load(SeqCst));
        let made = stock.slot == index && stock.serial == account.serial;
        if made { account.done() } else { account.undone() }
    }

    /// Writes a change down, makes it, and strikes it out.
    fn change(&self, slots: &[RawLock], index: usize, step: Step) -> bool {
        let before = Account::of(&slots[index]);
        let planned = before.planning(step);
        slots[index].depth().store(planned.pack(), SeqCst);
        loop {
            let seen = self.0.load(SeqCst);
            let stock = Stock::unpack(seen);
            let Some(changed) = stock.changed(index, planned) else {
                slots[index].depth().store(before.pack(), SeqCst);
                return false;
            };
            if let Some(slot) = slots.get(stock.slot) {
                Self::strike_out(slot, stock);
            }
            if self.0.compare_exchange(seen, changed.pack(), SeqCst, SeqCst).is_ok() {
                planned.replace(&slots[index], planned.done());
                return true;
            }
        }
    }

    /// Strikes out the change that `word` told of (Invariant 1).
    fn strike_out(slot: &RawLock, told: Stock) {
        let account = Account::of(slot);
        // The account was read later: if it has moved on, its serial has, too.
        if account.step != Step::Nothing && account.serial == told.serial {
            account.replace(slot, account.done());
        }
    }
}
