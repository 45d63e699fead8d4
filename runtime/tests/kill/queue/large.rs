//! Killed where memory goes round, grows and is given back: order is kept, nothing is lost, and the memory comes back all the same.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::time::Duration;

use super::{PATIENCE, PROMPT, Place, steps};
use crate::scenes::{Entry, Scene, scene};
use crate::victim::{Death, Memory, Victim};

pub(crate) const SCENES: &[Entry] = &[
    scene::<Wrapping>(),
    scene::<Growing>(),
    scene::<Leaving>(),
    scene::<LeavingMany>(),
    scene::<Trimming>(),
];

/// Words of an item of which seven fill level 0, but for a bit.
const EIGHTH: usize = 1000;
/// Bytes that such an item takes there.
const STRIDE: usize = 8 + 8 * EIGHTH;

fn item(number: u8, words: usize) -> Vec<u64> {
    vec![number.into(); words]
}

type Vectors = Place<Vec<u64>>;

impl Vectors {
    fn put_eighths(&self, numbers: impl IntoIterator<Item = u8>) {
        numbers.into_iter().for_each(|it| self.queue.put(item(it, EIGHTH)).unwrap());
    }

    /// Bytes of memory that the queue has.
    fn reserved(&self) -> u64 {
        let files = fs::read_dir("/proc/self/fd").unwrap().flatten();
        let mut data = files.filter_map(|file| fs::metadata(file.path()).ok());
        data.find(|data| data.ino() == self.inode).expect("it is open").blocks() * 512
    }

    /// What is there comes in order, and there is no more memory than a small queue has.
    fn ends_small(&self) {
        self.works_on();
        assert!(self.queue.try_get().is_err());
        assert!(self.reserved() < 6 << 20, "{} bytes are left", self.reserved());
    }
}

/// Puts two large ones, somewhere where memory goes round or grows, for one who sleeps.
fn putter_of_two(place: &Vectors) -> Victim {
    Victim::new(
        || [10, 11].map(|number| item(number, EIGHTH)),
        |items, steps| {
            for (step, item) in (1..).zip(items) {
                place.queue.put(item).unwrap();
                steps.done(step);
            }
        },
    )
}

/// After the putter of two: these were in it before.
fn all_there(place: &Vectors, before: impl Iterator<Item = u8>, death: &Death) -> Duration {
    place.queue.put(item(50, 1)).unwrap();
    let took = death.age();
    let items = place.drain();
    let before: Vec<u8> = before.collect();
    let step = steps(death, 2) as u8;
    let fits = (step..=(step + 1).min(2)).any(|count| {
        let own = (10..12).take(count.into());
        items.iter().copied().eq(before.iter().copied().chain(own).chain([50]))
    });
    assert!(fits, "{items:?}");
    place.ends_small();
    took
}

/// Its second one is at the beginning again, where others have been.
struct Wrapping(Vectors);

impl Scene for Wrapping {
    const NAME: &'static str = "queue: put where memory goes round";
    const PATIENCE: usize = PATIENCE;
    const PROMPT: Duration = PROMPT;

    fn set() -> Self {
        let place = Vectors::new(0);
        place.put_eighths(0..7);
        (0..5).for_each(|_| _ = place.queue.get().unwrap());
        Self(place)
    }
    fn memory(&self) -> Memory {
        self.0.memory_and([7 * STRIDE, 8 * STRIDE])
    }
    fn start(&self) -> Victim {
        putter_of_two(&self.0)
    }
    fn aftermath(self, death: &Death) -> Duration {
        all_there(&self.0, 5..7, death)
    }
}

/// Its second one is in a larger level.
struct Growing(Vectors);

impl Scene for Growing {
    const NAME: &'static str = "queue: put where memory grows";
    const PATIENCE: usize = PATIENCE;
    const PROMPT: Duration = PROMPT;

