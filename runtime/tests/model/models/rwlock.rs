//! `RawRwLock`: readers or a writer, and doubt exactly when a writer died writing.

use real::cell::{Cell, RefCell};
use real::time::Instant;

use super::World;
use crate::kernel::{self, Thread, spawn, spawn_mortal};
use crate::locks::deadlock::Call;
use crate::locks::patience::Patience;
use crate::locks::raw::Refusal;
use crate::locks::raw_rwlock::RawRwLock;

struct Book {
    lock: RawRwLock,
    writer: Cell<u32>,
    readers: RefCell<Vec<u32>>,
    /// Somebody is in the middle of a change, or died there.
    half: Cell<bool>,
}

impl Book {
    fn has_writer(&self) -> bool {
        self.writer.get() != 0 && !kernel::is_dead(self.writer.get())
    }

    fn has_reader(&self) -> bool {
        self.readers.borrow().iter().any(|reader| !kernel::is_dead(*reader))
    }
}

fn book() -> World<Book> {
    let (writer, half) = (Cell::new(0), Cell::new(false));
    World::new(Book { lock: RawRwLock::new(), writer, readers: RefCell::default(), half })
}

fn read(book: World<Book>, patience: Patience) {
    let reading = match book.lock.read(patience, Call) {
        Ok(reading) => reading,
        Err(Refusal::Busy) => return,
        Err(other) => panic!("{other:?}"),
    };
    assert!(!book.has_writer(), "a reader beside a writer");
    assert!(reading.doubtful || !book.half.get(), "a death while writing is not reported");
    book.readers.borrow_mut().push(kernel::tid());
    kernel::point();
    assert!(!book.has_writer(), "a writer beside a reader");
    book.readers.borrow_mut().retain(|reader| *reader != kernel::tid());
    book.lock.leave(reading);
}

fn write(book: World<Book>, patience: Patience) {
    let writing = match book.lock.write(patience, Call) {
        Ok(writing) => writing,
        Err(Refusal::Busy) => return,
        Err(other) => panic!("{other:?}"),
    };
    assert!(!book.has_writer(), "two writers");
    assert!(!book.has_reader(), "a writer beside a reader");
    assert!(writing.doubtful || !book.half.get(), "a death while writing is not reported");
    book.writer.set(kernel::tid());
    book.half.set(true);
    kernel::point();
    book.half.set(false);
    book.lock.set_sound();
    assert!(!book.has_reader(), "a reader beside a writer");
    book.writer.set(0);
    book.lock.end_write(writing, true);
}

fn end(book: World<Book>, threads: Vec<Thread>) {
    threads.into_iter().for_each(|thread| {
        thread.join();
    });
    write(book, Patience::None);
    read(book, Patience::None);
    assert!(!book.half.get() && book.lock.count_readers() == 0 && !book.lock.is_doubtful());
}

pub(crate) fn mortal_writer() {
    let book = book();
    let threads = vec![
        spawn_mortal(move || write(book, Patience::Endless)),
        spawn(move || write(book, Patience::Endless)),
        spawn(move || (0..2).for_each(|_| read(book, Patience::Endless))),
    ];
    end(book, threads);
}

pub(crate) fn mortal_reader() {
    let book = book();
    let threads = vec![
        spawn_mortal(move || (0..2).for_each(|_| read(book, Patience::Endless))),
        spawn(move || write(book, Patience::Endless)),
        spawn(move || (0..2).for_each(|_| read(book, Patience::Endless))),
    ];
    end(book, threads);
}

pub(crate) fn impatient() {
    let book = book();
    let now = Instant::now();
    let threads = vec![
        spawn_mortal(move || write(book, Patience::Until(now))),
        spawn(move || read(book, Patience::Until(now))),
        spawn(move || (0..2).for_each(|_| write(book, Patience::Endless))),
        spawn(move || read(book, Patience::Endless)),
    ];
    end(book, threads);
}
