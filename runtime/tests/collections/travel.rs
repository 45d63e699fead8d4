//! Handles on their way: through tasks and results, connections and queues, static items, to threads, and to those who expect
//! another type.

use std::collections::HashMap;
use std::thread;

use offspring::__private::serde::{Deserialize, Deserializer, Serialize, Serializer};
use offspring::{
    Connection, Dict, Error, Event, List, Message, Namespace, Queue, Value, message, pipe, process,
};

use crate::support::{DEADLINE, kill, until, until_asleep};

/// One of each, as a part of something else.
#[message]
#[derive(Clone, Debug)]
struct Board {
    title: String,
    scores: Dict<String, u64>,
    moves: List<(u8, u8)>,
    turn: Value<u32>,
    settings: Namespace,
    nested: Dict<u32, List<String>>,
}

impl Board {
    fn new() -> offspring::Result<Self> {
        let nested = Dict::new()?;
        nested.insert(1, List::from(["inside".to_owned()])?)?;
        Ok(Self {
            title: "board".to_owned(),
            scores: Dict::from([("white", 1)])?,
            moves: List::from([(1, 2)])?,
            turn: Value::new(0)?,
            settings: Namespace::new()?,
            nested,
        })
    }

    fn play(&self) -> offspring::Result<()> {
        assert_eq!(self.title, "board");
        self.scores.update_or_insert("white".to_owned(), 0, |score| *score += 1)?;
        self.moves.push((3, 4))?;
        self.turn.update(|turn| *turn += 1)?;
        self.settings.set("last", self.turn.get())?;
        self.nested.get(&1).expect("it is there").push("more".to_owned())
    }

    fn assert_played(&self, times: usize) {
        assert_eq!(self.scores.get("white"), Some(1 + times as u64));
        assert_eq!((self.moves.len(), self.turn.get()), (1 + times, times as u32));
        assert_eq!(self.settings.get::<u32>("last").unwrap(), Some(times as u32));
        assert_eq!(self.nested.get(&1).unwrap().len(), 1 + times);
    }

    fn is_same_as(&self, other: &Self) -> bool {
        self.scores.ptr_eq(&other.scores)
            && self.moves.ptr_eq(&other.moves)
            && self.turn.ptr_eq(&other.turn)
            && self.settings.ptr_eq(&other.settings)
            && self.nested.ptr_eq(&other.nested)
    }
}

#[process]
fn play(board: &Board) -> offspring::Result<()> {
    board.play()
}

#[process]
fn play_in_turn(board: &Board, depth: u32) -> offspring::Result<()> {
    board.play()?;
    if depth > 0 { play_in_turn::spawn(board, depth - 1)?.join()? } else { Ok(()) }
}

#[process]
fn make() -> offspring::Result<(Board, List<Dict<u8, String>>)> {
    let board = Board::new()?;
    board.play()?;
    Ok((board, List::from([Dict::from([(7, "seven".to_owned())])?])?))
}

#[process]
fn give_back(board: Board) -> Board {
    board
}

#[process]
fn play_what_comes(boards: &Connection<Board, Board>) -> offspring::Result<()> {
    let board = boards.recv()?;
    board.play()?;
    boards.send(board)?;
    // What has come is not what was sent last time, but leads there.
    boards.recv()?.play()
}

#[process]
fn play_all(boards: &Queue<Board>, done: &Event) -> offspring::Result<()> {
    for board in boards {
        board.play()?;
        done.set();
    }
    Ok(())
}

