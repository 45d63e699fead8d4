//! Scenes of names: at whatever instruction somebody dies who makes, finds or takes away something that has a name, there
//! is a whole thing, or none, the next one can make it, and nothing is left in `/dev/shm`.
//!
//! What outlives the victim here is not memory but files, which only system calls change: those are where to kill.

use std::fs;
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
use std::time::Duration;

use offspring::{Error, Manager, NameError, Queue, Shared, SharedMemory};

use crate::scenes::{Entry, Scene, scene, warm};
use crate::victim::{Death, Memory, Victim};

pub(crate) const SCENES: &[Entry] = &[
    scene::<MakeMemory>(),
    scene::<OpenMemory>(),
    scene::<MakeManager>(),
    scene::<TakeOver>(),
    scene::<EndManager>(),
    scene::<Attach>(),
    scene::<MakeObject>(),
    scene::<FindObject>(),
    scene::<RemoveObject>(),
];

/// A name of this scene's, each time another one; its traces are nowhere but in `/dev/shm`.
struct Stage {
    name: String,
    memory: Shared<AtomicU32>,
}

impl Stage {
    fn set() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        warm();
        let name = format!("killed-{}-{}", std::process::id(), NEXT.fetch_add(1, SeqCst));
        Self { name, memory: Shared::new(AtomicU32::new(0)).expect("memory") }
    }

    fn memory(&self) -> Memory {
        Memory::of(&*self.memory)
    }

    /// Names that are this scene's, or that the victim had for a moment.
    fn left(&self) -> Vec<String> {
        let names = fs::read_dir("/dev/shm").expect("a folder").flatten();
        let names = names.map(|entry| entry.file_name().to_string_lossy().into_owned());
        names.filter(|name| name.contains(&self.name)).collect()
    }

    /// Both kinds can be made, and when those are gone, nothing is left.
    fn use_again(self, death: &Death) -> Duration {
        let memory = SharedMemory::create(&self.name, 100).expect("the name is free");
        let manager = Manager::named(&self.name).expect("the name is free");
        let took = death.age();
        drop(manager.lock("lock").expect("memory").lock().expect("a new lock"));
        assert!(SharedMemory::open(&self.name).expect("it is there").ptr_eq(&memory));
        assert!(Manager::attach(&self.name).expect("it is there").contains("lock"));
        drop((manager, memory));
        assert_eq!(self.left(), [""; 0]);
        took
    }
}

/// There is nothing, or something whose owner is dead.
#[track_caller]
fn assert_not_alive<T>(found: offspring::Result<T>) {
    let dead =
        matches!(found, Err(Error::Name(NameError::Missing { .. } | NameError::StaleOwner { .. })));
    assert!(dead, "what is dead was found");
}

struct MakeMemory(Stage);

impl Scene for MakeMemory {
    const NAME: &'static str = "names: create and drop shared memory";
    const BY_CALLS: bool = true;

    fn set() -> Self {
        Self(Stage::set())
    }
    fn memory(&self) -> Memory {
        self.0.memory()
    }
    fn start(&self) -> Victim {
        Victim::new(|| (), |(), _| drop(SharedMemory::create(&self.0.name, 5000).unwrap()))
    }
    fn aftermath(self, death: &Death) -> Duration {
        assert_not_alive(SharedMemory::open(&self.0.name));
        self.0.use_again(death)
    }
}

struct OpenMemory(Stage, SharedMemory);

impl Scene for OpenMemory {
    const NAME: &'static str = "names: open and drop shared memory";
    const BY_CALLS: bool = true;

    fn set() -> Self {
        let stage = Stage::set();
        let memory = SharedMemory::create(&stage.name, 5000).expect("memory");
        Self(stage, memory)
    }
    fn memory(&self) -> Memory {
        self.0.memory()
    }
    fn start(&self) -> Victim {
        Victim::new(|| (), |(), _| drop(SharedMemory::open(&self.0.name).unwrap()))
    }
    fn aftermath(self, death: &Death) -> Duration {
        assert!(SharedMemory::open(&self.0.name).expect("its owner lives").ptr_eq(&self.1));
        drop(self.1);
        self.0.use_again(death)
    }
}

struct MakeManager(Stage);

impl Scene for MakeManager {
    const NAME: &'static str = "names: make a named manager";
    const BY_CALLS: bool = true;

    fn set() -> Self {
        Self(Stage::set())
    }
    fn memory(&self) -> Memory {
        self.0.memory()
    }
    fn start(&self) -> Victim {
        let make = || Manager::named(&self.0.name).unwrap();
        Victim::new(|| (), move |(), _| std::mem::forget(make()))
    }
    fn aftermath(self, death: &Death) -> Duration {
        assert_not_alive(Manager::attach(&self.0.name));
        self.0.use_again(death)
    }
}

/// Makes what a dead one has left behind.
struct TakeOver(Stage);

impl Scene for TakeOver {
    const NAME: &'static str = "names: make a manager whose owner was killed";
    const BY_CALLS: bool = true;