    fn set() -> Self {
        let place = Vectors::new(0);
        place.put_eighths(0..7);
        Self(place)
    }
    fn memory(&self) -> Memory {
        self.0.memory_and([7 * STRIDE, 8 * STRIDE])
    }
    fn start(&self) -> Victim {
        putter_of_two(&self.0)
    }
    fn aftermath(self, death: &Death) -> Duration {
        all_there(&self.0, 0..7, death)
    }
}

const MIB: usize = (1 << 20) / 8;

/// A queue whose head is at the end of a large level, and whose next items are in a larger one.
fn at_the_end_of_a_level() -> Vectors {
    let place = Vectors::new(0);
    for words in [3 * MIB, 3 * MIB, 2 * MIB - 512] {
        place.queue.put(item(1, words)).unwrap();
    }
    place.put_eighths(2..6);
    (0..3).for_each(|_| assert_eq!(place.queue.get().unwrap()[0], 1));
    place
}

/// Takes two: with the first one it leaves a level, and its memory goes back.
struct Leaving(Vectors);

impl Scene for Leaving {
    const NAME: &'static str = "queue: get that leaves a large level";
    const PATIENCE: usize = PATIENCE;
    const PROMPT: Duration = PROMPT;

    fn set() -> Self {
        Self(at_the_end_of_a_level())
    }
    fn memory(&self) -> Memory {
        self.0.memory()
    }
    fn start(&self) -> Victim {
        Victim::new(
            || (),
            |(), steps| {
                for step in 1..3 {
                    self.0.queue.get().unwrap();
                    steps.done(step);
                }
            },
        )
    }
    fn aftermath(self, death: &Death) -> Duration {
        left_behind(&self.0, death, 2)
    }
}

/// What was not taken comes in order, also for one who looks only once.
fn left_behind(place: &Vectors, death: &Death, most: usize) -> Duration {
    // Nobody sees it as empty, or as closed and done.
    place.queue.close();
    let items = place.drain();
    let took = death.age();
    let (step, taken) = (steps(death, most), 4 - items.len());
    assert!((step..=most.min(step + 1)).contains(&taken), "{taken} were taken");
    assert!(items.iter().copied().eq(2 + taken as u8..6), "{items:?}");
    assert!(place.queue.try_get().is_err());
    assert!(place.reserved() < 6 << 20, "{} bytes are left", place.reserved());
    took
}

/// The same by way of `get_many`.
struct LeavingMany(Vectors);

impl Scene for LeavingMany {
    const NAME: &'static str = "queue: get_many that leaves a large level";
    const PATIENCE: usize = PATIENCE;
    const PROMPT: Duration = PROMPT;

    fn set() -> Self {
        Self(at_the_end_of_a_level())
    }
    fn memory(&self) -> Memory {
        self.0.memory()
    }
    fn start(&self) -> Victim {
        Victim::new(
            || (),
            |(), steps| {
                assert_eq!(self.0.queue.get_many(1).unwrap().len(), 1);
                steps.done(1);
            },
        )
    }
    fn aftermath(self, death: &Death) -> Duration {
        left_behind(&self.0, death, 1)
    }
}

/// Finds a large queue empty, and makes it small.
struct Trimming(Vectors);

impl Scene for Trimming {
    const NAME: &'static str = "queue: try_get that gives memory back";
    const PATIENCE: usize = PATIENCE;
    const PROMPT: Duration = PROMPT;

    fn set() -> Self {
        let place = Vectors::new(0);
        place.queue.put(item(1, 3 * MIB)).unwrap();
        place.queue.get().unwrap();
        Self(place)
    }
    fn memory(&self) -> Memory {
        self.0.memory()
    }
    fn start(&self) -> Victim {
        Victim::new(
            || (),
            |(), steps| {
                assert!(self.0.queue.try_get().is_err());
                steps.done(1);
            },
        )
    }
    fn aftermath(self, death: &Death) -> Duration {
        assert!(self.0.queue.is_empty());
        let getter = self.0.getter();
        self.0.queue.put(item(5, EIGHTH)).unwrap();
        assert_eq!(getter.end(), 5);
        let took = death.age();
        self.0.ends_small();
        took
    }
}