under_each_method! {
    fn as_an_argument() {
        let board = Board::new().unwrap();
        play::spawn(&board).unwrap().join().unwrap().unwrap();
        play_in_turn::spawn(&board, 2).unwrap().join().unwrap().unwrap();
        board.assert_played(4);
    }

    /// What a child has made lives on with those who have it.
    fn as_a_result() {
        let (board, list) = make::spawn().unwrap().join().unwrap().unwrap();
        board.assert_played(1);
        board.play().unwrap();
        board.assert_played(2);
        assert_eq!(list.get(0).unwrap().get(&7).unwrap(), "seven");
        let again = give_back::spawn(board.clone()).unwrap().join().unwrap();
        assert!(again.is_same_as(&board) && !again.is_same_as(&Board::new().unwrap()));
        drop(board);
        again.play().unwrap();
        again.assert_played(3);
    }

    fn over_a_connection() {
        let (here, there) = pipe().unwrap();
        let child = play_what_comes::spawn(&there).unwrap();
        let board = Board::new().unwrap();
        here.send(board.clone()).unwrap();
        let back = here.recv().unwrap();
        assert!(back.is_same_as(&board));
        here.send(back).unwrap();
        child.join().unwrap().unwrap();
        board.assert_played(2);
    }

    fn through_a_queue() {
        let (boards, done) = (Queue::new().unwrap(), Event::new().unwrap());
        let child = play_all::spawn(&boards, &done).unwrap();
        let board = Board::new().unwrap();
        boards.put_many([board.clone(), board.clone()]).unwrap();
        boards.put(board.clone()).unwrap();
        boards.close();
        child.join().unwrap().unwrap();
        assert!(done.is_set());
        board.assert_played(3);
    }
}

#[test]
fn to_threads() -> offspring::Result<()> {
    let board = Board::new()?;
    thread::scope(|scope| {
        scope.spawn(|| board.play().unwrap());
    });
    let own = board.clone();
    thread::spawn(move || own.play().unwrap()).join().unwrap();
    board.assert_played(2);
    Ok(())
}

/// Keeps a list in the middle of a change of it, until it is killed.
#[process]
fn hold(list: &List<u64>, inside: &Event) {
    let _ = list.update(0, |number| {
        *number = 99;
        inside.set();
        std::thread::park();
    });
}

#[process]
fn wait_for(list: &List<u64>) -> offspring::Result<usize> {
    list.push(7)?;
    Ok(list.len())
}

under_each_method! {
    /// One who is killed in the middle of `update` has changed nothing, and holds nobody up.
    fn who_is_killed_inside_of_an_update() {
        let (list, inside) = (List::from([1, 2]).unwrap(), Event::new().unwrap());
        let holder = hold::spawn(&list, &inside).unwrap();
        inside.wait();
        assert_eq!(list.get(0), Some(1), "readers do not wait");
        let other = wait_for::spawn(&list).unwrap();
        until_asleep(other.pid());
        kill(holder);
        assert_eq!(other.join().unwrap().unwrap(), 3);
        assert_eq!(list.to_vec().unwrap(), [1, 2, 7]);
    }
}

/// Is sent as one type, and expected as another one.
struct Disguised<A, B>(Result<A, B>);

impl<A: Message, B: Message> Serialize for Disguised<A, B> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.as_ref().ok().expect("one that was sent").serialize(serializer)
    }
}

impl<'de, A: Message, B: Message> Deserialize<'de> for Disguised<A, B> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        B::deserialize(deserializer).map(|it| Self(Err(it)))
    }
}

/// What becomes of an `A` where a `B` is expected.
fn sent_as<A: Message, B: Message>(sent: A) -> offspring::Result<B> {
    let queue = Queue::<Disguised<A, B>>::new()?;
    queue.put(Disguised(Ok(sent))).map_err(|_| Error::Full)?;
    match queue.get() {
        Ok(Disguised(got)) => Ok(got.err().expect("it came")),
        Err(offspring::GetError::Failed(error)) => Err(error),
        Err(other) => panic!("{other}"),
    }
}

#[track_caller]
fn assert_refused<T>(result: offspring::Result<T>) {
    let error = result.map(drop).unwrap_err();
    assert!(matches!(error, Error::Decode { .. } | Error::Layout { .. }), "{error}");
    assert!(error.to_string().contains("another type"), "{error}");
}

