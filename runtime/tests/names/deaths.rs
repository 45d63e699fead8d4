//! Programs that are killed at any moment while they make, find, use and remove what has a name.

use std::thread;
use std::time::Duration;

use offspring::{Error, Manager, NameError, SharedMemory};

use crate::support::{
    Case, Program, Random, argument, assert_name, hear, path_of, say, stay, sweep, unique,
    wait_until,
};

pub(crate) const CASES: &[Case] = &[
    ("deaths: whoever makes and unmakes names is killed at any moment", makers),
    ("deaths: whoever makes and removes objects is killed at any moment", users),
    ("deaths: objects go on when their manager's owner is killed", orphans),
    ("deaths: an owner that is killed with a lock of its manager's", locked),
];

pub(crate) const PROGRAMS: &[Case] =
    &[("maker", maker), ("user", user), ("orphan", orphan), ("locker", locker)];

const ROUNDS: usize = 40;

fn maker() {
    let name = argument(0);
    say("there");
    loop {
        let memory = SharedMemory::create(&name, 5000).unwrap();
        let manager = Manager::named(&name).unwrap();
        manager.queue::<u64>("queue").unwrap().put(1).unwrap();
        manager.lock("lock").unwrap();
        drop(SharedMemory::open(&name).unwrap());
        drop(Manager::attach(&name).unwrap());
        drop((memory, manager));
    }
}

fn makers() {
    let (name, mut random) = (unique("makers"), Random::new("makers"));
    for _ in 0..ROUNDS {
        let maker = Program::start("maker", &[&name]);
        maker.expect("there");
        thread::sleep(random.up_to(Duration::from_millis(20)));
        maker.kill();
        match Manager::attach(&name) {
            Err(Error::Name(NameError::Missing { .. } | NameError::StaleOwner { .. })) => {}
            other => panic!("{other:?}"),
        }
        drop((SharedMemory::create(&name, 1).unwrap(), Manager::named(&name).unwrap()));
        assert!(!path_of("memory", &name).exists() && !path_of("manager", &name).exists());
    }
}

fn user() {
    let manager = Manager::attach(&argument(0)).unwrap();
    say("there");
    for number in 0_u64.. {
        let name = format!("queue {}", number % 3);
        manager.queue(&name).unwrap().put(number).unwrap();
        let jobs = manager.joinable_queue("jobs").unwrap();
        jobs.put(number).unwrap();
        drop(manager.lock("lock").unwrap().lock().unwrap());
        if number % 2 == 0 {
            manager.remove(&name).unwrap();
            manager.remove("jobs").unwrap();
        }
    }
}

fn users() {
    let (name, mut random) = (unique("users"), Random::new("users"));
    let manager = Manager::named(&name).unwrap();
    for _ in 0..ROUNDS {
        let users = [(); 2].map(|()| Program::start("user", &[&name]));
        users.iter().for_each(|user| user.expect("there"));
        thread::sleep(random.up_to(Duration::from_millis(20)));
        for user in users {
            user.kill();
            // Whatever is listed is there as a whole.
            for (name, kind) in manager.names().unwrap() {
                match kind.as_str() {
                    "Queue<u64>" => drop(manager.queue::<u64>(&name).unwrap().try_get()),
                    "JoinableQueue<u64>" => drop(manager.joinable_queue::<u64>(&name).unwrap()),
                    "Lock" => drop(manager.lock(&name).unwrap()),
                    other => panic!("{other}"),
                }
            }
        }
    }
    drop(manager.lock("lock").unwrap().lock().unwrap());
}

/// Waits for the next number, and says it.
fn orphan() {
    let manager = Manager::attach(&argument(0)).unwrap();
    let queue = manager.queue::<u64>("queue").unwrap();
    say("there");
    loop {
        match queue.get() {
            Ok(number) => say(number),
            Err(error) => {
                say(error);
                assert!(!manager.is_alive());
                assert_name!(manager.lock("lock"), StaleOwner);
                return stay();
            }
        }
    }
}

fn orphans() {
    let name = unique("orphans");
    let mut owner = Program::start("locker", &[&name]);
    owner.expect("there");
    let orphans = [(); 2].map(|()| Program::start("orphan", &[&name]));
    orphans.iter().for_each(|orphan| orphan.expect("there"));
    let queue = Manager::attach(&name).unwrap().queue::<u64>("queue").unwrap();
    owner.tell("hold the lock");
    owner.expect("held");
    owner.kill();
    // They are waiting, and so they go on.
    for number in 0..10 {
        queue.put(number).unwrap();
    }
    wait_until("all is taken", || queue.is_empty());
    // Nobody can come any more; so whoever is left is told.
    let [one, other] = orphans;
    one.kill();
    drop(queue);
    let told = "the queue is empty, and nobody is left who could ever put anything";
    while other.line() != told {}
    other.end();
    // It was known without anybody having taken the names away.
    assert_name!(Manager::attach(&name), StaleOwner);
    drop(Manager::named(&name).unwrap());
}

fn locker() {
    let manager = Manager::named(&argument(0)).unwrap();
    let (lock, mutex) = (manager.lock("lock").unwrap(), manager.object("mutex", mutex).unwrap());
    say("there");
    hear();
    let mut guard = (lock.lock().unwrap(), mutex.lock().unwrap());
    *guard.1 = 1;
    say("held");
    stay();
}

fn mutex() -> offspring::Result<offspring::Shared<offspring::sync::Mutex<u32>>> {
    offspring::Shared::new(offspring::sync::Mutex::new(0))
}

fn locked() {
    let name = unique("locked");
    let mut owner = Program::start("locker", &[&name]);
    owner.expect("there");
    let manager = Manager::attach(&name).unwrap();
    let (lock, mutex) = (manager.lock("lock").unwrap(), manager.object("mutex", mutex).unwrap());
    owner.tell("hold them");
    owner.expect("held");
    assert!(lock.try_lock().unwrap().is_none());
    let waiting = thread::spawn(move || lock.lock().unwrap().recovered());
    owner.kill();
    assert!(waiting.join().unwrap(), "the dead one's lock was taken over");
    let Err(offspring::sync::LockError::OwnerDied(guard)) = mutex.lock() else { panic!() };
    assert_eq!(*guard, 1);
    drop(guard);
    sweep();
    assert!(!path_of("manager", &name).exists());
}
