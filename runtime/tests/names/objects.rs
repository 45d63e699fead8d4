//! Objects of a manager: found by name and type, made once, removed, listed.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::time::Duration;

use offspring::sync::Mutex;
use offspring::{
    Error, GetTimeoutError, Lock, Manager, NameError, PutError, Queue, Shared, message, shared,
};

use crate::support::{
    Case, Program, argument, assert_name, hear, open_descriptors, path_of, say, stay, unique,
    wait_until,
};

pub(crate) const CASES: &[Case] = &[
    ("objects: programs that are not related meet at them", meet),
    ("objects: a program that was built anew finds them, too", another_build),
    ("objects: each kind keeps its state between programs", kinds),
    ("objects: another type under the name is an error that names both", wrong_type),
    ("objects: what cannot be a name is refused", invalid),
    ("objects: names are listed with their types", listed),
    ("objects: removed while handles go on", removed),
    ("objects: one that consists of several", several),
    ("objects: what is not made for its name has none", foreign_parts),
    ("objects: one that could not be made is not there", not_made),
    ("objects: in place, a queue takes numbers only", in_place),
    ("objects: folder and files are open to their user alone", private),
    ("managers: one of a name, and one that is not there", one_of_a_name),
    ("managers: what has the name may be something else", not_ours),
    ("managers: no descriptor and no memory is left", leaks),
];

pub(crate) const PROGRAMS: &[Case] = &[("worker", worker), ("holder", holder), ("reader", reader)];

#[message]
#[derive(Debug, PartialEq)]
struct Order {
    number: u32,
    what: String,
}

#[shared]
struct Board {
    visits: AtomicU64,
    total: Mutex<i64>,
}

fn board() -> offspring::Result<Shared<Board>> {
    Shared::new(Board { visits: AtomicU64::new(0), total: Mutex::new(0) })
}

/// Does what comes, until the queue is closed.
fn worker() {
    let manager = Manager::attach(&argument(0)).unwrap();
    assert_eq!(manager.name(), Some(&*argument(0)));
    let (orders, done) = (manager.queue("orders").unwrap(), manager.queue("done").unwrap());
    let board = manager.object("board", board).unwrap();
    say("there");
    for Order { number, what } in &orders {
        board.visits.fetch_add(1, SeqCst);
        *board.total.lock().unwrap() += i64::from(number);
        done.put(format!("{what} {number}")).unwrap();
    }
}

fn work(executable: &std::path::Path) {
    let name = unique("meet");
    let manager = Manager::named(&name).unwrap();
    let worker = Program::start_as(executable, "worker", &[&name]);
    let (orders, done) =
        (manager.queue("orders").unwrap(), manager.queue::<String>("done").unwrap());
    worker.expect("there");
    for number in 1..=100 {
        orders.put(Order { number, what: "tea".to_owned() }).unwrap();
    }
    orders.close();
    worker.end();
    assert_eq!(done.len(), 100);
    assert_eq!(done.get().unwrap(), "tea 1");
    let board = manager.object("board", board).unwrap();
    assert_eq!((board.visits.load(SeqCst), *board.total.lock().unwrap()), (100, 5050));
}

fn meet() {
    work(&std::env::current_exe().unwrap());
}

