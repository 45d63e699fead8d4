//! Two queues, four who put and four who take, all killed at random; and somebody who counts.
//!
//! Each item says who put it and how many that one had put before, and has a checksum. So whoever takes it sees whether it is torn, or
//! out of order, and a table that all share, whether it has come before. What is missing at the end must have been in somebody's
//! hands at the time of a kill: a producer notes how many it is about to put, and a consumer how many it is about to take.

use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::SeqCst;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;
use offspring::{GetTimeoutError, PutError, Queue, Shared, TryGetError, shared};

use crate::random::Random;
use crate::supervisor::child;

/// How many put, and as many take.
const EACH: usize = 4;
const QUEUES: usize = 2;
/// Items of one producer in one queue that are remembered.
const REMEMBERED: u64 = 1 << 18;
/// Whoever puts into the queue that grows takes a rest when so many wait in it.
const ENOUGH: usize = 500;
/// The longest that an operation may take.
const BOUND: Duration = Duration::from_secs(15);
const SHORT: Duration = Duration::from_millis(3);
/// Number of the producer, of the queue, of the item there, and the checksum.
const HEADER: usize = 32;

/// What a producer or a consumer tells the others. For consumers it is what they took.
#[shared]
#[derive(Debug)]
struct Record {
    /// When the operation began, in microseconds since the start, plus 1; 0: none.
    since: AtomicU64,
    /// In whose hands so many items may be.
    hands: [AtomicU64; QUEUES],
    /// The number of the next item, and how many were put for certain. Of a consumer: how many it has seen.
    next: [AtomicU64; QUEUES],
    done: [AtomicU64; QUEUES],
    operations: AtomicU64,
    /// Of a consumer: the last one of each producer's that it saw, plus 1.
    last: [[AtomicU64; EACH]; QUEUES],
}

#[shared]
#[derive(Debug)]
struct World {
    producers: [Record; EACH],
    consumers: [Record; EACH],
    /// The last one of each producer's that was read in place, while nobody else could take anything, plus 1.
    in_place: [[AtomicU64; EACH]; QUEUES],
}

impl Record {
    const fn new() -> Self {
        Self {
            since: AtomicU64::new(0),
            hands: [const { AtomicU64::new(0) }; QUEUES],
            next: [const { AtomicU64::new(0) }; QUEUES],
            done: [const { AtomicU64::new(0) }; QUEUES],
            operations: AtomicU64::new(0),
            last: [const { [const { AtomicU64::new(0) }; EACH] }; QUEUES],
        }
    }

    /// Runs an operation that may have so many items in its hands.
    fn operate(&self, start: Instant, queue: usize, items: u64, operation: impl FnOnce()) {
        self.since.store(start.elapsed().as_micros() as u64 + 1, SeqCst);
        self.hands[queue].store(items, SeqCst);
        operation();
        self.hands[queue].store(0, SeqCst);
        self.since.store(0, SeqCst);
        self.operations.fetch_add(1, SeqCst);
    }
}

struct Stage {
    world: Shared<World>,
    queues: [Queue<Vec<u8>>; QUEUES],
    /// For each item that was seen, by queue, producer and number: in which round of the table that was, plus 1.
    seen: Shared<[AtomicU64]>,
    start: Instant,
}

/// Fills an item's bytes.
fn write(bytes: &mut [u8], producer: usize, queue: usize, number: u64) {
    let seed = number * 31 + producer as u64;
    let (header, body) = bytes.split_at_mut(HEADER);
    for (place, chunk) in (seed..).zip(body.chunks_mut(8)) {
        let word = place.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_ne_bytes();
        chunk.copy_from_slice(&word[..chunk.len()]);
    }
    let sum = seed ^ body.len() as u64;
    let words = [producer as u64, queue as u64, number, sum];
    for (chunk, word) in header.chunks_mut(8).zip(words) {
        chunk.copy_from_slice(&word.to_ne_bytes());
    }
}