#[test]
fn another_type_on_the_other_side_is_an_error() -> offspring::Result<()> {
    let numbers = || Dict::from([(1_u32, 2_u64)]);
    let same: Dict<u32, u64> = sent_as(numbers()?)?;
    assert_eq!(same.to_map()?, HashMap::from([(1, 2)]));
    assert_refused(sent_as::<_, Dict<u32, i64>>(numbers()?));
    assert_refused(sent_as::<_, Dict<u64, u64>>(numbers()?));
    assert_refused(sent_as::<_, Dict<u32, String>>(numbers()?));
    assert_refused(sent_as::<_, List<u64>>(numbers()?));
    assert_refused(sent_as::<_, Namespace>(numbers()?));
    assert_refused(sent_as::<_, List<u32>>(List::from([1_i32])?));
    assert_refused(sent_as::<_, List<Vec<u8>>>(List::from([String::new()])?));
    assert_refused(sent_as::<_, Value<u32>>(Value::new(1.0_f32)?));
    assert_refused(sent_as::<_, Dict<u32, List<u8>>>(Dict::<u32, List<u16>>::new()?));
    // Inside of another collection as well.
    let outer = Dict::<u32, Disguised<List<u32>, List<i32>>>::new()?;
    outer.insert(1, Disguised(Ok(List::new()?)))?;
    assert_refused(outer.try_get(&1));
    assert!(outer.get(&1).is_none() && outer.len() == 1);
    // And what is no collection at all.
    let event = sent_as::<Event, Dict<u32, u32>>(Event::new()?).map(drop);
    assert!(matches!(event, Err(Error::Decode { .. } | Error::Layout { .. })), "{event:?}");
    Ok(())
}

fn collections() -> usize {
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
    maps.lines().filter(|line| line.contains("/memfd:")).count()
}

fn descriptors() -> usize {
    std::fs::read_dir("/proc/self/fd").unwrap().count()
}

/// In a program of its own, where nobody else opens or maps anything.
#[process(start = "spawn", timeout = "60s")]
fn handles_come_and_go() -> offspring::Result<()> {
    let board = Board::new()?;
    let pass = || {
        let (here, there) = pipe::<Board, Board>()?;
        here.send(board.clone())?;
        let came = there.recv()?;
        came.play()?;
        let inner = came.nested.get(&1).expect("it is there");
        let queue = Queue::new()?;
        queue.put(inner).map_err(|_| Error::Full)?;
        queue.get().map_err(|_| Error::Empty)?;
        drop(Board::new()?);
        Ok::<_, Error>(())
    };
    pass()?;
    let before = (collections(), descriptors());
    (0..500).try_for_each(|_| pass())?;
    assert_eq!((collections(), descriptors()), before);
    Ok(())
}

#[test]
fn what_is_gone_is_not_kept() {
    handles_come_and_go::spawn().unwrap().join().unwrap().unwrap();
}

#[process]
fn take_and_wait(queue: &Queue<List<String>>, ready: &Event) {
    let _list = queue.get().unwrap();
    ready.set();
    std::thread::park_timeout(DEADLINE);
}

under_each_method! {
    /// A list that was in a dict lives as long as a process has it, and goes with that, killed as it may be.
    fn what_only_the_dead_had_is_freed() {
        let dict: Dict<u32, List<String>> = Dict::new().unwrap();
        let usage = || offspring::__private::audit::usage(&dict).unwrap();
        let empty = usage().blocks;
        dict.insert(1, List::from(["a".to_owned(), "b".to_owned()]).unwrap()).unwrap();
        let (queue, ready) = (Queue::new().unwrap(), Event::new().unwrap());
        let child = take_and_wait::spawn(&queue, &ready).unwrap();
        queue.put(dict.get(&1).unwrap()).unwrap();
        ready.wait();
        dict.remove(&1).unwrap();
        dict.insert(2, List::new().unwrap()).unwrap();
        dict.remove(&2).unwrap();
        assert_eq!((usage().orphans, usage().blocks > empty), (1, true), "it has it still");
        kill(child);
        drop(queue);
        // Whoever frees something next frees that as well.
        until(|| {
            dict.insert(3, List::new().unwrap()).unwrap();
            dict.remove(&3).unwrap();
            dict.clear().unwrap();
            usage().orphans == 0
        });
        assert_eq!(usage().blocks, empty);
    }
}