/// A copy of this executable with another build id.
fn another_build() {
    const NOTE: &[u8] = b"\x04\0\0\0\x14\0\0\0\x03\0\0\0GNU\0";
    let folder = tempfile::tempdir().unwrap();
    let mut program = fs::read(std::env::current_exe().unwrap()).unwrap();
    let Some(at) = program.windows(NOTE.len()).position(|bytes| bytes == NOTE) else {
        eprintln!("not tested: this executable has no build id");
        return;
    };
    program[at + NOTE.len()] ^= 0xff;
    let copy = folder.path().join("another");
    fs::write(&copy, program).unwrap();
    fs::set_permissions(&copy, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    work(&copy);
}

/// Holds one of each, and gives them back.
fn holder() {
    let manager = Manager::attach(&argument(0)).unwrap();
    let (lock, rlock) = (manager.lock("lock").unwrap(), manager.rlock("rlock").unwrap());
    let held = (lock.lock().unwrap(), rlock.lock().unwrap());
    let permit = manager.semaphore("semaphore", 9).unwrap();
    let permit = permit.acquire();
    let bounded = manager.bounded_semaphore("bounded", 9).unwrap();
    let bounded = bounded.acquire();
    manager.event("event").unwrap().set();
    manager.queue::<u64>("queue").unwrap().put(7).unwrap();
    manager.joinable_queue::<u64>("jobs").unwrap().put(8).unwrap();
    say("held");
    hear();
    drop((held, permit, bounded));
    // Whoever waits for it sleeps by then.
    let mutex = manager.object("mutex", mutex).unwrap();
    drop(mutex.lock().unwrap());
    manager.condition("condition").unwrap().notify_all();
    say("free");
    manager.barrier("barrier", 5).unwrap().wait().unwrap();
}

fn mutex() -> offspring::Result<Shared<Mutex<i32>>> {
    Shared::new(Mutex::new(0))
}

fn kinds() {
    let name = unique("kinds");
    let manager = Manager::named(&name).unwrap();
    let (lock, rlock) = (manager.lock("lock").unwrap(), manager.rlock("rlock").unwrap());
    let semaphore = manager.semaphore("semaphore", 3).unwrap();
    let bounded = manager.bounded_semaphore("bounded", 2).unwrap();
    let (event, condition) =
        (manager.event("event").unwrap(), manager.condition("condition").unwrap());
    let barrier = manager.barrier("barrier", 2).unwrap();
    let (queue, jobs) = (
        manager.bounded_queue::<u64>("queue", 2).unwrap(),
        manager.joinable_queue::<u64>("jobs").unwrap(),
    );
    let mutex = manager.object("mutex", mutex).unwrap();

    let mut holder = Program::start("holder", &[&name]);
    holder.expect("held");
    let pid = Some(holder.pid());
    assert_eq!((lock.holder(), rlock.holder()), (pid, pid));
    assert!(lock.try_lock().unwrap().is_none());
    // What is said of a size counts for whoever makes it.
    assert_eq!((semaphore.available(), bounded.available()), (2, 1));
    assert_eq!((barrier.parties(), queue.capacity()), (2, Some(2)));
    event.wait();
    assert_eq!(queue.get().unwrap(), 7);
    let job = jobs.get().unwrap();
    assert_eq!(*job, 8);
    job.done();
    jobs.join().unwrap();

    let guard = mutex.lock().unwrap();
    holder.tell("go on");
    let (_, timed_out) = condition
        .wait_timeout(guard, Duration::from_secs(60))
        .map(|(guard, result)| (drop(guard), result.timed_out()))
        .unwrap();
    assert!(!timed_out);
    holder.expect("free");
    assert_eq!((lock.holder(), rlock.holder()), (None, None));
    assert_eq!((semaphore.available(), bounded.available()), (3, 2));
    barrier.wait().unwrap();
    holder.end();
}

fn wrong_type() {
    let name = unique("wrong type");
    let manager = Manager::named(&name).unwrap();
    manager.queue::<u64>("it").unwrap();
    let other = Manager::attach(&name).unwrap();
    for manager in [&manager, &other] {
        let refused = manager.queue::<Vec<String>>("it").unwrap_err();
        let both = "`it` is of the type `Queue<u64>`, not `Queue<Vec<String>>`";
        assert_eq!(refused.to_string(), both);
        assert_name!(manager.lock("it"), OtherType);
        assert_name!(manager.object("it", || Shared::new(0_u64)), OtherType);
    }
    assert_eq!(manager.names().unwrap(), [("it".to_owned(), "Queue<u64>".to_owned())]);
    // Of the same name, in two places.
    fn one() -> offspring::Result<Shared<impl offspring::Shareable>> {
        #[shared]
        struct Twin(u64);
        Shared::new(Twin(1))
    }
    fn two() -> offspring::Result<Shared<impl offspring::Shareable>> {
        #[shared]
        struct Twin(f64);
        Shared::new(Twin(1.0))
    }
    manager.object("twin", one).unwrap();
    let Err(refused) = manager.object("twin", two) else { panic!("they are others") };
    assert!(refused.to_string().contains("one::Twin"), "{refused}");
}

fn invalid() {
    let manager = Manager::new().unwrap();
    let long = "n".repeat(201);
    for name in ["", "a/b", "a\0b", &long] {
        assert!(matches!(manager.lock(name), Err(Error::Name(_))), "{name}");
        assert!(matches!(manager.remove(name), Err(Error::Name(_))), "{name}");
        assert!(!manager.contains(name));
        assert!(matches!(Manager::named(name), Err(Error::Name(_))), "{name}");
        assert!(matches!(Manager::attach(name), Err(Error::Name(_))), "{name}");
    }
    for name in [".", "..", "owner", "=", "a\nb", "ünï code", &"n".repeat(200)] {
        manager.lock(name).unwrap();
        assert!(manager.contains(name));
    }
    assert_eq!(manager.names().unwrap().len(), 7);
}

fn listed() {
    let name = unique("listed");
    let manager = Manager::named(&name).unwrap();
    assert_eq!(manager.names().unwrap(), []);
    manager.lock("b").unwrap();
    manager.queue::<(u8, String)>("a").unwrap();
    manager.object("c", || Ok((Lock::new()?, Queue::<u8>::new()?))).unwrap();
    let other = Manager::attach(&name).unwrap();
    let all = [("a", "Queue<(u8, String)>"), ("b", "Lock"), ("c", "(Lock, Queue<u8>)")];
    let all = all.map(|(name, kind)| (name.to_owned(), kind.to_owned()));
    assert_eq!(other.names().unwrap(), all);
    assert!(format!("{other:?}").contains("\"a\", \"b\", \"c\""), "{other:?}");
    assert!(other.contains("a") && !other.contains("d"));
    assert!(other.remove("b").unwrap() && !manager.remove("b").unwrap());
    assert_eq!(manager.names().unwrap(), [all[0].clone(), all[2].clone()]);
}

fn removed() {
    let name = unique("removed");
    let manager = Manager::named(&name).unwrap();
    let first = manager.queue::<u64>("it").unwrap();
    let again = Manager::attach(&name).unwrap().queue("it").unwrap();
    assert!(first.ptr_eq(&again));
    assert!(manager.remove("it").unwrap() && !manager.contains("it"));
    first.put(1).unwrap();
    let second = manager.queue("it").unwrap();
    assert!(!second.ptr_eq(&first) && second.is_empty());
    second.put(2).unwrap();
    assert_eq!((again.get().unwrap(), second.get().unwrap()), (1, 2));
    // What has no name any more need not be waited for when all others have gone.
    drop(again);
    let alone = first.get();
    assert!(matches!(alone, Err(offspring::GetError::PeerDied)), "{alone:?}");
    // What others can still find may get an item from them.
    let nothing = second.get_timeout(Duration::from_millis(300));
    assert!(matches!(nothing, Err(GetTimeoutError::TimedOut)), "{nothing:?}");
    // The manager may be gone before what it has handed out is.
    drop(manager);
    second.put(3).unwrap();
    assert_eq!(second.get().unwrap(), 3);
}

fn several() {
    let name = unique("several");
    let manager = Manager::named(&name).unwrap();
    let make = || Ok((Lock::new()?, vec![Queue::<String>::new()?, Queue::bounded(2)?], 42));
    let (lock, queues, number) = manager.object("all", make).unwrap();
    let other = Manager::attach(&name).unwrap().object("all", make).unwrap();
    assert!(other.0.ptr_eq(&lock) && other.1[1].ptr_eq(&queues[1]) && other.2 == number);
    assert_eq!(manager.object("plain", || Ok("text".to_owned())).unwrap(), "text");
    assert_eq!(manager.object("plain", || Ok("other".to_owned())).unwrap(), "text");
}

fn foreign_parts() {
    let manager = Manager::new().unwrap();
    let before = Lock::new().unwrap();
    let refused = manager.object("it", || Ok((Lock::new()?, before.clone()))).unwrap_err();
    assert!(matches!(refused, Error::Encode { .. }), "{refused}");
    assert!(refused.to_string().contains("made before"), "{refused}");
    let refused = manager.object("it", || offspring::pipe::<u8, u8>().map(|(one, _)| one));
    assert!(matches!(refused, Err(Error::Encode { .. })), "{refused:?}");
    assert!(!manager.contains("it"));
    assert_eq!(manager.names().unwrap(), []);
}

fn not_made() {
    let name = unique("not made");
    let manager = Manager::named(&name).unwrap();
    let files = || fs::read_dir(path_of("manager", &name)).unwrap().count();
    let before = files();
    let refused = manager.object::<Lock>("it", || {
        Lock::new()?;
        Err(Error::Full)
    });
    assert!(matches!(refused, Err(Error::Full)), "{refused:?}");
    std::panic::set_hook(Box::new(|_| ()));
    let panicked = catch_unwind(AssertUnwindSafe(|| {
        manager.object::<Lock>("it", || {
            let _one = Lock::new()?;
            panic!("as intended")
        })
    }));
    let _ = std::panic::take_hook();
    assert!(panicked.is_err() && !manager.contains("it"));
    assert_eq!(files(), before);
    // What is made then has no name again.
    let anonymous = Lock::new().unwrap();
    assert_eq!(files(), before);
    drop(anonymous);
    manager.lock("it").unwrap();
    assert_eq!(files(), before + 2);
}

fn in_place() {
    let manager = Manager::new().unwrap();
    let frames = manager.queue::<[u8; 32]>("frames").unwrap();
    let refused = frames.reserve().unwrap_err();
    assert!(matches!(refused, PutError::Failed(..)), "{refused:?}");
    assert!(refused.to_string().contains("numbers"), "{refused}");
    let (numbers, bytes) =
        (manager.queue("numbers").unwrap(), manager.queue::<Vec<u8>>("bytes").unwrap());
    numbers.reserve().unwrap().write(7_u64).unwrap();
    assert_eq!(numbers.get_with(|number| *number).unwrap(), 7);
    bytes.put_bytes(b"seven").unwrap();
    assert_eq!(bytes.get_bytes_with(<[u8]>::len).unwrap(), 5);
}

fn private() {
    let name = unique("private");
    let before = rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o777));
    let manager = Manager::named(&name);
    let object = manager.as_ref().map(|manager| manager.queue::<u8>("it").is_ok());
    rustix::process::umask(before);
    assert!(object.unwrap());
    let path = path_of("manager", &name);
    assert_eq!(fs::metadata(&path).unwrap().mode() & 0o7777, 0o700);
    let files: Vec<_> = fs::read_dir(&path).unwrap().map(Result::unwrap).collect();
    assert_eq!(files.len(), 3);
    assert!(files.iter().all(|file| file.metadata().unwrap().mode() & 0o7777 == 0o600));
}