    fn set() -> Self {
        let stage = Stage::set();
        let owner = crate::Helper::with(|| {
            let manager = Manager::named(&stage.name).expect("memory");
            let queue = manager.queue::<u64>("queue").expect("memory");
            (manager, queue, SharedMemory::create(&stage.name, 10).expect("memory"))
        });
        owner.kill();
        Self(stage)
    }
    fn memory(&self) -> Memory {
        self.0.memory()
    }
    fn start(&self) -> Victim {
        let make = || Manager::named(&self.0.name).unwrap();
        Victim::new(|| (), move |(), _| std::mem::forget(make()))
    }
    fn aftermath(self, death: &Death) -> Duration {
        assert_not_alive(Manager::attach(&self.0.name));
        self.0.use_again(death)
    }
}

struct EndManager(Stage);

impl Scene for EndManager {
    const NAME: &'static str = "names: drop a manager with objects";
    const BY_CALLS: bool = true;

    fn set() -> Self {
        Self(Stage::set())
    }
    fn memory(&self) -> Memory {
        self.0.memory()
    }
    fn start(&self) -> Victim {
        let make = || {
            let manager = Manager::named(&self.0.name).unwrap();
            manager.joinable_queue::<u64>("jobs").unwrap();
            manager
        };
        Victim::new(make, |manager, _| drop(manager))
    }
    fn aftermath(self, death: &Death) -> Duration {
        assert_not_alive(Manager::attach(&self.0.name));
        self.0.use_again(death)
    }
}

/// A manager of ours, in which the victim does something.
struct Living(Stage, Manager);

impl Living {
    fn set() -> Self {
        let stage = Stage::set();
        let manager = Manager::named(&stage.name).expect("memory");
        Self(stage, manager)
    }

    /// The object is there as a whole, or can be made.
    fn judge(self, death: &Death) -> Duration {
        let Self(stage, manager) = self;
        let kinds: Vec<_> = manager.names().expect("a list").into_iter().collect();
        for (name, kind) in &kinds {
            assert_eq!((name.as_str(), kind.as_str()), ("queue", "Queue<u64>"));
        }
        let queue = manager.queue::<u64>("queue").expect("memory");
        assert!(queue.len() <= 1);
        queue.put(2).expect("room");
        let same: Queue<u64> = Manager::attach(&stage.name)
            .expect("its owner lives")
            .queue("queue")
            .expect("it is there");
        assert!(same.ptr_eq(&queue));
        assert!(manager.remove("queue").expect("it is there") && !manager.contains("queue"));
        drop(manager);
        assert_eq!(stage.left(), [""; 0]);
        stage.use_again(death)
    }
}

struct Attach(Living);

impl Scene for Attach {
    const NAME: &'static str = "names: attach to a manager";
    const BY_CALLS: bool = true;

    fn set() -> Self {
        Self(Living::set())
    }
    fn memory(&self) -> Memory {
        self.0.0.memory()
    }
    fn start(&self) -> Victim {
        Victim::new(|| (), |(), _| drop(Manager::attach(&self.0.0.name).unwrap()))
    }
    fn aftermath(self, death: &Death) -> Duration {
        self.0.judge(death)
    }
}

struct MakeObject(Living);

impl Scene for MakeObject {
    const NAME: &'static str = "names: make a queue by its name";
    const BY_CALLS: bool = true;

    fn set() -> Self {
        Self(Living::set())
    }
    fn memory(&self) -> Memory {
        self.0.0.memory()
    }
    fn start(&self) -> Victim {
        let attach = || Manager::attach(&self.0.0.name).unwrap();
        Victim::new(attach, |manager, _| {
            manager.queue::<u64>("queue").unwrap().put(1).unwrap();
        })
    }
    fn aftermath(self, death: &Death) -> Duration {
        self.0.judge(death)
    }
}

struct FindObject(Living);

impl Scene for FindObject {
    const NAME: &'static str = "names: find a queue by its name";
    const BY_CALLS: bool = true;

    fn set() -> Self {
        let living = Living::set();
        living.1.queue::<u64>("queue").expect("memory");
        Self(living)
    }
    fn memory(&self) -> Memory {
        self.0.0.memory()
    }
    fn start(&self) -> Victim {
        let attach = || Manager::attach(&self.0.0.name).unwrap();
        Victim::new(attach, |manager, _| {
            manager.queue::<u64>("queue").unwrap().put(1).unwrap();
        })
    }
    fn aftermath(self, death: &Death) -> Duration {
        assert!(self.0.1.contains("queue"));
        self.0.judge(death)
    }
}

struct RemoveObject(Living);

impl Scene for RemoveObject {
    const NAME: &'static str = "names: remove a queue by its name";
    const BY_CALLS: bool = true;

    fn set() -> Self {
        let living = Living::set();
        living.1.queue::<u64>("queue").expect("memory").put(1).expect("room");
        Self(living)
    }
    fn memory(&self) -> Memory {
        self.0.0.memory()
    }
    fn start(&self) -> Victim {
        let attach = || Manager::attach(&self.0.0.name).unwrap();
        Victim::new(attach, |manager, _| assert!(manager.remove("queue").unwrap()))
    }
    fn aftermath(self, death: &Death) -> Duration {
        self.0.judge(death)
    }
}
