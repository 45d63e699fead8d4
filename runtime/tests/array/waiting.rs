//! Whoever wants what is in a piece of another process waits until that is back, or its holder is gone.

use std::time::Duration;

use offspring::{Array, Chunk, Error, Event, Process, process};

use crate::support::{A_WHILE, DEADLINE, kill, until_asleep};

/// Has a piece until it is told to write to it and give it back; or for ever.
#[process]
fn hold(mut part: Chunk<u32>, held: &Event, go: &Event) {
    held.set();
    go.wait();
    part.fill(7);
}

#[process]
fn read_all(array: &Array<u32>) -> u32 {
    array.iter().unwrap().sum()
}

#[process]
fn read_some(array: &Array<u32>) -> u32 {
    let mut some = [0; 2];
    array.read(1, &mut some).unwrap();
    some.iter().sum()
}

#[process]
fn read_one(array: &Array<u32>) -> u32 {
    array.get(0).unwrap()
}

#[process]
fn change_one(array: &Array<u32>) -> u32 {
    array.update(0, |element| std::mem::replace(element, 1)).unwrap().unwrap()
}

#[process]
fn set_one(array: &Array<u32>) -> u32 {
    array.set(1, 1).unwrap()
}

#[process]
fn write_all(array: &Array<u32>) -> u32 {
    array.write(0, &[2; 4]).unwrap();
    2
}

#[process]
fn lend_all(array: &Array<u32>) -> u32 {
    array.chunks_mut(4).unwrap().next().unwrap().iter().sum()
}

/// An array of four, the first two of which a child has.
struct Setting {
    array: Array<u32>,
    go: Event,
    holder: Process<()>,
}

impl Setting {
    fn new() -> Self {
        let array = Array::filled(1, 4).unwrap();
        let (held, go) = (Event::new().unwrap(), Event::new().unwrap());
        let part = array.chunks_mut(2).unwrap().next().unwrap();
        let holder = hold::spawn(part, &held, &go).unwrap();
        held.wait();
        Self { array, go, holder }
    }

    /// What all who have to wait find, one after another.
    fn results(&self, end: impl FnOnce()) -> Vec<u32> {
        let waiting = [
            read_all::spawn(&self.array),
            read_some::spawn(&self.array),
            read_one::spawn(&self.array),
        ]
        .map(Result::unwrap);
        for process in &waiting {
            until_asleep(process.pid());
        }
        std::thread::sleep(A_WHILE);
        assert!(waiting.iter().all(Process::is_alive), "what did they read?");
        end();
        waiting.into_iter().map(|process| process.join().unwrap()).collect()
    }
}

under_each_method! {
    fn readers_wait_until_it_is_back() {
        let setting = Setting::new();
        assert_eq!(setting.results(|| setting.go.set()), [16, 8, 7]);
        setting.holder.join().unwrap();
    }

    fn readers_wait_until_its_holder_is_dead() {
        let Setting { array, go: _go, holder } = Setting::new();
        let readers = [read_all::spawn(&array), read_some::spawn(&array), read_one::spawn(&array)];
        let readers = readers.map(Result::unwrap);
        readers.iter().for_each(|reader| until_asleep(reader.pid()));
        kill(holder);
        assert_eq!(readers.map(|reader| reader.join().unwrap()), [4, 2, 1]);
    }

    fn writers_wait_too() {
        for (writer, found) in [
            (change_one::spawn as fn(&Array<u32>) -> _, 7),
            (set_one::spawn, 7),
            (write_all::spawn, 2),
            (lend_all::spawn, 16),
        ] {
            let Setting { array, go, holder } = Setting::new();
            let writer = writer(&array).unwrap();
            until_asleep(writer.pid());
            std::thread::sleep(A_WHILE / 4);
            assert!(writer.is_alive(), "what did it write to?");
            go.set();
            assert_eq!(writer.join().unwrap(), found);
            holder.join().unwrap();
        }
    }

    fn nobody_has_to_wait() {
        let Setting { array, go, holder } = Setting::new();
        let is_lent = |error| matches!(error, Error::Lent { to_this_process: false });
        assert!(is_lent(array.try_to_vec().unwrap_err()));
        assert!(is_lent(array.try_get(0).unwrap_err()));
        assert!(is_lent(array.try_chunks_mut(1).unwrap_err()));
        assert!(!array.wait_timeout(Duration::from_millis(30)).unwrap());
        assert_eq!((array.try_get(2).unwrap(), array.get(3)), (Some(1), Some(1)));
        assert_eq!(array.set(2, 5).unwrap(), 1);
        go.set();
        assert!(array.wait_timeout(DEADLINE).unwrap());
        assert_eq!(array.try_to_vec().unwrap(), [7, 7, 5, 1]);
        holder.join().unwrap();
    }
}