fn one_of_a_name() {
    let name = unique("one of a name");
    assert_name!(Manager::attach(&name), Missing);
    let manager = Manager::named(&name).unwrap();
    assert!(manager.is_alive());
    assert_name!(Manager::named(&name), Taken);
    let other = Manager::attach(&name).unwrap();
    other.lock("lock").unwrap();
    // Memory of the same name is something else.
    drop(offspring::SharedMemory::create(&name, 1).unwrap());
    drop(manager);
    assert_name!(Manager::attach(&name), Missing);
    assert!(!other.is_alive());
    assert_name!(other.lock("lock"), StaleOwner);
    assert_name!(other.lock("another"), StaleOwner);
    let anew = Manager::named(&name).unwrap();
    assert_eq!(anew.names().unwrap(), []);
    assert_name!(other.lock("another"), StaleOwner);
    assert_eq!(anew.names().unwrap(), []);
}

fn not_ours() {
    let name = unique("not ours");
    let path = path_of("manager", &name);
    let both = || [Manager::named(&name), Manager::attach(&name)].map(crate::support::refusal);
    fs::write(&path, "a file").unwrap();
    assert!(both().iter().all(|refusal| matches!(refusal, NameError::NotOurs { .. })));
    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    assert!(both().iter().all(|refusal| matches!(refusal, NameError::NotOurs { .. })));
    fs::remove_dir(&path).unwrap();
}