/// Whose item it is, and which one; panics if it is not what was written.
fn read(bytes: &[u8], queue: usize) -> (usize, u64) {
    assert!(bytes.len() >= HEADER, "{} bytes", bytes.len());
    let word = |at: usize| u64::from_ne_bytes(bytes[8 * at..8 * at + 8].try_into().expect("8"));
    let (producer, number) = (word(0) as usize, word(2));
    let mut expected = vec![0; bytes.len()];
    assert!(producer < EACH, "torn");
    write(&mut expected, producer, queue, number);
    assert!(expected == bytes, "torn: {number} of {producer}, {} bytes", bytes.len());
    (producer, number)
}

impl Stage {
    fn new() -> Self {
        let producers = [const { Record::new() }; EACH];
        let consumers = [const { Record::new() }; EACH];
        let in_place = [const { [const { AtomicU64::new(0) }; EACH] }; QUEUES];
        let world = World { producers, consumers, in_place };
        let table = QUEUES * EACH * REMEMBERED as usize;
        Self {
            world: Shared::new(world).expect("memory"),
            queues: [Queue::bounded(16), Queue::new()].map(|queue| queue.expect("memory")),
            seen: Shared::from_fn(table, |_| AtomicU64::new(0)).expect("memory"),
            start: Instant::now(),
        }
    }

    /// Puts until the queues are closed.
    fn produce(&self, producer: usize, mut random: Random) {
        let record = &self.world.producers[producer];
        while !self.queues[0].is_closed() || !self.queues[1].is_closed() {
            let which = random.below(QUEUES);
            let queue = &self.queues[which];
            if which == 1 && queue.len() > ENOUGH {
                std::thread::sleep(Duration::from_micros(500));
                continue;
            }
            let (how, count) = match random.below(6) {
                0 => (0, 1 + random.below(20) as u64),
                how => (how, 1),
            };
            let first = record.next[which].fetch_add(count, SeqCst);
            let make = |number: u64, len: usize| {
                let mut bytes = vec![0; len];
                write(&mut bytes, producer, which, number);
                bytes
            };
            let sizes: Vec<usize> = (0..count).map(|_| size(&mut random)).collect();
            record.operate(self.start, which, count, || {
                let numbers = (first..).zip(&sizes).map(|(number, size)| make(number, *size));
                let put =
                    put(queue, how, numbers, &sizes, |bytes| write(bytes, producer, which, first));
                record.done[which].fetch_add(put, SeqCst);
            });
        }
    }

    /// Takes until the queues are closed and empty.
    fn consume(&self, consumer: usize, mut random: Random) {
        let record = &self.world.consumers[consumer];
        let mut open = [true; QUEUES];
        while open.contains(&true) {
            let which = random.below(QUEUES);
            if !open[which] {
                continue;
            }
            let how = random.below(6);
            let most = if how == 0 { 1 + random.below(20) as u64 } else { 1 };
            record.operate(self.start, which, most, || {
                open[which] = self.take(consumer, which, how, most as usize);
            });
        }
    }

    /// Whether there may be more.
    fn take(&self, consumer: usize, which: usize, how: usize, most: usize) -> bool {
        let queue = &self.queues[which];
        let look = |bytes: &[u8]| self.look_at(consumer, which, bytes);
        match how {
            0 => match queue.get_many(most) {
                Ok(items) => items.iter().for_each(|item| _ = look(item)),
                Err(_) => return false,
            },
            1 | 2 => {
                let read = queue.get_bytes_with(|bytes| {
                    let (producer, number) = look(bytes);
                    let before = self.world.in_place[which][producer].swap(number + 1, SeqCst);
                    assert!(before <= number, "out of order: {number} of {producer}");
                });
                return read.is_ok();
            }
            3 => match queue.try_get() {
                Ok(item) => _ = look(&item),
                Err(TryGetError::Empty) => {}
                Err(_) => return false,
            },
            4 => match queue.get_timeout(SHORT) {
                Ok(item) => _ = look(&item),
                Err(GetTimeoutError::TimedOut) => {}
                Err(_) => return false,
            },
            _ => match queue.get() {
                Ok(item) => _ = look(&item),
                Err(_) => return false,
            },
        }
        true
    }

