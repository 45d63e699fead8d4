//! Our collections, between processes of ours.

use offspring::{Array, Chunk, Dict, List, Message, Queue, daemon};

use super::case::{Case, Kind, WORDS};
use super::record::{self, Player, Record, Words};
use super::work::{self, Map, Measure, Part, Sequence, Share};
use crate::Fallible;
use crate::family::{self, Family};

/// What a call gives that nothing can hinder here.
const ROOM: &str = "there is room";

/// Prepares the case.
///
/// # Errors
/// When the system refuses what it needs.
pub fn measure(case: Case) -> Fallible<Measure> {
    match case.kind() {
        Kind::Numbers => share(Dict::from_iter(record::all::<Words>())?, case),
        Kind::Strings => share(Dict::from_iter(record::all::<Player>())?, case),
        Kind::List => share(List::<u64>::new()?, case),
        Kind::Array => {
            let array = Array::from_fn(WORDS, |_| 0)?;
            start::<Chunk<u64>>(array.chunks_mut(WORDS / case.parties())?.collect(), case)
        }
    }
}

/// As many shares of one collection as the case has workers.
fn share<S: Share + Message + Clone>(collection: S, case: Case) -> Fallible<Measure> {
    start(vec![collection; case.parties()], case)
}

fn start<S: Share + Message>(shares: Vec<S>, case: Case) -> Fallible<Measure> {
    let (of, mut shares) = (shares.len(), shares.into_iter());
    let family = Family::new(of, |me, orders, done| {
        let share = shares.next().expect("one for each");
        member::spawn(case.key(), me, share, orders, done)
    })?;
    Ok(Box::new(move |rounds| family.order(work::order(case, rounds))))
}

#[daemon]
fn member<S: Share + Message>(
    case: &str,
    me: usize,
    share: S,
    orders: &Queue<u64>,
    done: &Queue<()>,
) {
    let case = Case::named(case).expect("a case");
    family::work(share.part(case, me).expect("a worker begins"), orders, done);
}

impl<R: Record> Share for Dict<R::Key, R> {
    fn part(self, case: Case, me: usize) -> Fallible<Part> {
        Ok(work::on_map(self, case, me))
    }
}

impl<R: Record> Map<R> for Dict<R::Key, R> {
    #[inline]
    fn get(&mut self, key: &R::Key) -> R {
        Dict::get(self, key).expect("every key is there")
    }

    #[inline]
    fn set(&mut self, key: &R::Key, value: R) {
        self.insert(key.clone(), value).expect(ROOM);
    }
}

impl Share for List<u64> {
    fn part(self, case: Case, me: usize) -> Fallible<Part> {
        Ok(work::on_list(self, case, me))
    }
}

impl Sequence for List<u64> {
    #[inline]
    fn push(&mut self, item: u64) {
        List::push(self, item).expect(ROOM);
    }

    #[inline]
    fn get(&mut self, index: usize) -> u64 {
        List::get(self, index).expect("every index is there")
    }

    fn clear(&mut self) {
        // As `Vec::clear`: the memory stays.
        self.truncate(0).expect(ROOM);
    }
}

impl Share for Chunk<u64> {
    fn part(self, _: Case, me: usize) -> Fallible<Part> {
        Ok(work::on_memory(self, me))
    }
}