/// Waits for an item of one who comes later, and goes on when that one is gone.
fn reader() {
    let manager = Manager::attach(&argument(0)).unwrap();
    let queue = manager.queue::<u64>("queue").unwrap();
    say("there");
    say(queue.get().unwrap());
    let end = queue.get();
    assert!(matches!(end, Err(offspring::GetError::PeerDied)), "{end:?}");
    say("alone");
    stay();
}

fn leaks() {
    let name = unique("leaks");
    // One who waits alone is told when nobody can come any more.
    let manager = Manager::named(&name).unwrap();
    let reader = Program::start("reader", &[&name]);
    reader.expect("there");
    manager.queue("queue").unwrap().put(5_u64).unwrap();
    reader.expect("5");
    drop(manager);
    reader.expect("alone");
    reader.end();

    let before = open_descriptors();
    for _ in 0..20 {
        let manager = Manager::named(&name).unwrap();
        let other = Manager::attach(&name).unwrap();
        let objects = (manager.lock("a").unwrap(), other.lock("a").unwrap());
        let queues =
            (manager.joinable_queue::<u8>("b").unwrap(), other.joinable_queue::<u8>("b").unwrap());
        assert_name!(other.event("b"), OtherType);
        assert!(other.remove("b").unwrap());
        drop((objects, queues, manager, other));
        drop(Manager::new().unwrap());
    }
    wait_until("all descriptors are closed", || open_descriptors() == before);
}
