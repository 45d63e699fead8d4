//! Collections of threads: std's with a lock around them, DashMap, and halves of a `Vec`.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, RwLock};

use dashmap::DashMap;

use super::case::{Case, WORDS};
use super::record::{self, Record};
use super::work::{self, Map, Measure, Part, Sequence, Share};
use crate::Fallible;
use crate::crew::Hands;

/// What a lock says when nobody has panicked.
const HEALTHY: &str = "nobody panics";

type Locked<R> = RwLock<HashMap<<R as Record>::Key, R>>;
type Exclusive<R> = Mutex<HashMap<<R as Record>::Key, R>>;
type Sharded<R> = DashMap<<R as Record>::Key, R>;

/// As many shares of one collection as the case has workers, all threads.
fn share<T>(collection: T, case: Case) -> Fallible<Measure>
where
    Arc<T>: Share,
{
    let collection = Arc::new(collection);
    work::measure(vec![collection; case.parties()], case, Hands::Threads)
}

/// `RwLock<HashMap>`.
///
/// # Errors
/// When the system refuses threads.
pub fn rwlock<R: Record>(case: Case) -> Fallible<Measure> {
    share::<Locked<R>>(RwLock::new(record::all::<R>().collect()), case)
}

/// `Mutex<HashMap>`.
///
/// # Errors
/// When the system refuses threads.
pub fn mutex<R: Record>(case: Case) -> Fallible<Measure> {
    share::<Exclusive<R>>(Mutex::new(record::all::<R>().collect()), case)
}

/// DashMap.
///
/// # Errors
/// When the system refuses threads.
pub fn dashmap<R: Record>(case: Case) -> Fallible<Measure> {
    share::<Sharded<R>>(record::all::<R>().collect(), case)
}

/// `Mutex<Vec>`.
///
/// # Errors
/// When the system refuses threads.
pub fn list(case: Case) -> Fallible<Measure> {
    share(Mutex::new(Vec::<u64>::new()), case)
}

/// Halves of a `Vec`.
///
/// # Errors
/// When the system refuses threads.
pub fn slices(case: Case) -> Fallible<Measure> {
    let memory = vec![0; WORDS].leak();
    let halves = memory.chunks_mut(WORDS / case.parties()).collect();
    work::measure::<&'static mut [u64]>(halves, case, Hands::Threads)
}

impl<R: Record> Share for Arc<Locked<R>> {
    fn part(self, case: Case, me: usize) -> Fallible<Part> {
        Ok(work::on_map(self, case, me))
    }
}

impl<R: Record> Map<R> for Arc<Locked<R>> {
    #[inline]
    fn get(&mut self, key: &R::Key) -> R {
        self.read().expect(HEALTHY).get(key).expect("every key is there").clone()
    }

    #[inline]
    fn set(&mut self, key: &R::Key, value: R) {
        self.write().expect(HEALTHY).insert(key.clone(), value);
    }
}

impl<R: Record> Share for Arc<Exclusive<R>> {
    fn part(self, case: Case, me: usize) -> Fallible<Part> {
        Ok(work::on_map(self, case, me))
    }
}

impl<R: Record> Map<R> for Arc<Exclusive<R>> {
    #[inline]
    fn get(&mut self, key: &R::Key) -> R {
        self.lock().expect(HEALTHY).get(key).expect("every key is there").clone()
    }

    #[inline]
    fn set(&mut self, key: &R::Key, value: R) {
        self.lock().expect(HEALTHY).insert(key.clone(), value);
    }
}

impl<R: Record> Share for Arc<Sharded<R>> {
    fn part(self, case: Case, me: usize) -> Fallible<Part> {
        Ok(work::on_map(self, case, me))
    }
}

impl<R: Record> Map<R> for Arc<Sharded<R>> {
    #[inline]
    fn get(&mut self, key: &R::Key) -> R {
        DashMap::get(self, key).expect("every key is there").clone()
    }

    #[inline]
    fn set(&mut self, key: &R::Key, value: R) {
        self.insert(key.clone(), value);
    }
}

impl Share for Arc<Mutex<Vec<u64>>> {
    fn part(self, case: Case, me: usize) -> Fallible<Part> {
        Ok(work::on_list(self, case, me))
    }
}

impl Sequence for Arc<Mutex<Vec<u64>>> {
    #[inline]
    fn push(&mut self, item: u64) {
        self.lock().expect(HEALTHY).push(item);
    }

    #[inline]
    fn get(&mut self, index: usize) -> u64 {
        self.lock().expect(HEALTHY)[index]
    }

    fn clear(&mut self) {
        self.lock().expect(HEALTHY).clear();
    }
}

impl Share for &'static mut [u64] {
    fn part(self, _: Case, me: usize) -> Fallible<Part> {
        Ok(work::on_memory(self, me))
    }
}
