//! LMDB by heed: a memory-mapped B-tree that processes share, one transaction an operation, and nothing synced to disk.
//!
//! # Safety
//! The files are in a folder made here, with a name that nobody else knows, and nobody but LMDB writes to them.
#![allow(unsafe_code, reason = "opens memory-mapped files")]

use std::fs;
use std::marker::PhantomData;
use std::path::{Path, PathBuf};

use heed::types::Bytes as Raw;
use heed::{Database, Env, EnvFlags, EnvOpenOptions};
use tempfile::TempDir;

use super::case::Case;
use super::codec::Bytes;
use super::record;
use super::work::{self, Map, Measure, Part, Share};
use crate::Fallible;
use crate::crew::Hands;

/// Far more than 10 000 records need.
const ROOM: usize = 64 << 20;
/// Where files are memory and nothing else, if the system has such a place.
const MEMORY: &str = "/dev/shm";

/// Prepares the case for as many processes as it has workers.
///
/// # Errors
/// When the system refuses what it needs.
pub fn measure<R: Bytes>(case: Case) -> Fallible<Measure> {
    let folder =
        if fs::metadata(MEMORY).is_ok() { TempDir::new_in(MEMORY) } else { TempDir::new() }?;
    let mut tree = Tree::<R>::open(folder.path())?;
    record::all::<R>().for_each(|(key, value)| tree.set(&key, value));
    // A process that LMDB is open in must not fork.
    tree.environment.prepare_for_closing().wait();
    let share = || Folder::<R> { path: folder.path().to_owned(), of: PhantomData };
    // Once all have it open, the folder can go.
    work::measure((0..case.parties()).map(|_| share()).collect(), case, Hands::Processes)
}

struct Folder<R> {
    path: PathBuf,
    of: PhantomData<R>,
}

impl<R: Bytes> Share for Folder<R> {
    fn part(self, case: Case, me: usize) -> Fallible<Part> {
        Ok(work::on_map(Tree::<R>::open(&self.path)?, case, me))
    }
}

struct Tree<R: Bytes> {
    environment: Env,
    database: Database<Raw, Raw, R::Order>,
    key: Vec<u8>,
    value: Vec<u8>,
}

impl<R: Bytes> Tree<R> {
    fn open(path: &Path) -> Fallible<Self> {
        let mut room = EnvOpenOptions::new();
        room.map_size(ROOM);
        // SAFETY: these ask for less care about the machine's end, not about that of a process.
        unsafe { room.flags(EnvFlags::NO_SYNC | EnvFlags::WRITE_MAP) };
        // SAFETY: nobody else writes to its files.
        let environment = unsafe { room.open(path) }?;
        let mut writing = environment.write_txn()?;
        let options = environment.database_options().types::<Raw, Raw>();
        let database = options.key_comparator::<R::Order>().create(&mut writing)?;
        writing.commit()?;
        Ok(Self { environment, database, key: Vec::new(), value: Vec::new() })
    }
}

impl<R: Bytes> Map<R> for Tree<R> {
    fn get(&mut self, key: &R::Key) -> R {
        self.key.clear();
        R::put_key(key, &mut self.key);
        let reading = self.environment.read_txn().expect("there are readers enough");
        let value = self.database.get(&reading, &self.key).expect("it can be read");
        R::got(value.expect("every key is there"))
    }

    fn set(&mut self, key: &R::Key, value: R) {
        self.key.clear();
        R::put_key(key, &mut self.key);
        self.value.clear();
        value.put(&mut self.value);
        let mut writing = self.environment.write_txn().expect("there is one writer");
        self.database.put(&mut writing, &self.key, &self.value).expect("there is room");
        writing.commit().expect("there is room");
    }
}
