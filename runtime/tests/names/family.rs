//! Managers without a name, and those that are passed on.

use offspring::{Manager, Process, Queue, StartMethod, pipe, process};

use crate::support::{
    Case, Program, assert_name, happens, hear, kill_pid, names, say, sweep, unique, wait_until,
};

pub(crate) const CASES: &[Case] = &[
    ("family: children make and find the same objects", children),
    ("family: it lives as long as its last handle", last_handle),
    ("family: it is gone with the last process that has it", last_process),
    ("family: a named manager is passed on, too, and stays its owner's", named),
    ("family: a manager inside of an item and of a message", inside),
];

pub(crate) const PROGRAMS: &[Case] = &[("family_owner", owner)];

const METHODS: [StartMethod; 3] = [StartMethod::ForkServer, StartMethod::Fork, StartMethod::Spawn];

#[process]
fn add(manager: &Manager, number: u64) -> offspring::Result<()> {
    let lock = manager.lock("turn")?;
    let _turn = lock.lock().unwrap();
    manager.queue("numbers")?.put(number)?;
    Ok(())
}

fn families() -> usize {
    names().iter().filter(|name| name.contains("-family-")).count()
}

fn children() {
    let manager = Manager::new().unwrap();
    assert_eq!(manager.name(), None);
    let children: Vec<_> = (1..=9)
        .map(|number| {
            let method = METHODS[number as usize % 2 * 2];
            add::task(&manager, number).start_method(method).spawn().unwrap()
        })
        .collect();
    children.into_iter().for_each(|child| child.join().unwrap().unwrap());
    let numbers: Queue<u64> = manager.queue("numbers").unwrap();
    assert_eq!(numbers.get_many(9).unwrap().iter().sum::<u64>(), 45);
    assert_eq!(manager.names().unwrap().len(), 2);
}

/// Holds what it was given until it is told to end.
#[process]
fn hold(manager: Manager, go: &Queue<()>) -> offspring::Result<usize> {
    go.get()?;
    manager.event("made after its maker let go")?;
    Ok(manager.names()?.len())
}

fn last_handle() {
    let (before, go) = (families(), Queue::new().unwrap());
    let manager = Manager::new().unwrap();
    assert_eq!(families(), before + 1);
    let child = hold::spawn(manager.clone(), &go).unwrap();
    drop(manager);
    sweep();
    assert_eq!(families(), before + 1);
    go.put(()).unwrap();
    assert_eq!(child.join().unwrap().unwrap(), 1);
    assert_eq!(families(), before);
}

fn owner() {
    let (manager, go) = (Manager::new().unwrap(), Queue::new().unwrap());
    let child: Process<offspring::Result<usize>> = hold::spawn(manager, &go).unwrap();
    say(child.pid());
    hear();
}

fn last_process() {
    let before = families();
    let owner = Program::start("family_owner", &[]);
    let child: u32 = owner.line().parse().unwrap();
    owner.kill();
    sweep();
    assert_eq!(families(), before + 1);
    kill_pid(child);
    wait_until("it is gone", || {
        sweep();
        families() == before
    });
}

#[process]
fn attach(manager: Manager, name: &str) -> bool {
    assert_eq!(manager.name(), Some(name));
    let same = Manager::attach(name).unwrap().lock("it").unwrap();
    let found = manager.lock("it").unwrap().ptr_eq(&same);
    drop(manager);
    found
}

fn named() {
    let name = unique("named");
    let manager = Manager::named(&name).unwrap();
    for method in METHODS {
        // Other tests may have left threads that are on their way out.
        let start = || attach::task(manager.clone(), &name).start_method(method).spawn();
        let mut child = None;
        assert!(happens(|| {
            child = start().ok();
            child.is_some()
        }));
        assert!(child.unwrap().join().unwrap());
        sweep();
        assert!(manager.contains("it"));
    }
    let go = Queue::new().unwrap();
    let child = hold::spawn(manager.clone(), &go).unwrap();
    drop(manager);
    assert_name!(Manager::attach(&name), Missing);
    go.put(()).unwrap();
    let refused = child.join().unwrap().unwrap_err();
    assert!(refused.to_string().contains("has ended"), "{refused}");
}

fn inside() {
    let before = families();
    let manager = Manager::new().unwrap();
    let lock = manager.lock("it").unwrap();
    let queue = Queue::new().unwrap();
    queue.put(manager.clone()).unwrap();
    assert!(queue.get().unwrap().lock("it").unwrap().ptr_eq(&lock));
    let (one, other) = pipe::<Manager, ()>().unwrap();
    one.send(manager).unwrap();
    drop(one);
    // On its way, it counts as held.
    sweep();
    assert!(other.recv().unwrap().lock("it").unwrap().ptr_eq(&lock));
    drop(queue);
    wait_until("nobody has it any more", || families() == before);
}
