//! Several at once: who makes the same name, who makes the same object, who sweeps while others come and go.

use std::sync::atomic::Ordering::SeqCst;
use std::thread;
use std::time::Duration;

use offspring::{Error, Manager, NameError, SharedMemory};

use crate::support::{Case, Program, Random, argument, path_of, say, stay, sweep, unique};

pub(crate) const CASES: &[Case] = &[
    ("races: of two who make one name, one does", names),
    ("races: of two who make one object, both get the same", objects),
    ("races: of two who remove one object, one does", removals),
    ("races: the living are not swept away, and the dead are", sweeps),
];

pub(crate) const PROGRAMS: &[Case] = &[
    ("contender", contender),
    ("object_maker", object_maker),
    ("remover", remover),
    ("sweeper", sweeper),
    ("attacher", attacher),
    ("short_lived", short_lived),
];

const ROUNDS: u8 = 200;

/// Waits for the beginning of each round, which all see at the same time, in the first byte of some memory.
fn each_round(memory: &str, mut play: impl FnMut(u8)) {
    let memory = SharedMemory::open(memory).unwrap();
    say("there");
    for round in 1..=ROUNDS {
        while memory.bytes()[0].load(SeqCst) != round {
            std::hint::spin_loop();
        }
        play(round);
    }
    // Until the other one has done the last round, too.
    stay();
}

/// Lets two programs play all rounds, and judges what they say after each.
fn play(program: &str, arguments: &[&str], mut judge: impl FnMut(u8, [String; 2])) {
    let name = unique("rounds");
    let memory = SharedMemory::create(&name, 1).unwrap();
    let arguments = [&[&*name], arguments].concat();
    let players = [(); 2].map(|()| Program::start(program, &arguments));
    players.iter().for_each(|player| player.expect("there"));
    for round in 1..=ROUNDS {
        memory.bytes()[0].store(round, SeqCst);
        judge(round, [players[0].line(), players[1].line()]);
    }
    players.into_iter().for_each(Program::end);
}

/// Makes a manager and memory, one of each in turn, and keeps it for the next round.
fn contender() {
    let mut made: (Vec<Manager>, Vec<SharedMemory>) = Default::default();
    each_round(&argument(0), |round| {
        let name = format!("{}-{round}", argument(1));
        let taken = if round % 2 == 0 {
            Manager::named(&name).map(|one| made.0.push(one))
        } else {
            SharedMemory::create(&name, 1).map(|one| made.1.push(one))
        };
        match taken {
            Ok(()) => say("made"),
            Err(Error::Name(NameError::Taken { .. })) => say("taken"),
            Err(other) => say(other),
        }
    });
}

fn names() {
    play("contender", &[&unique("contended")], |_, mut said| {
        said.sort();
        assert_eq!(said, ["made", "taken"]);
    });
}

fn object_maker() {
    let manager = Manager::attach(&argument(1)).unwrap();
    each_round(&argument(0), |round| {
        let queue = manager.joinable_queue(&round.to_string()).unwrap();
        queue.put(std::process::id()).unwrap();
        say("put");
    });
}

fn objects() {
    let name = unique("objects");
    let manager = Manager::named(&name).unwrap();
    play("object_maker", &[&name], |round, said| {
        assert_eq!(said, ["put", "put"]);
        assert_eq!(manager.joinable_queue::<u32>(&round.to_string()).unwrap().len(), 2);
    });
    // Whoever was not the first one has taken its files away.
    let files = std::fs::read_dir(path_of("manager", &name)).unwrap().count();
    assert_eq!(files, 1 + 3 * usize::from(ROUNDS));
}

fn remover() {
    let manager = Manager::attach(&argument(1)).unwrap();
    each_round(&argument(0), |round| {
        // Here and there the other one makes it anew in between.
        let removed = manager.remove("it").unwrap();
        if round % 2 == 0 {
            manager.lock("it").unwrap();
        }
        say(removed);
    });
}

fn removals() {
    let name = unique("removals");
    let manager = Manager::named(&name).unwrap();
    manager.lock("it").unwrap();
    play("remover", &[&name], |round, said| {
        let removed = said.iter().filter(|said| *said == "true").count();
        if round % 2 == 0 {
            drop(manager.lock("it").unwrap().lock().unwrap());
        } else {
            assert_eq!(removed, 1, "{said:?}");
            assert!(!manager.contains("it"));
            manager.lock("it").unwrap();
        }
    });
    manager.remove("it").unwrap();
    assert_eq!(std::fs::read_dir(path_of("manager", &name)).unwrap().count(), 1);
}

/// Whether somebody is still there to listen; looked for by a thread, so that the caller need not stop.
fn until_told(mut work: impl FnMut()) {
    let told = thread::spawn(crate::support::hear);
    say("there");
    while !told.is_finished() {
        work();
    }
}

fn sweeper() {
    until_told(sweep);
}

/// Finds the name of those who come and go, or not.
fn attacher() {
    let mut seen = [0_u32; 3];
    until_told(|| match Manager::attach(&argument(0)) {
        Ok(manager) => match manager.queue::<u64>("queue").and_then(|queue| Ok(queue.put(1)?)) {
            Ok(()) => seen[0] += 1,
            Err(Error::Name(NameError::StaleOwner { .. })) => seen[1] += 1,
            Err(other) => panic!("{other}"),
        },
        Err(Error::Name(NameError::StaleOwner { .. } | NameError::Missing { .. })) => seen[2] += 1,
        Err(other) => panic!("{other}"),
    });
    say(format!("{} found", seen[0].min(1)));
}

fn short_lived() {
    let manager = Manager::named(&argument(0)).unwrap();
    let memory = SharedMemory::create(&argument(0), 1).unwrap();
    say("there");
    manager.queue::<u64>("queue").unwrap();
    stay();
    drop((manager, memory));
}

fn sweeps() {
    let (name, living) = (unique("short-lived"), unique("living"));
    let mut random = Random::new("sweeps");
    let (manager, memory) =
        (Manager::named(&living).unwrap(), SharedMemory::create(&living, 1).unwrap());
    manager.lock("lock").unwrap();
    let sweepers = [(); 2].map(|()| Program::start("sweeper", &[]));
    let attacher = Program::start("attacher", &[&name]);
    sweepers.iter().chain([&attacher]).for_each(|program| program.expect("there"));
    for round in 0..30 {
        let one = Program::start("short_lived", &[&name]);
        one.expect("there");
        thread::sleep(random.up_to(Duration::from_millis(10)));
        if round % 3 == 0 {
            one.end();
        } else {
            one.kill();
        }
        assert!(SharedMemory::open(&living).unwrap().ptr_eq(&memory));
        assert!(Manager::attach(&living).unwrap().contains("lock"));
        // Made while others look whether it is dead.
        let more = Manager::named(&format!("{living}+")).unwrap();
        more.lock("lock").unwrap();
        assert!(Manager::attach(&format!("{living}+")).unwrap().contains("lock"));
    }
    sweepers.into_iter().for_each(Program::end);
    attacher.end_saying("1 found");
    sweep();
    assert!(!path_of("manager", &name).exists() && !path_of("memory", &name).exists());
}