    fn look_at(&self, consumer: usize, which: usize, bytes: &[u8]) -> (usize, u64) {
        let (producer, number) = read(bytes, which);
        let record = &self.world.consumers[consumer];
        record.done[which].fetch_add(1, SeqCst);
        record.hands[which].fetch_sub(1, SeqCst);
        let before = record.last[which][producer].swap(number + 1, SeqCst);
        assert!(before <= number, "out of order: {number} of {producer} after {}", before - 1);
        let place = (which * EACH + producer) as u64 * REMEMBERED + number % REMEMBERED;
        let round = number / REMEMBERED + 1;
        let before = self.seen[place as usize].swap(round, SeqCst);
        assert!(before < round, "doubled: {number} of {producer}");
        (producer, number)
    }
}

/// Small, as a rule; some do not fit into the first level, and a few go through large ones.
fn size(random: &mut Random) -> usize {
    HEADER
        + match random.below(1000) {
            0 => 2_000_000 + random.below(3_000_000),
            1..20 => random.below(300_000),
            _ => random.below(300),
        }
}

/// Puts them in one of some ways; how many were put. Those that were not found no room, or a closed queue.
fn put(
    queue: &Queue<Vec<u8>>,
    how: usize,
    mut items: impl Iterator<Item = Vec<u8>>,
    sizes: &[usize],
    fill: impl FnOnce(&mut [u8]),
) -> u64 {
    let mut one = || items.next().expect("one");
    let put = match how {
        0 => match queue.put_many(items) {
            Ok(()) => return sizes.len() as u64,
            Err(PutError::Closed(rest)) => return (sizes.len() - rest.len()) as u64,
            Err(error) => panic!("{error}"),
        },
        1 => queue.reserve_bytes(sizes[0]).and_then(|mut room| {
            fill(&mut room);
            room.commit()
        }),
        2 => queue.put_bytes(&one()),
        3 => return u64::from(queue.try_put(one()).is_ok()),
        4 => return u64::from(queue.put_timeout(one(), SHORT).is_ok()),
        _ => queue.put(one()).map_err(|error| match error {
            PutError::Closed(_) => PutError::Closed(()),
            error => panic!("{error}"),
        }),
    };
    assert!(matches!(put, Ok(()) | Err(PutError::Closed(()))), "{put:?}");
    u64::from(put.is_ok())
}

/// What the kills came to.
#[derive(Debug, Default)]
struct Tally {
    killed: [u64; 2],
    signals: u64,
    /// Items that were in the hands of the dead, who were about to put or to take.
    hands: [[u64; QUEUES]; 2],
    longest: Duration,
}

struct Keeper {
    stage: Stage,
    random: Random,
    /// Producers, and consumers.
    workers: [[Pid; EACH]; 2],
    tally: Tally,
}

impl Keeper {
    fn new(seed: u64) -> Self {
        let (stage, mut random) = (Stage::new(), Random::new(seed));
        let workers = [0, 1]
            .map(|side| std::array::from_fn(|number| begin(&stage, side, number, random.next())));
        Self { stage, random, workers, tally: Tally::default() }
    }

    fn record(&self, side: usize, number: usize) -> &Record {
        let World { producers, consumers, .. } = &*self.stage.world;
        [producers, consumers][side].get(number).expect("one of them")
    }

    fn tick(&mut self) {
        std::thread::sleep(Duration::from_micros(self.random.next() % 4000));
        let (side, number) = (self.random.below(2), self.random.below(EACH));
        let pid = self.workers[side][number];
        if self.random.below(4) == 0 {
            kill(pid, Signal::SIGUSR1).expect("a child of ours");
            self.tally.signals += 1;
        } else {
            self.replace(side, number);
        }
        self.look_after_all();
    }

    fn replace(&mut self, side: usize, number: usize) {
        let pid = self.workers[side][number];
        kill(pid, Signal::SIGKILL).expect("a child of ours");
        let status = waitpid(pid, None).expect("a child of ours");
        assert!(matches!(status, WaitStatus::Signaled(_, Signal::SIGKILL, _)), "{status:?}");
        self.tally.killed[side] += 1;
        for queue in 0..QUEUES {
            let hands = self.record(side, number).hands[queue].swap(0, SeqCst);
            self.tally.hands[side][queue] += hands;
        }
        self.record(side, number).since.store(0, SeqCst);
        self.workers[side][number] = begin(&self.stage, side, number, self.random.next());
    }

    fn look_after_all(&mut self) {
        for (side, number) in
            [0, 1].into_iter().flat_map(|side| (0..EACH).map(move |it| (side, it)))
        {
            let pid = self.workers[side][number];
            let status = waitpid(pid, Some(WaitPidFlag::WNOHANG)).expect("a child of ours");
            assert_eq!(status, WaitStatus::StillAlive, "{side} {number} has ended by itself");
            self.look_after(side, number);
        }
    }

    fn look_after(&mut self, side: usize, number: usize) {
        let record = self.record(side, number);
        let since = record.since.load(SeqCst);
        let took = self.stage.start.elapsed().saturating_sub(Duration::from_micros(since));
        if since == 0 || record.since.load(SeqCst) != since {
            return;
        }
        assert!(
            took < BOUND,
            "{side} {number} is stuck: {:?} {:#?}",
            self.stage.queues,
            self.stage.world
        );
        self.tally.longest = self.tally.longest.max(took);
    }

    /// Lets everybody come to an end by themselves.
    fn finish(&mut self) {
        self.stage.queues.iter().for_each(Queue::close);
        self.wait_for(0);
        self.wait_for(1);
    }

    fn wait_for(&mut self, side: usize) {
        let mut left: Vec<usize> = (0..EACH).collect();
        while !left.is_empty() {
            left.retain(|&number| {
                let pid = self.workers[side][number];
                match waitpid(pid, Some(WaitPidFlag::WNOHANG)).expect("a child of ours") {
                    WaitStatus::StillAlive => true,
                    status => {
                        assert_eq!(status, WaitStatus::Exited(pid, 0));
                        false
                    }
                }
            });
            left.iter().for_each(|number| self.look_after(side, *number));
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// Nothing is missing or too much but what was in the hands of the dead.
    fn check(&self) -> (u64, [u64; 2]) {
        let World { producers, consumers, .. } = &*self.stage.world;
        let (mut all, mut differences) = (0, [0; 2]);
        for (which, queue) in self.stage.queues.iter().enumerate() {
            assert!(queue.is_empty() && queue.try_get().is_err());
            let sum = |records: &[Record]| -> u64 {
                records.iter().map(|record| record.done[which].load(SeqCst)).sum()
            };
            let (put, taken) = (sum(producers), sum(consumers));
            let [by_producers, by_consumers] = [0, 1].map(|side| self.tally.hands[side][which]);
            assert!(taken <= put + by_producers, "{taken} of {put} came: {:?}", self.tally);
            assert!(put <= taken + by_consumers, "{taken} of {put} came: {:?}", self.tally);
            all += taken;
            differences[0] += taken.saturating_sub(put);
            differences[1] += put.saturating_sub(taken);
        }
        (all, differences)
    }
}

fn begin(stage: &Stage, side: usize, number: usize, seed: u64) -> Pid {
    child(|| match side {
        0 => stage.produce(number, Random::new(seed)),
        _ => stage.consume(number, Random::new(seed)),
    })
}

pub(crate) fn run(time: Duration) {
    let seed = Random::seed();
    println!("queues: seed {seed}");
    let mut keeper = Keeper::new(seed);
    while keeper.stage.start.elapsed() < time {
        keeper.tick();
    }
    keeper.finish();
    let (all, [more, fewer]) = keeper.check();
    let Tally { killed: [producers, consumers], signals, hands, longest } = &keeper.tally;
    let [about_to_put, about_to_take] = hands.map(|hands| hands.iter().sum::<u64>());
    println!(
        "{all} items taken, none torn, doubled or out of order; {producers} producers killed, who had {about_to_put} items in their \
         hands, and {consumers} consumers, who had room for {about_to_take} in theirs; {more} came beyond those whose put had \
         returned, {fewer} of those did not come; {signals} signals in {time:?}; the longest operation took {longest:?}"
    );
}
